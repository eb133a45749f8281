"""The tables of features in the docs, which say what the tests have tried."""

import pytest
from tables import DOCS, HEAD, PAGES, with_table


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_the_table_of_what_is_tested(page):
    text = (DOCS / page).read_text("utf-8")
    assert text.count(HEAD) == 1
    assert text == with_table(text, PAGES[page]), "run: python tests/frameworks/tables.py"
