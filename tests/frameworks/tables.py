"""The tables of features in docs/frameworks, made of what the tests try.

`python tests/frameworks/tables.py` writes them into the pages.
"""

from pathlib import Path

import features_accelerate
import features_lightning
import features_transformers

PAGES = {
    "lightning.md": features_lightning.FEATURES,
    "transformers.md": features_transformers.FEATURES,
    "accelerate.md": features_accelerate.FEATURES,
}
DOCS = Path(__file__).parents[2] / "docs/frameworks"
HEAD = "| feature | in a clan |\n|---|---|\n"


def with_table(text, features):
    """Return the text of a page with the rows of these features in its table."""
    before, _, after = text.partition(HEAD)
    _, _, rest = after.partition("\n\n")
    rows = [f"| {each.name} | {each.in_a_clan.replace('|', chr(92) + '|')} |" for each in features]
    return f"{before}{HEAD}{chr(10).join(rows)}\n" + (f"\n{rest}" if rest else "")


if __name__ == "__main__":
    for name, features in PAGES.items():
        page = DOCS / name
        page.write_text(with_table(page.read_text("utf-8"), features), "utf-8")
