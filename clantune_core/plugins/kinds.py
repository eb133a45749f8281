"""Installed kinds of alleles: importing the package of one registers it."""

from __future__ import annotations

from clantune_core import contracts
from clantune_core.alleles import AbstractAllele, registered_kinds
from clantune_core.errors import PluginError
from clantune_core.plugins.reader import Group


def _is_kind(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, AbstractAllele)


ALLELES = Group(
    contracts.ALLELES,
    what="kind of allele",
    form="a class that derives from AbstractAllele",
    accepts=_is_kind,
    home="clantune-core",
)


def allele_class(tag: str) -> type[AbstractAllele]:
    """Return the kind of allele with this tag in saved data.

    Raises:
        PluginError: No such kind is known or installed.
    """
    known = registered_kinds()
    if tag not in known:
        plugin = ALLELES.find(tag, also=known)
        plugin.load()
        known = registered_kinds()
        if tag not in known:
            raise PluginError(
                f"{plugin.distribution} was imported for the kind of allele {tag!r} and did not "
                f"register it; decorate the class with @allele_kind({tag!r})",
                name=tag,
            )
    return known[tag]
