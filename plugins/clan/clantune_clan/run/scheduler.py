"""A scheduler beside genes: factors of its rates, and checks for unsupported schedulers."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR

from clantune_clan.errors import ClanError
from clantune_clan.member.optimizers import Optimizers
from clantune_clan.run.learning_rate import RATE, genes_of_rates
from clantune_core import AbstractAllele, Genome
from clantune_core.contracts import Expressed

_CYCLED = ("/betas/0", "/momentum")


def require_no_marks(optimizer: Optimizer) -> None:
    """Raise an error if a scheduler has left marks on an optimizer whose rates the clan sets."""
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
def at_base_rates(optimizers: Optimizers) -> Iterator[None]:
    """Set param groups to the base rates of their scheduler, while genes are bound.

    A new scheduler changes `lr` at once; a warm-up from 0 sets it to 0.
    """
    before = [(group, group["lr"]) for group in optimizers.groups.values()]
    for group, _ in before:
        group["lr"] = group.get("initial_lr", group["lr"])
    try:
        yield
    finally:
        for group, rate in before:
            group["lr"] = rate


def over_schedulers(genome: Genome, schedulers: Iterable[Any], optimizers: Optimizers) -> Genome:
    """Return the genome for a run with schedulers: genes multiply the rates that they set.

    Raises:
        ClanError: A scheduler cycles a momentum or beta that evolves.
    """
    cycling = {
        optimizers.path_of(name): type(each).__name__
        for scheduler in schedulers
        for each in _cycling(scheduler)
        for name, optimizer in optimizers.items()
        if optimizer.param_groups is each.optimizer.param_groups
    }
    rates = genes_of_rates(genome)
    made: dict[str, AbstractAllele] = {}
    for name, allele in genome.alleles.items():
        if kinds := [kind for place, kind in cycling.items() if _is_cycled(name, allele, place)]:
            if allele.can_mutate:
                raise ClanError(
                    f"gene {name!r} evolves, and {kinds[0]} cycles it: give it "
                    "cycle_momentum=False, or leave the gene out"
                )
            continue
        made[name] = _only_read(name, allele) if name in rates else allele
    return genome.with_alleles(made)


def _cycling(scheduler: Any) -> Iterator[Any]:
    """Yield the schedulers that cycle a momentum, also those that others are made of."""
    if isinstance(scheduler, OneCycleLR | CyclicLR) and scheduler.cycle_momentum:
        yield scheduler
    for part in getattr(scheduler, "_schedulers", ()):  # of SequentialLR and ChainedScheduler
        yield from _cycling(part)


def _is_cycled(name: str, allele: AbstractAllele, optimizer: str) -> bool:
    """Whether a gene sets a momentum of the optimizer at a path."""
    paths = Expressed.of(name, allele).path
    return any(path.startswith(f"{optimizer}/") and path.endswith(_CYCLED) for path in paths)


def _only_read(name: str, allele: AbstractAllele) -> AbstractAllele:
    return attrs.evolve(Expressed.of(name, allele), is_patchable=False).added_to(allele)


@attrs.frozen
class GeneOverScheduler:
    """Factors by which genes multiply the rates that a scheduler sets.

    Attributes:
        rates: Genes that set learning rates, with the paths of their param groups.
        start: Values of these genes at which the factor is 1.
    """

    rates: Mapping[str, list[str]]
    start: Mapping[str, float]

    @classmethod
    def of(cls, genome: Genome, optimizers: Optimizers) -> GeneOverScheduler:
        """Return factors that are 1 for genes at the base rates of the scheduler."""
        rates = genes_of_rates(genome)
        groups = optimizers.groups
        start = {}
        for name, paths in rates.items():
            offset = Expressed.of(name, genome.alleles[name]).path[f"{paths[0]}/{RATE}"]
            group = groups[paths[0]]
            start[name] = float(group.get("initial_lr", group["lr"])) / math.exp(offset)
        return cls(rates, start)

    def factors(self, gene: Callable[[str], float]) -> dict[str, float]:
        """Return the factor of each param group, for the expressed values of genes."""
        return {
            path: gene(name) / self.start[name]
            for name, paths in self.rates.items()
            for path in paths
        }
