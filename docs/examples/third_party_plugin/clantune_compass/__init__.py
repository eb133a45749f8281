"""Directions that wrap around, and gusts that turn them: an example plugin for ClanTune."""

from clantune_compass.angle import AngleAllele
from clantune_compass.gust import Gust

__all__ = ["AngleAllele", "Gust"]
