"""The documentation as a site: it builds, is complete, and its search works offline."""

import subprocess
import sys
from pathlib import Path

import browser
import pytest

import clantune_core
from clantune_core import testing

FOUND_BY = {
    "resume": "how_to/resume.html",
    "FSDP2": "clan/member.html",
    "ReplaySchedule": "clan/replay.html",
}
"""What somebody types, and a page that has to be among the results."""

WIDTHS = (360, 1400)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The documentation, built as `make docs` builds it; a warning is an error."""
    docs = Path(__file__).parents[2] / "docs"
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    command += ["-d", built / "doctrees", docs, built / "html"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return built / "html"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    started = browser.start(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


def test_it_builds_without_a_warning(site):
    assert "The four hooks" in (site / "hooks.html").read_text("utf-8")


def test_the_reference_shows_every_public_name(site):
    page = (site / "api.html").read_text("utf-8")
    missing = [name for name in clantune_core.__all__ if f'id="clantune_core.{name}"' not in page]
    missing += [
        name for name in testing.__all__ if f'id="clantune_core.testing.{name}"' not in page
    ]
    assert missing == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("query", FOUND_BY)
def test_the_search_finds_pages_without_a_network(query, width, site, chromium):
    seen = chromium.open(Address(site / "search.html", f"q={query}"), width)
    links = seen.run(
        "return [...document.querySelectorAll('#search-results li a')].map(a => a.href)"
    )
    assert any(f"/{FOUND_BY[query]}" in link for link in links), links
    check(seen)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["index", "first_clan", "limits", "related_work", "api"])
def test_a_page_fits_its_window_and_asks_nothing_of_the_network(page, width, site, chromium):
    check(chromium.open(site / f"{page}.html", width))


def check(seen):
    assert seen.said == []
    assert [
        address for address in seen.requests if not address.startswith(("file:", "data:"))
    ] == []
    assert seen.too_wide <= 0


class Address:
    """A file with a query, which a browser opens as it opens a path."""

    def __init__(self, path, query):
        self._text = f"{path.as_uri()}?{query}"

    def as_uri(self):
        return self._text
