"""What a frame is drawn on."""

from __future__ import annotations

import textwrap

import attrs

from clantune_report.watch.glyphs import Glyphs


@attrs.frozen(kw_only=True)
class Paper:
    """A piece of a terminal.

    Attributes:
        width: Characters of a line.
        height: Number of lines; None for as many as there are.
        glyphs: Characters that the terminal shows.
    """

    width: int
    height: int | None
    glyphs: Glyphs

    def wrapped(self, text: str, *, indent: str = "", margin: int = 0) -> list[str]:
        """Return a text in lines.

        Args:
            text: Text, which may contain what the terminal cannot show.
            indent: What the lines after the first one begin with.
            margin: Characters of each line that are kept free.
        """
        width = max(8, self.width - margin)
        return textwrap.wrap(self.glyphs.clean(text), width, subsequent_indent=indent)
