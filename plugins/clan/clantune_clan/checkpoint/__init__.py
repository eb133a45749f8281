"""Checkpoints: the state of all ranks in a directory, complete or not there."""

from clantune_clan.checkpoint.folder import Checkpoint, find_latest, read, write

__all__ = ["Checkpoint", "find_latest", "read", "write"]
