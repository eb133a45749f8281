"""Communication between the ranks of a clan, except for gradients."""

from clantune_clan.communication.channel import Communication

__all__ = ["Communication"]
