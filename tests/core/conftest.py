"""Outside packages, made for real: a module, and the metadata that pip would have written."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest


class Site:
    """A folder like site-packages, with little packages in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def install(self, distribution, code, *, version="1.0", **groups):
        """Install a package whose one module is called like it.

        Args:
            groups: Entry points by their names: `strategies={"breeze": "breeze:Breeze"}`.
        """
        module = distribution.lower().replace("-", "_").replace(".", "_")
        (self.folder / f"{module}.py").write_text(dedent(code))
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = []
        for group, entries in groups.items():
            lines += [f"[clantune.{group}]", *(f"{name} = {at}" for name, at in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines))
        return module

    def run(self, code, **environment):
        """Run code in a process of its own that finds these packages; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", dedent(code)],
            env={**os.environ, "PYTHONPATH": str(self.folder), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def site(tmp_path):
    """A folder of outside packages that only processes started by `site.run` find."""
    return Site(tmp_path / "site")


@pytest.fixture
def own_site(site, monkeypatch):
    """A folder of outside packages that this process finds too."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(site.folder))
    yield site
    for name in set(sys.modules) - before:
        if str(site.folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
