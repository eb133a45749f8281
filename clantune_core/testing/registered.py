"""How to draw alleles of kinds: told by a test, or by the package that publishes the kind."""

from __future__ import annotations

from hypothesis import strategies as st

from clantune_core.alleles import AbstractAllele
from clantune_core.errors import ClanTuneError, PluginError, shown
from clantune_core.plugins import Group

Instances = st.SearchStrategy[AbstractAllele]

DRAWN_ALLELES = Group(
    "clantune.drawn_alleles",
    what="strategy of hypothesis for the kind of allele",
    form="a function without arguments that returns a hypothesis strategy",
    accepts=callable,
    home="clantune-neuro",
)

_registered: dict[type[AbstractAllele], Instances | None] = {}


def register_alleles(kind: type[AbstractAllele], instances: Instances) -> None:
    """Register how to draw alleles of a kind, if the kit cannot derive it.

    Args:
        kind: The kind.
        instances: A hypothesis strategy for its alleles, such as `st.builds(MyKind, ...)`.
    """
    if not isinstance(instances, st.SearchStrategy):
        raise ClanTuneError(
            f"register_alleles takes a hypothesis strategy, such as st.builds({kind.__name__}, "
            f"...); got {shown(instances)}"
        )
    _registered[kind] = instances


def registered_alleles(kind: type[AbstractAllele]) -> Instances | None:
    """Return how to draw alleles of a kind; None if neither a test nor a package says it.

    Raises:
        PluginError: The package that says it fails, or several packages say it.
    """
    if kind not in _registered:  # to look for an entry point takes 20 ms
        _registered[kind] = _published(kind)
    return _registered[kind]


def _published(kind: type[AbstractAllele]) -> Instances | None:
    """Return the strategy that an installed package publishes for a kind."""
    tag = getattr(kind, "kind", None)
    if tag not in {plugin.name for plugin in DRAWN_ALLELES.installed()}:
        return None
    plugin = DRAWN_ALLELES.find(tag)
    draw = plugin.load()
    try:
        instances = draw()
    except Exception as error:
        raise PluginError(f"{plugin} failed: {type(error).__name__}: {error}", name=tag) from error
    if not isinstance(instances, st.SearchStrategy):
        raise PluginError(
            f"{plugin} returns {shown(instances)}, which is not a hypothesis strategy", name=tag
        )
    return instances
