"""Batches for members: shards of the data while they cooperate, equal ones while they compete."""

from clantune_clan.loader.loader import ClanLoader, clan_loader

__all__ = ["ClanLoader", "clan_loader"]
