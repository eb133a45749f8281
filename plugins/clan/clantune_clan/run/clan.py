"""The clan: what a training script holds from its first round to its last."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

from torch import nn
from torch.optim import Optimizer

from clantune_clan.communication.channel import TIMEOUT
from clantune_clan.errors import ClanError
from clantune_clan.gradients import Reduction
from clantune_clan.loader import ClanLoader, clan_loader
from clantune_clan.member.construction import build_state
from clantune_clan.member.individual import Individual
from clantune_clan.member.state import State
from clantune_clan.run import genes
from clantune_clan.run.attempt import Attempt
from clantune_clan.run.beginning import channel_of, first_genome
from clantune_clan.run.best import Best
from clantune_clan.run.calibration import LAST, Calibration
from clantune_clan.run.describing import describe
from clantune_clan.run.evaluation import Loss, fitness_of_all
from clantune_clan.run.exporting import export_schedule, schedule_of
from clantune_clan.run.history import History
from clantune_clan.run.pace import PacedLearningRate
from clantune_clan.run.records import record_of
from clantune_clan.run.scaling import (
    GeneOverScheduler,
    at_base_rates,
    over_a_scheduler,
    refuse_unknown_scheduler,
)
from clantune_clan.run.settings import Rule, Settings, settle
from clantune_clan.run.sides import side_of
from clantune_clan.run.turnover import Outcome, Turnover
from clantune_core import Genome, Population, Preset
from clantune_core.contracts import Evaluate, Inheritance


class Clan:
    """Members that train together and evolve: one per process, or per group of processes.

    A round begins with `round()`, which returns this rank's member, and ends with `step(loss)`. All
    ranks call the same methods in the same order.

    Attributes:
        history: One record per round and member, on rank 0.
        settings: What the run does, all questions answered.
        communicator: The channel between the ranks.
    """

    def __init__(
        self,
        *,
        model: nn.Module | None = None,
        optimizer: Optimizer | None = None,
        round_length: int | None = None,
        duty_cycle: float | None = None,
        total_steps: int | None = None,
        autobind: Iterable[str | Preset] = (),
        genome_config: Mapping[str, Any] | None = None,
        population_size: int | None = None,
        accumulate: int = 1,
        strategies: Rule | None = None,
        inheritance: Inheritance | None = None,
        reduction: Reduction | Literal["auto"] = "auto",
        scheduler: Any = None,
        seed: int = 0,
        mode: Literal["min", "max"] = "min",
        evaluate: Evaluate | None = None,
        calibrate: bool | None = None,
        rounds: int | None = None,
        warmup: float = 0.1,
        cooldown: float = 0.2,
        history: str | Path | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Set up a clan. All ranks do this together.

        Args:
            model: The model, bare or wrapped; may come later, by `attach`.
            optimizer: The optimizer of its parameters; may come later, by `attach`.
            round_length: Steps in a round; None: the run divided by `rounds`, or 1000.
            duty_cycle: Share of a round in which members compete; None: as the rule wants it.
            total_steps: Steps of the run. Gives the length of rounds, and a warm-up and a cooldown
                of the learning rate; None: there is neither.
            autobind: Names of presets, or presets, that bind genes.
            genome_config: By name of a gene: what is otherwise than the preset says, or options as
                of `add_genome`, or an allele.
            population_size: Number of members; None: one per rank.
            accumulate: Batches per step of the optimizer, if the loop accumulates gradients: rounds
                and phases become multiples of it.
            strategies: The rule: a recipe or its name, or a list of strategies; None: the default.
            inheritance: How weights are inherited; None: as the rule wants it.
            reduction: How gradients are averaged, see `build_state`.
            scheduler: A learning rate scheduler of the user's, which genes then multiply.
            seed: Of all random streams.
            mode: `"min"` if a low loss is good, `"max"` if a high score is.
            evaluate: Which weights are judged; None: as the rule wants it.
            calibrate: Whether the run begins by searching for the learning rate; None: as the rule
                wants it.
            rounds: Rounds in a run whose length is known; None: as the rule wants it.
            warmup: Share of the run in which the learning rate rises.
            cooldown: Share of the run in which it falls. What strategies take for the cooldown is a
                parameter of theirs.
            history: File that rank 0 writes records to; None: a temporary one.
            timeout: Seconds to wait for another rank.
        """
        self.settings: Settings = settle(
            strategies,
            round_length=round_length,
            total_steps=total_steps,
            accumulate=accumulate,
            warmup=warmup,
            cooldown=cooldown,
            mode=mode,
            seed=seed,
            duty_cycle=duty_cycle,
            inheritance=inheritance,
            evaluate=evaluate,
            calibrate=calibrate,
            rounds=rounds,
            has_scheduler=scheduler is not None,
        )
        self.communicator = channel_of(population_size, timeout)
        opened = Attempt.of(lambda: History(history, writes=self.communicator.rank == 0))
        self.communicator.gather("the history", None, problem=opened.problem)
        self.history = opened.outcome
        self._autobind = autobind
        self._config = genome_config or {}
        self._reduction: Reduction | Literal["auto"] = reduction
        self._scheduler = scheduler
        self._loader: ClanLoader | None = None
        self._registered: dict[str, Any] = {}
        self._best = Best()
        self._state: State | None = None
        self._member: Individual | None = None
        self._turnover: Turnover | None = None
        self._calibration: Calibration | None = None
        self._over_scheduler: GeneOverScheduler | None = None
        self._steps_done = 0
        self._round = 0
        self._stepped = False
        if model is not None and optimizer is not None:
            self.attach(model, optimizer)
        elif model is not None or optimizer is not None:
            raise ClanError("a clan needs both, model= and optimizer=, or neither for now")

    def attach(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Give the clan the model and the optimizer, if it was made without them."""
        if self._state is not None:
            raise ClanError("this clan has its model and optimizer already")
        identity = uuid5(
            NAMESPACE_URL, f"clantune/{self.settings.seed}/{self.communicator.member_index}"
        )
        with at_base_rates(optimizer):
            genome = genes.bind(Genome(uuid=identity), self._autobind, model, optimizer)
            self._state = State(genome, model, optimizer)
            self._state.genome = genes.configure(genome, self._config, self._state)

    def add_genome(
        self,
        name: str,
        type: str = "optimizer",
        **options: Any,
    ) -> None:
        """Add a gene, before the first round.

        Args:
            name: Where it is: `"lr"` or `"betas/0"` in each param group, or in the model.
            type: `"optimizer"`, `"model"`, `"value"` (only read), or `"gradient_accumulation"`.
            options: `value`, `domain`, `path`, `can_mutate`, `can_crossbreed`, `is_cooperative`,
                `is_competitive`, `role`.
        """
        state = self._attached()
        if self._turnover is not None:
            raise ClanError(f"gene {name!r} comes too late: genes are added before the first round")
        with at_base_rates(state.optimizer):
            state.genome = genes.add_gene(state.genome, name, state, type=type, **options)

    def inherits(self, name: str, thing: Any) -> None:
        """Let something with `state_dict` and `load_state_dict` be inherited with the weights.

        Args:
            name: For messages, such as `"scaler"`.
            thing: A GradScaler, an average of your own, and the like.
        """
        if not (hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")):
            raise ClanError(f"{name} has no state_dict and load_state_dict: it cannot be inherited")
        self._registered[name] = thing

    @property
    def genome(self) -> Genome:
        """This member's genome."""
        return self._attached().genome

    @property
    def finished(self) -> bool:
        """Whether all steps of a run of known length are done."""
        return self.settings.schedule.is_over_at(self._steps_done)

    def loader(self, dataset: Any, batch_size: int = 1, **options: Any) -> ClanLoader:
        """Return a loader that knows the phases of this clan; options as of `clan_loader`."""
        given = {
            "schedule": self.settings.schedule,
            "seed": self.settings.seed,
            "rank": self.communicator.rank,
            "world_size": self.communicator.world_size,
            "ranks_per_member": self.communicator.ranks_per_member,
            "first_step": 0 if self._member is None else self._member.steps_done,
        }
        self._loader = clan_loader(dataset, batch_size, **{**given, **options})
        return self._loader

    def round(self) -> Individual:
        """Begin a round and return this rank's member for it.

        After the last step of a run of known length it returns the last member, which is spent.
        """
        if self._member is not None and not self._member.done:
            raise ClanError(
                f"the last round is not over: {self._member!r}; train until member.done, then call "
                "clan.step(loss)"
            )
        if self._member is not None and not self._stepped:
            raise ClanError("the last round has no fitness yet: call clan.step(loss) first")
        if self.finished and self._member is not None:
            self._member.retire(
                f"the run of {self._steps_done} steps is over: stop the loop when clan.finished"
            )
            return self._member
        if self._turnover is None:
            self._begin()
        self._stepped = False
        self._member = self._next()
        return self._member

    def step(self, result: float | Loss) -> None:
        """End a round: judge the members, select, inherit, and breed the next genomes.

        Args:
            result: The loss (or score) of this member on data that all members share; or a function
                that takes the model and returns it, with which the clan measures more.
        """
        member, turnover = self._member, self._turnover
        if member is None or turnover is None or not member.done:
            raise ClanError(
                "clan.step(loss) ends a round: call it once, when member.done is true"
                if member is None or turnover is None
                else f"the round is not over: {member!r}"
            )
        if self._stepped:
            raise ClanError("this round has its fitness already: go on with clan.round()")
        self._refuse_another_pace(member)
        began = time.perf_counter()
        state, sign = self._attached(), -1.0 if self.settings.mode == "max" else 1.0
        fitnesses = fitness_of_all(result, state, self.communicator, sign=sign)
        mine = fitnesses[self.communicator.member_index]
        world = [*member.get_world_fitness(mine).values()]
        state.genome = me = world[self.communicator.member_index]
        judged = time.perf_counter()
        self._steps_done = member.steps_done
        outcome = self._turn(world, result if callable(result) else None)
        record = record_of(
            member,
            me,
            number=self._round,
            place=self.communicator.member_index,
            outcome=outcome,
            seconds=judged - began,
        )
        self._write(record)
        self._round += 1
        self._stepped = True

    def _write(self, record: Mapping[str, Any]) -> None:
        told = self.communicator.gather("the records of a round", record)
        written = Attempt.of(lambda: self.history.add(told[:: self.communicator.ranks_per_member]))
        self.communicator.gather("the history of a round", None, problem=written.problem)

    def best(self) -> nn.Module:
        """Return a copy of the model with the best weights so far. All ranks do this together.

        It is the bare module: the clan's centre with the lowest fitness, or the best member.
        """
        return self._best.model(self._attached(), self.communicator)

    def export_schedule(self, path: str | Path) -> None:
        """Write the schedule that was found as JSON; rank 0 does, others need not."""
        if self.communicator.rank == 0:
            alleles = self._attached().genome.alleles
            schedule = schedule_of(self.history, self.settings, alleles, self._best)
            export_schedule(schedule, path)

    def describe(self) -> str:
        """Return in words what this clan does."""
        state = self._attached()
        reduction = state.gradients.reduction if state.gradients else self._reduction
        return describe(self.settings, state.genome, self.communicator.num_members, reduction)

    def _attached(self) -> State:
        if self._state is None:
            raise ClanError(
                "this clan has no model yet: Clan(model=..., optimizer=...), or "
                "clan.attach(model, optimizer)"
            )
        return self._state

    def _refuse_another_pace(self, member: Individual) -> None:
        if self._loader is not None and self._loader.step != member.steps_done:
            raise ClanError(
                f"the loader has given {self._loader.step} batches, and the member has made "
                f"{member.steps_done} steps, so members got the data of other phases: call "
                "member.step() once per batch, and make one loader for the whole run"
            )

    def _begin(self) -> None:
        """Make everything that the first round needs."""
        bare = self._attached()
        genome, optimizer = bare.genome, bare.optimizer
        if self._scheduler is None:
            paced = self.settings.pace.total_steps is not None
            refuse_unknown_scheduler(genome, optimizer, paced=paced)
        else:
            self._over_scheduler = GeneOverScheduler.of(genome, optimizer)
            genome = over_a_scheduler(genome, self._scheduler)
        self.communicator.require_same("the settings", self.settings.told())
        self._state = build_state(
            genome,
            bare.model,
            optimizer,
            self.communicator,
            reduction=self._reduction,
        )
        self._pace = PacedLearningRate(optimizer, self._factors)
        self._turnover = Turnover(
            self._state, self.communicator, self.settings, self._best, self._registered
        )
        if self.settings.calibrates:
            self._calibration = Calibration(self._state, self.communicator, self._registered)
        else:
            self._state.genome = first_genome(genome, self.settings, self.communicator)

    def _next(self) -> Individual:
        state = self._attached()
        current = self.settings.schedule.round_at(self._steps_done)
        searching = self._calibration is not None
        shares_by_half = self.settings.half_clans and not searching
        if self._calibration is not None:
            state.genome = self._calibration.place()
        member = Individual(
            state,
            self.communicator,
            current.length,
            current.duty_cycle,
            first_step=self._steps_done,
            late=self._steps_done - current.start,
            accumulate=current.accumulate,
            ends_run=current.ends_run,
            half_clan=side_of(state.genome, self.communicator) if shares_by_half else None,
            hold_average=searching or self.settings.evaluate == "ema",
        )
        if self._calibration is not None and state.average is not None:
            state.average.over_last(current.length // LAST, current.length)
        return member

    def _factors(self) -> dict[int, float]:
        """Return what the learning rate of each param group is multiplied with in this step."""
        member = self._member
        groups = range(len(self._attached().optimizer.param_groups))
        if member is None:
            return {}
        if self._calibration is not None:
            current = self.settings.schedule.round_at(member.steps_done)
            pace = self._calibration.factor(member.steps_done - current.start, current.length)
        elif self._scheduler is None:
            pace = self.settings.pace.factor(member.steps_done)
        else:
            pace = 1.0
        factors = dict.fromkeys(groups, pace)
        if self._over_scheduler is not None:
            values = {name: member.get_gene(name) for name in self._over_scheduler.rates}
            for place, factor in self._over_scheduler.factors(values).items():
                factors[place] *= factor
        return factors

    def _turn(self, world: list[Genome], loss: Loss | None) -> Outcome | None:
        state, turnover = self._attached(), self._turnover
        if self._calibration is not None:
            self._calibration.judge(Population(world).fitnesses())
            if self._calibration.is_over:
                found = self._calibration.found()
                state.genome = first_genome(found, self.settings, self.communicator)
                self._calibration = None
            return None
        total = self.settings.schedule.total_steps
        progress = None if total is None else min(1.0, self._steps_done / total)
        if turnover is None:
            return None
        return turnover.run(world, self._round, progress, loss)
