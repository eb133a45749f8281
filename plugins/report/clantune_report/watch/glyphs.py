"""The characters of the view: blocks where the terminal has them, otherwise ASCII."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from rich.console import Console

PLAIN_LANGUAGES = ("C", "POSIX")


@attrs.frozen(kw_only=True)
class Glyphs:
    """The characters that pictures consist of.

    Attributes:
        levels: Characters of a sparkline, from low to high.
        done: Character of a bar for what is done.
        left: Character of a bar for what is left.
        more: Character after a text that is cut.
        is_ascii: Whether the terminal shows ASCII only.
    """

    levels: str
    done: str
    left: str
    more: str
    is_ascii: bool

    def clean(self, text: str) -> str:
        """Return a text without what could move the cursor or what the terminal cannot show."""
        text = "".join(each if each.isprintable() else "?" for each in text)
        return text.encode("ascii", "backslashreplace").decode() if self.is_ascii else text


BLOCKS = Glyphs(levels="▁▂▃▄▅▆▇█", done="█", left="░", more="…", is_ascii=False)
ASCII = Glyphs(levels="_.,-=+*#", done="#", left=".", more="~", is_ascii=True)


def glyphs_for(console: Console, environment: Mapping[str, str]) -> Glyphs:
    """Return the characters for a terminal.

    Args:
        console: Terminal, whose encoding decides.
        environment: Variables, whose language decides too: Python writes UTF-8 under `LANG=C`.
    """
    named = ("LC_ALL", "LC_CTYPE", "LANG")
    # Under LANG=C Python itself sets LC_CTYPE to C.UTF-8.
    languages = [environment.get(name, "") for name in named]
    language = next((each for each in languages if each and each != "C.UTF-8"), "")
    is_ascii = console.options.ascii_only or language in PLAIN_LANGUAGES
    return ASCII if is_ascii else BLOCKS
