"""What multiplies the learning rate in a step: the pace of the run, or a gene over a scheduler."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR

from clantune_clan.errors import ClanError
from clantune_core import AbstractAllele, Genome
from clantune_core.contracts import Expressed

_GROUP = "optimizer/param_groups/"
_CYCLED = ("betas", "momentum")


def rates_of(genome: Genome) -> dict[str, list[int]]:
    """Return the genes that set learning rates, with the places of their param groups."""
    found: dict[str, list[int]] = {}
    for name, allele in genome.alleles.items():
        for path in Expressed.of(name, allele).path:
            place, _, key = path.removeprefix(_GROUP).partition("/")
            if path.startswith(_GROUP) and key == "lr":
                found.setdefault(name, []).append(int(place))
    return found


def refuse_unknown_scheduler(genome: Genome, optimizer: Optimizer, *, paced: bool) -> None:
    """Raise an error if a scheduler that nobody handed in moves a rate that a gene or we set."""
    if not paced and not rates_of(genome):
        return
    stepped = hasattr(optimizer.step, "_wrapped_by_lr_sched")
    if stepped or any("initial_lr" in group for group in optimizer.param_groups):
        raise ClanError(
            "a learning rate scheduler is on this optimizer, and a gene or the warm-up sets the "
            "learning rate: one would overwrite the other. Hand it in, Clan(..., "
            "scheduler=scheduler), and the gene multiplies what it sets; or leave it out, and give "
            "total_steps= for a warm-up and a cooldown (if it is gone already, delete "
            "'initial_lr' from the param groups)"
        )


@contextlib.contextmanager
def at_base_rates(optimizer: Optimizer) -> Iterator[None]:
    """Let param groups have the rates that their scheduler starts from, while genes are bound.

    A scheduler has changed them when it was made: a warm-up from nothing to nothing.
    """
    held = [(group, group["lr"]) for group in optimizer.param_groups]
    for group, _ in held:
        group["lr"] = group.get("initial_lr", group["lr"])
    try:
        yield
    finally:
        for group, rate in held:
            group["lr"] = rate


def over_a_scheduler(genome: Genome, scheduler: Any) -> Genome:
    """Return the genome for a run with a scheduler: rates multiply what that sets.

    Raises:
        ClanError: It cycles a momentum or beta that evolves.
    """
    cycles = isinstance(scheduler, OneCycleLR | CyclicLR) and getattr(
        scheduler, "cycle_momentum", False
    )
    rates = rates_of(genome)
    made: dict[str, AbstractAllele] = {}
    for name, allele in genome.alleles.items():
        if cycles and name.startswith(_CYCLED):
            if allele.can_mutate:
                raise ClanError(
                    f"gene {name!r} evolves, and {type(scheduler).__name__} cycles it: give it "
                    "cycle_momentum=False, or leave the gene out"
                )
            continue
        made[name] = allele
        if name in rates:  # read here, and never written
            expressed = attrs.evolve(Expressed.of(name, allele), is_patchable=False)
            made[name] = expressed.added_to(allele)
    return genome.with_alleles(made)


@attrs.frozen
class GeneOverScheduler:
    """By how much genes multiply the rates that a scheduler sets.

    Attributes:
        rates: The genes that set learning rates, with the places of their param groups.
        start: Their values at which they change nothing.
    """

    rates: Mapping[str, list[int]]
    start: Mapping[str, float]

    @classmethod
    def of(cls, genome: Genome, optimizer: Optimizer) -> GeneOverScheduler:
        """Take what the scheduler starts from as what a gene multiplies with 1."""
        rates = rates_of(genome)
        groups = optimizer.param_groups
        start = {}
        for name, places in rates.items():
            path = f"{_GROUP}{places[0]}/lr"
            offset = Expressed.of(name, genome.alleles[name]).path[path]
            group = groups[places[0]]
            start[name] = float(group.get("initial_lr", group["lr"])) / math.exp(offset)
        return cls(rates, start)

    def factors(self, genes: Mapping[str, float]) -> dict[int, float]:
        """Return the factor of each param group, for genes as they are expressed."""
        return {
            place: genes[name] / self.start[name]
            for name, places in self.rates.items()
            for place in places
        }
