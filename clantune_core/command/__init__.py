"""The command `clantune`. Its sub-commands are entry points of the group `clantune.commands`."""

from clantune_core.command.main import main

__all__ = ["main"]
