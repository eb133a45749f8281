"""Clans in Lightning: `from clantune.lightning import ClanCallback`."""

from clantune._extras import extra

with extra("lightning"):
    from clantune_frameworks.lightning import ClanCallback

__all__ = ["ClanCallback"]
