"""The types of packages that can be written."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

import clantune_core
from clantune_core.plugins import ALLELES, PRESETS, RECIPES, STRATEGIES, Group


@attrs.frozen
class Beginning:
    """Data about one type of package, which fills in its templates.

    Attributes:
        group: The group of its entry point.
        does: What it does, after "A mutation that".
        requires: Distributions that it needs besides the core.
        is_class: Whether its code is a class; if not, it is a function.
    """

    group: Group
    does: str
    requires: tuple[str, ...] = ()
    is_class: bool = True

    @property
    def dependencies(self) -> str:
        """The requirements as items of a list in TOML."""
        core = f"clantune-core{compatible_versions(clantune_core.__version__)}"
        return ", ".join(f'"{each}"' for each in sorted((core, *self.requires)))


def compatible_versions(version: str) -> str:
    """Return the range from this version up to the first one that may be incompatible."""
    major, minor = map(int, version.split(".")[:2])
    return f">={version},<{major + 1 if major else f'0.{minor + 1}'}"


_ATTRS = ("attrs>=24.1",)
_STRATEGIES = (f"clantune-strategies{compatible_versions(clantune_core.__version__)}",)

BEGINNINGS: Mapping[str, Beginning] = {
    "mutation": Beginning(STRATEGIES, "adds noise to some alleles", _ATTRS),
    "selection": Beginning(STRATEGIES, "draws one parent among the fittest members", _ATTRS),
    "crossbreeding": Beginning(STRATEGIES, "pulls alleles towards those of the parents", _ATTRS),
    "kind": Beginning(ALLELES, "makes alleles of multiples of 8", _ATTRS),
    "recipe": Beginning(
        RECIPES, "replaces the worst members by the best", _STRATEGIES, is_class=False
    ),
    "preset": Beginning(PRESETS, "binds a gene to learning rates", ("torch>=2.6",), is_class=False),
}
"""The types of packages by the names of their folders of templates."""

KINDS_OF_STRATEGIES = tuple(
    what for what, beginning in BEGINNINGS.items() if beginning.group is STRATEGIES
)
