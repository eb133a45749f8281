"""Clans in scripts that use Accelerate: `from clantune.accelerate import accelerate_clan`."""

from clantune._extras import extra

with extra("accelerate"):
    from clantune_frameworks.accelerate import PlacedLoader, accelerate_clan

__all__ = ["PlacedLoader", "accelerate_clan"]
