"""Hyperparameter schedules, found during one distributed PyTorch run."""

from clantune_clan import (
    Clan,
    ClanError,
    ClanLoader,
    GenomeExpression,
    Individual,
    Member,
    RoundRecord,
    clan_loader,
    init,
)
from clantune_core import ClanTuneError, Evolution, Genome
from clantune_report import ReplaySchedule
from clantune_strategies import (
    as_specified,
    cautious,
    esgd,
    factorial,
    fire_pbt,
    gpbt,
    hdet,
    mf_pbt,
    pbt,
)

__all__ = [
    "Clan",
    "ClanError",
    "ClanLoader",
    "ClanTuneError",
    "Evolution",
    "Genome",
    "GenomeExpression",
    "Individual",
    "Member",
    "ReplaySchedule",
    "RoundRecord",
    "as_specified",
    "cautious",
    "clan_loader",
    "esgd",
    "factorial",
    "fire_pbt",
    "gpbt",
    "hdet",
    "init",
    "mf_pbt",
    "pbt",
]
