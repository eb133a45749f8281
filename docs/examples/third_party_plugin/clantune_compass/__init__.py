"""An example plugin for ClanTune: a kind for directions, and a mutation."""

from clantune_compass.angle import AngleAllele
from clantune_compass.gust import Gust

__all__ = ["AngleAllele", "Gust"]
