"""The turnover of a round: selection, inheritance, and the next genome of each member."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance import Inheritance, Plan, Report
from clantune_clan.member.state import State
from clantune_clan.run.attempt import Attempt
from clantune_clan.run.best import Best
from clantune_clan.run.evaluation import holding, measured
from clantune_clan.run.settings import Settings
from clantune_core import Ancestry, Genome, Population, member_rng, shared_rng
from clantune_core.contracts import CENTRE_FITNESS


@attrs.frozen
class Outcome:
    """What came of a turnover.

    Attributes:
        population: The members as they were judged.
        ancestries: Of the next genomes, by member.
        bodies: From which member each has got its weights, if from one; None after an average.
        report: What the inheritance has moved and checked; None if nothing was inherited.
        centre: Fitness of the clan's centre; None if there is none, or it is not finite.
        seconds: What took how long.
    """

    population: Population
    ancestries: tuple[Ancestry, ...]
    bodies: tuple[int, ...] | None
    report: Report | None
    centre: float | None
    seconds: Mapping[str, float]


@attrs.define
class Turnover:
    """Takes the members from one round to the next. All ranks do this together."""

    state: State
    communicator: Communication
    settings: Settings
    best: Best
    registered: Mapping[str, Any]
    _lost_before: bool = False

    def run(
        self,
        world: Sequence[Genome],
        round_: int,
        progress: float | None,
        loss: Callable[..., Any] | None,
    ) -> Outcome:
        """Select, inherit, and breed the next genome of this member.

        Args:
            world: The genomes of all members with their fitness, in order.
            round_: Number of the round.
            progress: Fraction of the run that is done; None if nobody knows.
            loss: Measures the centre, if the user gave a function.
        """
        population = Population(world)
        if all(fitness == float("inf") for fitness in population.fitnesses()):
            return self._recover(population, round_)
        self._lost_before = False
        began = time.perf_counter()
        me = population[self.communicator.member_index]
        rng, shared = self._streams(round_)
        given: dict[str, Any] = {
            "generation": round_,
            "progress": progress,
            "shared_rng": shared,
        }
        evolution = self.settings.evolution
        selection = Attempt.of(lambda: evolution.select(me, population, rng, **given))
        ancestries, plan = self._agree(population, selection, round_)
        mine = ancestries[self.communicator.member_index]  # as all others know it
        selected = time.perf_counter()
        shares_centre = self.settings.inheritance == "mean" and len({*ancestries}) == 1
        if not shares_centre:
            self._offer_member(population, round_)
        inheritance = Inheritance(self.state, self.communicator, self.registered)
        report = inheritance.apply(plan)
        inherited = time.perf_counter()
        centre = self._centre(population, mine, round_, loss) if shares_centre else None
        me = _told(me, centre if loss is not None else None)
        judged = time.perf_counter()

        def breed() -> Genome:
            child = evolution.crossbreed(me, population, rng, ancestry=mine, **given)
            return evolution.mutate(
                child, rng, my_genome=me, population_genomes=population, **given
            )

        bred = Attempt.of(breed)
        self.communicator.gather(f"breeding after round {round_}", None, problem=bred.problem)
        self.state.genome = bred.outcome
        marks = (began, selected, inherited, judged, time.perf_counter())
        names = ("selection", "inheritance", "centre", "breeding")
        seconds = {n: b - a for n, a, b in zip(names, marks, marks[1:], strict=False)}
        average = self.settings.inheritance == "mean"
        bodies = None if average else tuple(next(iter(each)) for each in plan.parents)
        return Outcome(population, ancestries, bodies, report, centre, seconds)

    def _streams(self, round_: int) -> tuple[Random, Random]:
        seed, member = self.settings.seed, self.communicator.member_index
        return member_rng(seed, round_ + 1, member), shared_rng(seed, round_ + 1)

    def _agree(
        self, population: Population, selection: Attempt[Ancestry], round_: int
    ) -> tuple[tuple[Ancestry, ...], Plan]:
        """Return everybody's ancestry, and who inherits from whom."""
        mine = selection.value
        told = self.communicator.gather(
            f"the plan of round {round_}",
            None if mine is None else [[*mine.probabilities], self._parents(mine, round_)],
            problem=selection.problem,
        )[:: self.communicator.ranks_per_member]
        ancestries = tuple(Ancestry.from_weights(weights, population) for weights, _ in told)
        plan = Plan(tuple({int(m): w for m, w in parents} for _, parents in told))
        return ancestries, plan

    def _parents(self, ancestry: Ancestry, round_: int) -> list[tuple[int, float]]:
        """Return this member's parents in body, with their weights."""
        if self.settings.inheritance == "mean":
            return [*ancestry.contributors]
        if self.settings.inheritance == "dominant":
            return [(ancestry.dominant, 1.0)]
        stream = Random(
            f"clantune/parent/{self.settings.seed}/{round_}/{self.communicator.member_index}"
        )
        members = [member for member, _ in ancestry.contributors]
        weights = [weight for _, weight in ancestry.contributors]
        return [(stream.choices(members, weights)[0], 1.0)]

    def _centre(
        self,
        population: Population,
        ancestry: Ancestry,
        round_: int,
        loss: Callable[..., Any] | None,
    ) -> float | None:
        """Return the fitness of the centre that all members have inherited; keep the best one."""
        with holding(self.state.average, averaged=self.settings.evaluate == "ema"):
            attempt = Attempt.of(lambda: self._measure_centre(population, ancestry, loss))
            # One word on it: a sum may differ in its last bit between two machines.
            told = self.communicator.gather(
                "the centre", str(attempt.value), problem=attempt.problem
            )
            fitness = float(told[0])
            if not math.isfinite(fitness):
                return None
            self.best.offer(self.state, fitness, round_, member=None, mine=True)
        return fitness

    def _measure_centre(
        self, population: Population, ancestry: Ancestry, loss: Callable[..., Any] | None
    ) -> float:
        if loss is None:
            fitnesses = population.fitnesses()
            return sum(share * fitnesses[member] for member, share in ancestry.contributors)
        return (-1.0 if self.settings.mode == "max" else 1.0) * measured(loss, self.state.model)

    def _offer_member(self, population: Population, round_: int) -> None:
        fitnesses = population.fitnesses()
        member = min(range(len(fitnesses)), key=fitnesses.__getitem__)
        mine = member == self.communicator.member_index
        with holding(self.state.average, averaged=mine and self.settings.evaluate == "ema"):
            self.best.offer(self.state, fitnesses[member], round_, member=member, mine=mine)

    def _recover(self, population: Population, round_: int) -> Outcome:
        """All are lost: go back to the best weights, and the genes of that round; once in a row."""
        if self._lost_before or self.best.round < 0:
            since = "again" if self._lost_before else "and there are no weights to go back to"
            raise ClanError(
                f"no member has a finite loss at the end of round {round_}, {since}: lower the "
                "learning rate, or look at the data and the loss"
            )
        self._lost_before = True
        self.best.restore(self.state, self.communicator)
        self.state.optimizer.state.clear()
        if self.state.average is not None:
            self.state.average.restart()
        ancestries = tuple(Ancestry.sole(m, population) for m in range(len(population)))
        mine = ancestries[self.communicator.member_index]
        genome = self.best.genome or population[self.communicator.member_index]
        self.state.genome = genome.offspring(mine, self._streams(round_)[0])
        return Outcome(population, ancestries, None, None, None, {})


def _told(genome: Genome, centre: float | None) -> Genome:
    """Return the genome with the centre's fitness in its bookkeeping; without it if it is None."""
    kept = {name: entry for name, entry in genome.metadata.items() if name != CENTRE_FITNESS}
    told = kept if centre is None else {**kept, CENTRE_FITNESS: centre}
    return attrs.evolve(genome, metadata=told)
