"""The names of a package, its module and its class or function, which follow from one name."""

from __future__ import annotations

import builtins
import importlib.util
import keyword
import re

import attrs

import clantune_core
from clantune_core.errors import ClanTuneError, shown
from clantune_core.new.beginnings import Beginning
from clantune_core.plugins import Group

LONGEST = 32
"""Most characters of a name: with more, lines in the written files exceed their line length."""

_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PREFIX = "clantune-"
_OURS = {"autobind", "clan", "lightning", "neuro", "store", "strategies"}
_IMPORTED = {
    *("ClassVar", "Dominant", "Expressed", "Gaussian", "Law", "Optimizer", "Random", "Recipe"),
    *("RecipeSettings", "SGD", "Sequence", "Truncation", "WhenReplaced"),
    *("nn", "offsets", "settings"),
}
"""Names that the written files import, besides the public names of the core."""


@attrs.frozen
class Names:
    """The names in a package that follow from the name of its plugin.

    Attributes:
        name: Name of the entry point, such as `night-shift`.
        is_class: Whether the plugin is a class; if not, it is a function.
    """

    name: str
    is_class: bool

    @property
    def distribution(self) -> str:
        """The name of the distribution: `clantune-night-shift`."""
        return _PREFIX + self.name

    @property
    def package(self) -> str:
        """The name to import: `clantune_night_shift`."""
        return self.distribution.replace("-", "_")

    @property
    def module(self) -> str:
        """The file of the code, without its suffix: `night_shift`."""
        return self.name.replace("-", "_")

    @property
    def object_name(self) -> str:
        """`NightShift` if it is a class, else `night_shift`."""
        parts = self.name.split("-")
        return "".join(map(str.capitalize, parts)) if self.is_class else self.module


def names_of(name: str, beginning: Beginning) -> Names:
    """Return the names that follow from the name of a new plugin.

    Raises:
        ClanTuneError: The name has a wrong form, cannot be imported, or is taken.
    """
    _require_form(name, beginning.group.what)
    names = Names(name, beginning.is_class)
    _require_object_name(names)
    _require_unused(names, beginning.group)
    return names


def _require_form(name: str, what: str) -> None:
    if not _FORM.fullmatch(name):
        raise ClanTuneError(
            f"{shown(name)} cannot name a {what}; use lower-case letters, digits and single "
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


def _require_object_name(names: Names) -> None:
    name, made = names.name, names.object_name
    kind = "class" if names.is_class else "function"
    for word in (names.module, made):
        if keyword.iskeyword(word):
            raise ClanTuneError(
                f"{name!r} cannot be imported: {word} is a keyword of Python; choose another name"
            )
    if made.lower().startswith("test"):
        raise ClanTuneError(
            f"{name!r} would make a {kind} {made}, which pytest takes for a test; "
            "choose another name"
        )
    if made in {*dir(builtins), *clantune_core.__all__, *_IMPORTED}:
        raise ClanTuneError(
            f"{name!r} would make a {kind} {made}, which is something else already; choose "
            "another name"
        )


def _require_unused(names: Names, group: Group) -> None:
    for each in group.installed():
        if each.name == names.name:
            raise ClanTuneError(
                f"a {group.what} {each.name!r} is installed already, by {each.distribution}; "
                "choose another name"
            )
    if importlib.util.find_spec(names.package) is not None:
        raise ClanTuneError(
            f"a module {names.package} can be imported already; choose another name"
        )
