"""Who becomes a parent."""

from clantune_strategies.selection.tournament import Tournament

__all__ = ["Tournament"]
