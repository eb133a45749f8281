"""Messages at the start of a run, some of which are warnings."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_clan.run.console import LOGGER
from clantune_clan.run.describe import NEVER_CROSSBREEDS
from clantune_clan.run.half_clans import unmeasured_genes
from clantune_clan.run.presets import log_picked
from clantune_clan.run.settings import Settings
from clantune_core import Genome


def log_start(genome: Genome, settings: Settings, presets: Sequence[str], num_members: int) -> None:
    """Log which presets were picked, and warn of settings with which no gene can evolve.

    Args:
        genome: Genome of a member.
        settings: Settings of the run.
        presets: Presets as text.
        num_members: Number of members.
    """
    if num_members == 1:
        LOGGER.warning(
            "this clan has one member, so nothing can be compared and nothing evolves: start "
            "several processes, as `clantune launch -n 4 train.py` and torchrun do"
        )
    log_picked(presets)
    if genes := unmeasured_genes(genome, settings.recipe, num_members):
        LOGGER.warning(
            "%s changes the gradients, which members average in all steps, so no loss shows "
            "its effect and it changes by chance: give duty_cycle= for a competitive phase, or "
            "use factorial() with four members or more and one such gene",
            ", ".join(f"gene {name!r}" for name in genes),
        )
    if not settings.evolution.implements("handle_crossbreeding"):
        LOGGER.warning(NEVER_CROSSBREEDS)
