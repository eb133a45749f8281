"""Checkpoints: the state of all ranks in a directory, which is complete or does not exist."""

from clantune_clan.checkpoint.automatic import Checkpoints
from clantune_clan.checkpoint.folder import Checkpoint, find_latest, folder_of, prune, read
from clantune_clan.checkpoint.writing import write

__all__ = ["Checkpoint", "Checkpoints", "find_latest", "folder_of", "prune", "read", "write"]
