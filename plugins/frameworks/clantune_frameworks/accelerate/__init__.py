"""Clans in scripts that use Accelerate."""

from clantune_frameworks.accelerate.loader import PlacedLoader
from clantune_frameworks.accelerate.making import accelerate_clan

__all__ = ["PlacedLoader", "accelerate_clan"]
