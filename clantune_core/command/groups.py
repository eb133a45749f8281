"""The group of the sub-commands."""

from __future__ import annotations

from clantune_core import contracts
from clantune_core.plugins import Group

COMMANDS = Group(
    contracts.COMMANDS,
    what="command",
    form="a function main(arguments, program) that returns an exit status",
    accepts=callable,
    home="clantune-core and clantune-clan",
)
