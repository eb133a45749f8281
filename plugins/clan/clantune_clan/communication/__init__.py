"""Communication between the ranks of a clan, except for gradients."""

from clantune_clan.communication.channel import Communication
from clantune_clan.communication.joining import init

__all__ = ["Communication", "init"]
