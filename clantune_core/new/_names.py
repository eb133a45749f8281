"""What a strategy is called: the names of its package, module and class follow from one name."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import re

import attrs

import clantune_core
from clantune_core.errors import ClanTuneError, shown

LONGEST = 32
"""Characters of a name: with more, lines of what is written grow longer than its lint allows."""

_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "clantune-"
_OURS = {"autobind", "clan", "lightning", "neuro", "store", "strategies"}
_IMPORTED = {"Law", "Random", "Sequence"}  # by what is written, besides the names of the core


@attrs.frozen
class Names:
    """Everything that is named after a strategy.

    Attributes:
        strategy: What a run and saved data call it, such as `night-shift`.
    """

    strategy: str

    @property
    def distribution(self) -> str:
        """What pip calls its package: `clantune-night-shift`."""
        return _PREFIX + self.strategy

    @property
    def package(self) -> str:
        """What is imported: `clantune_night_shift`."""
        return self.distribution.replace("-", "_")

    @property
    def module(self) -> str:
        """The file in which the class stands, without its suffix: `night_shift`."""
        return self.strategy.replace("-", "_")

    @property
    def class_name(self) -> str:
        """`NightShift`."""
        return "".join(part.capitalize() for part in self.strategy.split("-"))


def names_of(name: str) -> Names:
    """Return the names that follow from that of a new strategy.

    Raises:
        ClanTuneError: It cannot be written, cannot be imported, or is taken.
    """
    _require_form(name)
    names = Names(name)
    _require_class_name(names)
    _require_unused(names)
    return names


def _require_form(name: str) -> None:
    if not _FORM.fullmatch(name):
        raise ClanTuneError(
            f"{shown(name)} is no name for a strategy; take lower-case letters, digits and single "
            f"hyphens, a letter first, such as {_nearest(name)!r}"
        )
    if name.startswith(_PREFIX):
        raise ClanTuneError(
            f"{shown(name)} begins with {_PREFIX!r}, which is added to every name; write "
            f"{_nearest(name.removeprefix(_PREFIX))!r}"
        )
    if name in _OURS:
        raise ClanTuneError(
            f"{shown(name)} is the name of a package of ClanTune; choose another name"
        )
    if len(name) > LONGEST:
        raise ClanTuneError(
            f"{shown(name)} has {len(name)} characters; a name has {LONGEST} at most"
        )


def _nearest(name: str) -> str:
    """Return a name that can be written and looks like this one, if there is any."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
    near = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    return near if _FORM.fullmatch(near) and len(near) <= LONGEST else "night-shift"


def _require_class_name(names: Names) -> None:
    name, class_name = names.strategy, names.class_name
    for word in (names.module, class_name):
        if keyword.iskeyword(word):
            raise ClanTuneError(
                f"{name!r} cannot be imported: {word} is a keyword of Python; choose another name"
            )
    if class_name.startswith("Test"):
        raise ClanTuneError(
            f"{name!r} would make a class {class_name}, which pytest takes for a test; "
            "choose another name"
        )
    if class_name in {*dir(builtins), *clantune_core.__all__, *_IMPORTED}:
        raise ClanTuneError(
            f"{name!r} would make a class {class_name}, which is something else already; choose "
            "another name"
        )


def _require_unused(names: Names) -> None:
    for each in clantune_core.strategies():
        if each.name == names.strategy:
            raise ClanTuneError(
                f"a strategy {each.name!r} is installed already, by {each.distribution}; choose "
                "another name"
            )
    if importlib.util.find_spec(names.package) is not None:
        raise ClanTuneError(
            f"a module {names.package} can be imported already; choose another name"
        )
