"""Everything that ranks tell each other, in one place."""

from clantune_clan.communication.channel import Communication

__all__ = ["Communication"]
