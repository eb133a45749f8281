"""What a frame is drawn on."""

from __future__ import annotations

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
