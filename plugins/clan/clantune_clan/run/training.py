"""A run from its first round to its end, after the model and the genes are complete."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.loader.feed import Feed
from clantune_clan.member.individual import Individual
from clantune_clan.member.training_state import TrainingState
from clantune_clan.ramp import Ramp
from clantune_clan.records.parts import FITNESS, TURNOVER
from clantune_clan.records.record import RoundRecord
from clantune_clan.run.agreement import require_equal_ranks
from clantune_clan.run.calibration import LAST, Calibration
from clantune_clan.run.centre import Centre
from clantune_clan.run.fitness import Judge
from clantune_clan.run.half_clans import HalfClans, latent_on_data_path
from clantune_clan.run.judging import Judging
from clantune_clan.run.learning_rate import LearningRate
from clantune_clan.run.observers import Observers
from clantune_clan.run.schedulers import Schedulers
from clantune_clan.run.settings import Settings
from clantune_clan.run.start import first_genome
from clantune_clan.run.state import RunState
from clantune_clan.run.stopwatch import Stopwatch
from clantune_clan.run.turnover import Outcome, Turnover
from clantune_clan.run.witness import BatchWitness
from clantune_core import Population


class Training:
    """Rounds, one after the other. All ranks call the same methods in the same order.

    Attributes:
        state: Model, optimizer and genome of this rank's member.
        run: Place in the run.
        member: Member of the current round, or of the last round between two rounds.
    """

    member: Individual

    def __init__(
        self,
        state: TrainingState,
        communicator: Communication,
        settings: Settings,
        run: RunState,
        *,
        registered: Mapping[str, Any],
        schedulers: Schedulers,
        observers: Observers,
    ) -> None:
        """Start a run. All ranks call this together.

        Args:
            state: State of this rank's member.
            communicator: Channel to the other ranks.
            settings: Settings of the run.
            run: Place in the run.
            registered: Objects that are inherited with the weights, by name.
            schedulers: Schedulers that the user has handed in.
            observers: Observers of the run.
        """
        self.state, self.run = state, run
        self._communicator, self._settings = communicator, settings
        self._registered, self._schedulers = registered, schedulers
        self._observers, self._feed, self._stopwatch = observers, Feed(), Stopwatch()
        self._turnover = Turnover(state, communicator, settings, registered)
        self._witness, self._ramp = BatchWitness(state.model), settings.ramp
        self._judging = Judging(state, communicator, settings, schedulers, self._witness)
        self._half_clans, self._centre = HalfClans(communicator), Centre(state.genome)
        self._is_resumed = False  # whether `begin_round` returns a resumed member next
        if settings.schedule.calibration:
            self.run.calibration = Calibration.of(state, communicator.num_members, registered)
        else:
            state.genome = first_genome(state.genome, settings, communicator)
        # Last: if a call before fails, the optimizer has no hooks.
        self._learning_rate = LearningRate(state.optimizers, self._factors)

    @property
    def is_over(self) -> bool:
        """Whether all steps of a run of known length are done."""
        return self._settings.schedule.is_over_at(self.run.step)

    def begin_round(self) -> Individual:
        """Begin a round and return its member."""
        if self._is_resumed:
            self._is_resumed = False
            return self.member.caught_up()
        if self.run.is_in_round:
            raise ClanError(
                "the last round has no fitness yet: call clan.step(loss) first"
                if self.member.done
                else f"the last round is not over: {self.member!r}; train until member.done, then "
                "call clan.step(loss)"
            )
        state, run, settings = self.state, self.run, self._settings
        if state.gradients.loss_scale is not None:
            state.gradients.loss_scale.agree(self._communicator)
        current = settings.schedule.round_at(run.step)
        has_half_clans = settings.recipe.half_clans and run.calibration is None
        if run.calibration is not None:
            index, members = self._communicator.member_index, self._communicator.num_members
            state.genome = run.calibration.genome_of(index, members)
            self._ramp = Ramp(current.start, current.start + current.length, current.length / 2)
        else:
            self._ramp = settings.ramp
        self.member = Individual(
            state,
            self._communicator,
            current.length,
            current.duty_cycle,
            first_step=run.step,
            late=run.step - current.start,
            accumulate=current.accumulate,
            total_steps=current.total_steps,
            half_clan=self._half_clans.mine(state.genome) if has_half_clans else None,
            hold_ema=run.calibration is not None or settings.recipe.evaluate == "ema",
            observer=self,
            feed=self._feed,
            learning_rates=self._learning_rate.next,
        )
        if run.calibration is not None and state.average is not None:
            state.average.over_last(current.length // LAST, current.length)
        run.is_in_round = True
        self._observers.round_start(self.member)
        self.phase(self.member)
        return self.member

    def state_dict(self) -> dict[str, Any]:
        """Return the state that this rank needs to resume here, as tensors and plain data.

        Raises:
            ClanError: The run cannot be saved now.
        """
        if self.run.is_in_round:
            self.member.require_savable()
        return {
            "run": self.run.state_dict(),
            "member": (self.member if self.run.is_in_round else self.state).state_dict(),
            "half clans": self._half_clans.latents,
            "centre": self._centre.values,
            "learning rates": self._learning_rate.used,
            "registered": {name: each.state_dict() for name, each in self._registered.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned. All ranks call this before the first round.

        If the saved run was in a round, `begin_round` returns the member of that round.
        """
        self.run.load_state_dict(state["run"])
        self.state.load_state_dict(state["member"])
        self._half_clans.latents, self._centre.values = state["half clans"], state["centre"]
        self._learning_rate.remember(state["learning rates"])
        if self.run.is_in_round:
            self.run.is_in_round = False
            self.begin_round().load_state_dict(state["member"])
            self._is_resumed = True
        for name, each in self._registered.items():  # last: a new round has one scale for all
            each.load_state_dict(state["registered"][name])

    def require_done(self) -> None:
        """Raise an error if the round cannot end now."""
        if self.is_over:
            raise ClanError(f"the run of {self.run.step} steps is over: it takes no more losses")
        if not self.run.is_in_round:
            raise ClanError("this round has its fitness already: go on with clan.round()")
        if not self.member.done:
            raise ClanError(f"the round is not over: {self.member!r}")

    def end_round(self, result: float | Judge) -> None:
        """End the round: judge the members, select, inherit, and breed the next genomes."""
        self._stopwatch.enter(FITNESS)
        population, rates = self._judging.run(result, self.member, self._learning_rate)
        self._stopwatch.enter(TURNOVER)
        run = self.run
        run.step = self.member.steps_done
        if run.calibration is not None:
            outcome = self._calibrate(run.calibration, population)
        else:
            outcome = self._turn_over(population, rates, result if callable(result) else None)
            self._schedulers.feed(self._settings.sign * outcome.fitness(population))
        run.best, run.all_lost = outcome.best, outcome.all_lost
        records = self._records(population, outcome)
        run.round, run.is_in_round, run.continues = run.round + 1, False, None
        if self.is_over:
            run.best = run.best.shared(self.state, self._communicator)
        self._observers.round_end(records)

    def phase(self, member: Individual) -> None:
        """Call the observers of the start of a phase."""
        self._stopwatch.follow(member)
        self._witness.phase(member.mode)
        self._observers.phase(member)

    def step(self, member: Individual) -> None:
        """Call the observers of a step."""
        self._stopwatch.follow(member)
        self._observers.step(member)

    def close(self) -> None:
        """Remove all hooks of the run from the model and the optimizer."""
        self._feed.close()
        self._witness.close()
        self._learning_rate.close()
        self.state.close()
        self._centre.express(self.state)
        self._observers.close()

    def _calibrate(self, search: Calibration, population: Population) -> Outcome:
        search = search.judged(population.fitnesses())
        search.rewind(self.state, self._registered)
        self.run.calibration = None if search.is_over else search
        if search.is_over:
            self.state.genome = first_genome(search.found(), self._settings, self._communicator)
        return Outcome(self.run.best)

    def _turn_over(
        self, population: Population, rates: Mapping[str, float], judge: Judge | None
    ) -> Outcome:
        run = self.run
        if all(fitness == math.inf for fitness in population.fitnesses()):
            return self._turnover.recover(population, run.round, run.best, again=run.all_lost)
        progress = self._settings.progress_at(run.step)
        return self._turnover.run(population, run.round, progress, run.best, judge, rates)

    def _records(self, population: Population, outcome: Outcome) -> list[RoundRecord]:
        """Breed the next genome, and return the records of all members."""
        index = self._communicator.member_index
        me, report, sign = population[index], outcome.report, self._settings.sign
        record = RoundRecord(
            round=self.run.round,
            start=self.member.first_step,
            steps=self.member.steps_done - self.member.first_step,
            member=index,
            calibration=not outcome.ancestries,
            genome=str(me.uuid),
            genes=me.as_hyperparameters(),
            learning_rates=self._learning_rate.last,
            metric=sign * population.fitnesses()[index],
            centre=None if outcome.centre is None else sign * outcome.centre,
            parents=outcome.ancestries[index].contributors if outcome.ancestries else (),
            weights_from=outcome.weights_from[index] if outcome.weights_from else None,
            went_back_to=outcome.went_back_to,
            continues=self.run.continued_by(index),
            seconds={**self._stopwatch.take(), **outcome.seconds},
            bytes_moved=0 if report is None else report.bytes_moved,
            checksum=None if report is None else report.checksum,
        )

        def breed() -> dict[str, Any]:
            self.state.genome = child = outcome.breed(self.state.genome)
            if outcome.went_back_to is not None:  # if all members fail next, with these genes again
                self.run.best = attrs.evolve(self.run.best, genome=child)
            genes = child.as_hyperparameters()
            return {"record": record.as_data(), "latent": latent_on_data_path(child), "next": genes}

        gathered = self._communicator.together("the records of a round", breed)
        size = self._communicator.ranks_per_member
        require_equal_ranks([each["next"] for each in gathered], size)
        gathered = gathered[::size]
        self._centre.move(self.state.genome, [each["next"] for each in gathered])
        self._half_clans.latents = [each["latent"] for each in gathered]
        return [RoundRecord.from_data(each["record"]) for each in gathered]

    def _factors(self) -> dict[str, float]:
        """Return the factor of each param group's learning rate in this step."""
        ramp = self._ramp.factor(self.member.steps_done)
        factors = self._schedulers.factors(self.member.get_gene)
        return {path: ramp * factors.get(path, 1.0) for path in self.state.optimizers.groups}
