"""The group of the sub-commands."""

from __future__ import annotations

from clantune_core import contracts
from clantune_core.plugins import Group

HOMES = {
    "check": "clantune-core",
    "demo": "clantune",
    "doctor": "clantune-clan",
    "launch": "clantune-clan",
    "list": "clantune-core",
    "neuro": "clantune-neuro",
    "new-kind": "clantune-core",
    "new-preset": "clantune-core",
    "new-recipe": "clantune-core",
    "new-strategy": "clantune-core",
    "replay": "clantune-report",
    "report": "clantune-report",
    "schedule": "clantune-report",
    "store": "clantune-store",
    "watch": "clantune-report",
}
"""The distribution of each command of ClanTune, for those who have not installed it."""

COMMANDS = Group(
    contracts.COMMANDS,
    what="command",
    form="a function main(arguments, program) that returns an exit status",
    accepts=callable,
    home=", ".join(sorted({*HOMES.values()})),
    homes=HOMES,
)
