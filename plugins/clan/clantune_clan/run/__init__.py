"""A run: rounds from the first to the last, and what comes of them."""

from clantune_clan.run.clan import Clan

__all__ = ["Clan"]
