"""Batches for members: shards of the data in cooperation, one window for all in competition."""

from clantune_clan.loader.loader import ClanLoader, clan_loader

__all__ = ["ClanLoader", "clan_loader"]
