"""The learning rate schedulers that the user hands in: their checks, their state, and their metric.

The user's loop calls `step()` of a scheduler. `ReduceLROnPlateau` is different: its rate depends on
a metric, which must be equal on all ranks, so the clan calls its `step(metric)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from clantune_clan.errors import CheckpointError, ClanError
from clantune_clan.member.optimizers import Optimizers
from clantune_clan.run.learning_rate import genes_of_rates
from clantune_clan.run.scheduler import GeneOverScheduler, over_schedulers, require_no_marks
from clantune_core import Genome


class Schedulers:
    """The schedulers of a run, and the genes that multiply their rates.

    Attributes:
        given: Schedulers that the user has handed in.
    """

    def __init__(self, given: Any) -> None:
        """Take one scheduler, a list of them, or None.

        Raises:
            ClanError: An object is not a scheduler, or the list is empty.
        """
        is_list = isinstance(given, list | tuple)
        self.given: tuple[Any, ...] = tuple(given) if is_list else (given,)
        if given is None:
            self.given = ()
        elif not self.given:
            raise ClanError("scheduler= is an empty list: give a scheduler, or leave it out")
        for each in self.given:
            _require_scheduler(each)
        self._plateaus = [s for s in self.given if isinstance(s, ReduceLROnPlateau)]
        self._fed = self._counts()
        self._over: GeneOverScheduler | None = None
        self._alone_on: tuple[Optimizer, ...] = ()  # optimizers whose rates only the clan may set

    @property
    def names(self) -> list[str]:
        """Class of each scheduler."""
        return [type(each).__name__ for each in self.given]

    def require_fitting(self, optimizers: Optimizers, mode: str) -> None:
        """Raise an error if a scheduler is of another optimizer, or judges the other way.

        Args:
            optimizers: Optimizers of the clan.
            mode: Whether a low (`"min"`) or a high (`"max"`) metric is good.
        """
        for each in self.given:
            known = [optimizer.param_groups for optimizer in optimizers.values()]
            of = getattr(each, "optimizer", None)
            if of is not None and all(of.param_groups is not groups for groups in known):
                raise ClanError(
                    f"{type(each).__name__} sets the learning rate of another optimizer than the "
                    "clan has: make it with the optimizer that the clan gets"
                )
        for plateau in self._plateaus:
            if plateau.mode != mode:
                raise ClanError(
                    f"ReduceLROnPlateau has mode={plateau.mode!r}, and the clan has mode={mode!r}, "
                    "so it would lower the learning rate while the metric improves: give both the "
                    "same mode"
                )

    def begin(self, genome: Genome, optimizers: Optimizers, *, has_ramp: bool) -> Genome:
        """Return the genome for a run with these schedulers.

        Args:
            genome: Genome of this member.
            optimizers: Optimizers of the clan.
            has_ramp: Whether the clan has a warm-up or a cooldown.

        Raises:
            ClanError: A gene does not go with a scheduler, or there is one that was not handed in.
        """
        if self.given:
            self._over = GeneOverScheduler.of(genome, optimizers)
            return over_schedulers(genome, self.given, optimizers)
        if has_ramp or genes_of_rates(genome):
            self._alone_on = tuple(optimizers.values())
            for optimizer in self._alone_on:
                require_no_marks(optimizer)
        return genome

    def factors(self, gene: Callable[[str], float]) -> Mapping[str, float]:
        """Return the factor of each param group, for the expressed values of genes.

        Raises:
            ClanError: A scheduler that was not handed in has been made since the run began.
        """
        for optimizer in self._alone_on:
            require_no_marks(optimizer)
        return {} if self._over is None else self._over.factors(gene)

    def problem(self) -> ClanError | None:
        """Return an error if the script has stepped a scheduler that the clan feeds, or None."""
        if self._counts() == self._fed:
            return None
        return ClanError(
            "the script has called step() of a ReduceLROnPlateau that was handed in: clan.step "
            "does so at the end of each round, with a metric that is equal on all ranks; leave "
            "scheduler.step(...) out of the script"
        )

    def feed(self, metric: float) -> None:
        """Give the metric of a round to each `ReduceLROnPlateau`.

        Args:
            metric: Loss or score as the user measures it, equal on all ranks.
        """
        for plateau in self._plateaus:
            plateau.step(metric)
        self._fed = self._counts()

    def state_dict(self) -> list[dict[str, Any]] | None:
        """Return the class and the state of each scheduler; None if there is no scheduler."""
        states = [
            {"class": name, "state": each.state_dict()}
            for name, each in zip(self.names, self.given, strict=True)
        ]
        return states or None

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Load what `state_dict` returned for the same schedulers."""
        for scheduler, saved in zip(self.given, states, strict=True):
            scheduler.load_state_dict(saved["state"])
        self._fed = self._counts()

    def require_same(self, states: Sequence[Mapping[str, Any]] | None) -> None:
        """Raise an error if the states that were saved are of other schedulers."""
        saved = [each["class"] for each in states or ()]
        if saved != self.names:
            raise CheckpointError(
                f"the checkpoint has {_listed(saved)}, and this clan has {_listed(self.names)}: "
                "give scheduler= as in the run that was saved"
            )

    def _counts(self) -> list[int]:
        return [plateau.last_epoch for plateau in self._plateaus]


def _require_scheduler(thing: Any) -> None:
    missing = [
        name for name in ("step", "state_dict", "load_state_dict") if not hasattr(thing, name)
    ]
    if missing or isinstance(thing, type | Optimizer):
        raise ClanError(
            f"scheduler= is a learning rate scheduler, or a list of them, and {thing!r} is none: "
            "give it as torch.optim.lr_scheduler makes it, with the optimizer of the clan"
        )


def _listed(names: Sequence[str]) -> str:
    return f"the scheduler {', '.join(names)}" if names else "no scheduler"
