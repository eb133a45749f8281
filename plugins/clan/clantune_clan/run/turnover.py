"""The turnover of a round: selection, inheritance, and the next genome of each member."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.inheritance import Inheritance, Plan, Report
from clantune_clan.member.training_state import TrainingState
from clantune_clan.run import going_back
from clantune_clan.run.agreement import require_same_data
from clantune_clan.run.best import Best
from clantune_clan.run.fitness import Judge, holding, measure
from clantune_clan.run.settings import Settings
from clantune_core import Ancestry, Genome, Population, member_rng, shared_rng
from clantune_core.contracts import CENTRE_FITNESS, HIGHEST_RATES


@attrs.frozen
class Outcome:
    """The results of a turnover.

    Attributes:
        best: Best weights so far.
        breed: Function that returns the next genome of this member, from its current one.
        ancestries: Ancestry of each member's next genome; empty after a round of calibration.
        weights_from: Member that each member's weights are a copy of; None after a mean.
        report: Report of the inheritance; None if there was no inheritance.
        centre: Fitness of the clan's centre; None if there is none, or it is not finite.
        all_lost: Whether no member had a finite fitness.
        went_back_to: Round whose best weights the clan went back to; None if it did not.
        seconds: Duration of each part.
    """

    best: Best
    breed: Callable[[Genome], Genome] = lambda genome: genome
    ancestries: tuple[Ancestry, ...] = ()
    weights_from: tuple[int, ...] | None = None
    report: Report | None = None
    centre: float | None = None
    all_lost: bool = False
    went_back_to: int | None = None
    seconds: Mapping[str, float] = attrs.field(factory=dict)

    def fitness(self, population: Population) -> float:
        """Return the fitness of the round, equal on all ranks: the centre's, or the best member's.

        It is infinite if no member had a finite fitness.
        """
        return min(population.fitnesses()) if self.centre is None else self.centre


@attrs.frozen
class Turnover:
    """Moves the members from one round to the next. All ranks do this together.

    Attributes:
        state: State of this rank's member.
        communicator: Channel to the other ranks.
        settings: Settings of the run.
        registered: Objects that are inherited with the weights, by name.
    """

    state: TrainingState
    communicator: Communication
    settings: Settings
    registered: Mapping[str, Any]

    def run(
        self,
        population: Population,
        round_: int,
        progress: float | None,
        best: Best,
        judge: Judge | None,
        rates: Mapping[str, float],
    ) -> Outcome:
        """Select, inherit, and breed the next genome of this member.

        Args:
            population: Genomes of all members with their fitness.
            round_: Number of the round.
            progress: Fraction of the run that is done; None if its length is unknown.
            best: Best weights so far.
            judge: Function that measures the centre; None if the user gave a number.
            rates: Learning rate by gene at the end of the round: mean over members.
        """
        began = time.perf_counter()
        me = population[self.communicator.member_index]
        rng, shared = self._streams(round_)
        turn = self.settings.evolution.turn(
            me, population, rng, shared_rng=shared, generation=round_, progress=progress
        )
        inheritance = Inheritance(self.state, self.communicator, self.registered)
        ancestries, plan, digests = self._agree(population, round_, turn.select, inheritance)
        ancestry = ancestries[self.communicator.member_index]  # as the other ranks know it
        selected = time.perf_counter()
        is_mean = self.settings.recipe.inheritance == "mean"
        shares_centre = is_mean and len({*ancestries}) == 1
        if not shares_centre:
            best = self._or_better_member(best, population, round_, rates)

        judging = 0.0

        def judge_centre() -> str | None:
            nonlocal judging
            if judge is None or not shares_centre:
                return None
            start = time.perf_counter()
            with self._judged_weights():
                loss = str(measure(judge, self.state.model))
            judging = time.perf_counter() - start
            return loss

        report, losses = inheritance.apply(plan, digests, judge_centre)
        inherited = time.perf_counter()
        centre = None
        if shares_centre:
            centre = self._centre(population, ancestry, losses if judge is not None else None)
        known = centre if judge is not None else None
        until = self.settings.recipe.go_back_until
        with_moments = going_back.keeps_moments(progress, until)
        back = shares_centre and going_back.is_due(best, centre, progress, until)
        if back:
            exploded = going_back.has_exploded(best, centre)
            going_back.restore(best, self.state, self.communicator, exploded=exploded)
            best = going_back.slower(best)
            known = best.fitness
        elif centre is not None:
            with self._judged_weights():
                best = best.or_better(
                    self.state,
                    centre,
                    round_,
                    member=None,
                    mine=True,
                    rates=rates,
                    with_moments=with_moments,
                )
        best = best if with_moments else best.without_moments()
        limits = best.rates if back else None
        turn = turn.with_genome(_with_entries(me, {CENTRE_FITNESS: known, HIGHEST_RATES: limits}))

        def breed(_: Genome) -> Genome:
            child = turn.mutate(turn.crossbreed(ancestry))
            return _with_entries(child, {HIGHEST_RATES: None})

        seconds = {
            "selection": selected - began,
            "inheritance": inherited - selected - judging,
            "centre": judging,
            **report.seconds,
        }
        weights_from = None if is_mean else tuple(next(iter(each)) for each in plan.parents)
        return Outcome(
            best,
            breed,
            ancestries,
            weights_from,
            report,
            centre,
            went_back_to=best.round if back else None,
            seconds=seconds,
        )

    def recover(self, population: Population, round_: int, best: Best, *, again: bool) -> Outcome:
        """Restore the best weights and the genes of their round, since all members have failed.

        Args:
            population: Genomes of all members.
            round_: Number of the round.
            best: Best weights so far.
            again: Whether all members failed in the last round too.

        Raises:
            ClanError: All members failed in two rounds, or there are no weights to restore.
        """
        if again or not best.exists:
            since = "again" if again else "and there are no weights to go back to"
            raise ClanError(
                f"no member has a finite loss at the end of round {round_}, {since}: lower the "
                "learning rate, or look at the data and the loss"
            )
        going_back.restore(best, self.state, self.communicator, exploded=True)
        ancestries = tuple(Ancestry.sole(m, population) for m in range(len(population)))
        index = self.communicator.member_index
        genome = best.genome or population[index]
        rng = self._streams(round_)[0]
        holder = best.holder  # None also if these weights are of a member of an earlier clan
        return Outcome(
            best,
            lambda _: genome.offspring(ancestries[index], rng),
            ancestries,
            weights_from=None if holder is None else (holder,) * len(population),
            all_lost=True,
        )

    def _streams(self, round_: int) -> tuple[Random, Random]:
        seed, index = self.settings.seed, self.communicator.member_index
        return member_rng(seed, round_ + 1, index), shared_rng(seed, round_ + 1)

    def _agree(
        self,
        population: Population,
        round_: int,
        select: Callable[[], Ancestry],
        inheritance: Inheritance,
    ) -> tuple[tuple[Ancestry, ...], Plan, list[str]]:
        """Return the ancestries of all members, the plan of inheritance, and all ranks' digests."""

        def report() -> list[Any]:
            mine = select()
            return [[*mine.probabilities], self._parents(mine, round_), inheritance.prepare()]

        gathered = self.communicator.together(f"the plan of round {round_}", report)
        members = gathered[:: self.communicator.ranks_per_member]
        ancestries = tuple(Ancestry.from_weights(weights, population) for weights, _, _ in members)
        plan = Plan(tuple({int(m): w for m, w in parents} for _, parents, _ in members))
        return ancestries, plan, [digest for _, _, digest in gathered]

    def _parents(self, ancestry: Ancestry, round_: int) -> list[tuple[int, float]]:
        """Return the members that this member's weights come from, with their shares."""
        inheritance = self.settings.recipe.inheritance
        if inheritance == "mean":
            return [*ancestry.contributors]
        if inheritance == "dominant":
            return [(ancestry.dominant, 1.0)]
        index = self.communicator.member_index
        stream = Random(f"clantune/parent/{self.settings.seed}/{round_}/{index}")
        members = [member for member, _ in ancestry.contributors]
        weights = [weight for _, weight in ancestry.contributors]
        return [(stream.choices(members, weights)[0], 1.0)]

    def _centre(
        self, population: Population, ancestry: Ancestry, losses: Sequence[str] | None
    ) -> float | None:
        """Return the fitness of the centre, which all members have inherited, if it is finite.

        Args:
            population: Members, whose mean fitness counts if the centre was not measured.
            ancestry: Shares of the members in the centre.
            losses: Loss that each rank has measured; None if the user gave a number.
        """
        if losses is None:
            fitnesses = population.fitnesses()
            fitness = math.fsum(share * fitnesses[m] for m, share in ancestry.contributors)
        else:
            fitness = self.settings.sign * self._loss([float(loss) for loss in losses])
        return fitness if math.isfinite(fitness) else None

    def _loss(self, losses: list[float]) -> float:
        if self.settings.judge == "per rank":
            return math.fsum(losses) / len(losses)
        require_same_data(losses, self.communicator.ranks_per_member)
        return losses[0]  # two machines may differ in the last bit

    def _judged_weights(self) -> contextlib.AbstractContextManager[None]:
        """Put the weights that are judged into the model."""
        return holding(self.state.average, averaged=self.settings.recipe.evaluate == "ema")

    def _or_better_member(
        self, best: Best, population: Population, round_: int, rates: Mapping[str, float]
    ) -> Best:
        fitnesses = population.fitnesses()
        member = min(range(len(fitnesses)), key=fitnesses.__getitem__)
        mine = member == self.communicator.member_index
        with holding(self.state.average, averaged=mine and self.settings.recipe.evaluate == "ema"):
            return best.or_better(
                self.state, fitnesses[member], round_, member=member, mine=mine, rates=rates
            )


def _with_entries(genome: Genome, known: Mapping[str, Any]) -> Genome:
    """Return the genome with entries in its metadata; an entry that is None is taken out."""
    others = {name: entry for name, entry in genome.metadata.items() if name not in known}
    entries = {name: entry for name, entry in known.items() if entry is not None}
    return attrs.evolve(genome, metadata={**others, **entries})
