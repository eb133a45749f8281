"""The individual: what somebody trains with during one round."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Protocol

from torch import nn
from torch.distributed import ProcessGroup
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, OverwrittenError
from clantune_clan.loader.feed import Feed
from clantune_clan.member.live_values import LiveValues
from clantune_clan.member.phases import Phases
from clantune_clan.member.state import State
from clantune_clan.member.training_state import TrainingState
from clantune_clan.schedule import Mode, Round
from clantune_core import ClanTuneError, Genome
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


class RoundObserver(Protocol):
    """What is called while a member trains."""

    def phase(self, member: Individual) -> None: ...  # noqa: D102
    def step(self, member: Individual) -> None: ...  # noqa: D102


class Individual:
    """One round of one member: its phases, its steps, and the values it trains with.

    Members cooperate first: gradients are averaged, and each applies them with its own genome.
    Then they compete, each alone. Call `step()` once per batch; when `done` is true the round is
    over, and another individual takes its place.
    """

    def __init__(
        self,
        state: TrainingState,
        communicator: Communication,
        round_length: int,
        duty_cycle: float,
        *,
        first_step: int = 0,
        late: int = 0,
        accumulate: int = 1,
        ends_run: bool = False,
        half_clan: bool | None = None,
        hold_average: bool = False,
        observer: RoundObserver | None = None,
        feed: Feed | None = None,
        learning_rates: Callable[[], tuple[float, ...]] | None = None,
    ) -> None:
        """Begin a round. All ranks do this together.

        Args:
            state: Genome, model and optimizer, as `build_state` makes them.
            communicator: The channel to the other ranks.
            round_length: Steps in the round, 1 or more.
            duty_cycle: Share of the round in which members compete, 0 to 1.
            first_step: How many steps of the run came before.
            late: How many steps of this round the round before has taken, because it ended late.
            accumulate: Batches per step of the optimizer: phases are multiples of it.
            ends_run: Whether the run ends with this round.
            half_clan: None lets all members cooperate; otherwise gradients are averaged over the
                half of the clan that passes the same value.
            hold_average: Whether the model holds its averaged weights from the end of the round
                on, so that they are evaluated.
            observer: Called at the start of each phase and after each step.
            feed: Where batches come from, over all rounds; None begins a loader anew.
            learning_rates: Returns the learning rate of each param group in a step taken now;
                None: as the param groups say.
        """
        self._phases = Phases(
            Round(
                number=0,
                start=first_step - late,
                length=round_length,
                duty_cycle=duty_cycle,
                accumulate=accumulate,
                ends_run=ends_run,
            ),
            late,
        )
        self._gradients = state.gradients
        self._optimizer_steps = state.gradients.steps
        self._state = state
        self._communicator = communicator
        self._has_half_clan = half_clan is not None
        if half_clan is not None:
            communicator.divide(half_clan)
        self._values = LiveValues(state, communicator)
        self._retired = ""
        self._hold_average = hold_average and state.average is not None
        self._observer = observer
        self._feed = feed or Feed()
        self._learning_rates = learning_rates or self._group_rates
        if state.average is not None:
            state.average.over(self._phases.length)
        self._enter()

    @property
    def model(self) -> nn.Module:
        """The model to call."""
        return self._state.model

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer, with this member's values."""
        return self._state.optimizer

    @property
    def genome(self) -> Genome:
        """This member's genome."""
        return self._state.genome

    @property
    def mode(self) -> Mode:
        """What the members do now: `"cooperative"` or `"competitive"`."""
        return self._phases.mode

    @property
    def done(self) -> bool:
        """Whether the round is over."""
        return self._phases.done

    @property
    def first_step(self) -> int:
        """How many steps of the run came before this round."""
        return self._phases.first_step

    @property
    def steps_done(self) -> int:
        """How many steps of the run are done, over all rounds."""
        return self._phases.first_step + self._phases.step

    def step(self) -> None:
        """Go on to the next batch: at the end of a phase the next one begins.

        A phase that is due to end while gradients wait for a step of the optimizer, on any rank,
        goes on until they have been used.

        Raises:
            ClanError: The round is over already; or its optimizer has made no step, or gradients
                wait for one too long.
            OverwrittenError: Something has changed a value that a gene had set.
        """
        self._require_more("step")
        phases = self._phases
        phases.step += 1
        if self._state.average is not None:
            self._state.average.update(phases.step)
        if self._observer is not None:
            self._observer.step(self)
        if not (phases.is_due and self._phase_ends()):
            self._gradients.at_step(self.steps_done)
            # Whatever overwrites a value mostly does so in each step: that is found at once, and
            # the rest at the end of the phase.
            if phases.step == phases.begin + 1:
                self._values.require_unchanged()
        elif phases.ends_round:
            self._finish()
        else:
            phases.compete()
            self._enter()

    def batches(self, loader: Iterable[Any]) -> Iterator[Any]:
        """Return batches until the round is over, and make a step after each.

        The next round goes on where this one has stopped, in the middle of an epoch if need be.

        Args:
            loader: What can be iterated over again and again, such as `clan.loader(...)`.
        """
        while not self.done:
            yield self._feed.next(loader)
            self.step()

    @property
    def learning_rate(self) -> float:
        """Learning rate of the first param group in a step that is taken now.

        It is the gene times warm-up, cooldown and scheduler.
        """
        return self.learning_rates[0]

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Learning rate of each param group in a step that is taken now."""
        return self._learning_rates()

    @contextlib.contextmanager
    def sync_context(self, sync: bool = True) -> Iterator[None]:
        """Wrap the backward pass: gradients are averaged while members cooperate, else left alone.

        Args:
            sync: False lets gradients add up on this rank alone; the next pass that is not
                wrapped like this averages their sum. All ranks do this in the same steps.
        """
        self._require_more("sync_context")
        with contextlib.nullcontext() if sync else self._gradients.paused():
            yield

    def express(self) -> None:
        """Express the genome again, for the current phase. All ranks do this together."""
        self._require_more("express")
        self._express(problem=self._values.problem())

    def get_value(self, path: str) -> Any:
        """Return the value that is expressed at a path.

        Raises:
            ClanError: No gene is expressed there.
        """
        return self._values.at(path)

    def get_gene(self, name: str) -> Any:
        """Return the value of a gene as it is expressed now.

        That of a gene for gradient accumulation is the size of the window that the current batch
        belongs to. The last window of a phase is as long as what is left of the phase.

        Raises:
            ClanError: There is no such gene.
        """
        value = self._values.of_gene(name)
        role = Expressed.of(name, self.genome.alleles[name]).role
        return self._phases.window(value) if role == GRADIENT_ACCUMULATION else value

    @contextlib.contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Let the model hold its averaged weights inside the block, as for an evaluation."""
        if self._state.average is None:
            raise ClanError("no average of the weights is kept: build_state(..., ema=True)")
        held = self._state.average.is_in_place  # as it is at the end of a round
        with contextlib.nullcontext() if held else self._state.average.in_place():
            yield self.model

    def get_world_fitness(self, fitness: float) -> dict[int, Genome]:
        """Set the fitness of this member and return the genomes of all, by member.

        All ranks do this together. Lower is better.

        Raises:
            OverwrittenError: Somebody has changed a value that a gene had set, so that the fitness
                is not that of the genome.
        """
        problem: Exception | None = self._values.problem()
        try:
            self._state.genome = self.genome.set_fitness(fitness)
        except ClanTuneError as error:
            problem = error
        everyone = self._communicator.gather(
            f"the fitness of step {self.steps_done}", self.genome.serialize(), problem=problem
        )
        firsts = everyone[:: self._communicator.ranks_per_member]
        return {member: Genome.deserialize(data) for member, data in enumerate(firsts)}

    def state_dict(self) -> dict[str, Any]:
        """Return all that makes this member, and where it is in its round."""
        made = self._gradients.steps - self._optimizer_steps
        return {**self._state.state_dict(), **self._phases.state_dict(), "optimizer_steps": made}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned. All ranks do this together.

        Raises:
            ClanError: It is of a round of another form.
        """
        problem: Exception | None = None
        try:
            self._load(state)
        except Exception as error:  # noqa: BLE001  (raised below, on all ranks)
            problem = error
        self._communicator.gather("loading a member", None, problem=problem)
        self._values.clear()
        self._enter()
        if self.done:
            self._gradients.average_over(None)

    def overwritten(self) -> OverwrittenError | None:
        """Return an error if something has changed a value that a gene had set, or None."""
        return self._values.problem()

    def _group_rates(self) -> tuple[float, ...]:
        return tuple(float(group["lr"]) for group in self.optimizer.param_groups)

    def __enter__(self) -> State:
        """Begin a step."""
        self._require_more("with")
        return self._state

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the step, if nothing went wrong in it."""
        if error is None:
            self.step()

    def __repr__(self) -> str:
        place = f"step {self._phases.step} of {self._phases.length}"
        state = "done" if self.done else self.mode
        return f"<Individual of member {self._communicator.member_index}: {place}, {state}>"

    def _load(self, state: Mapping[str, Any]) -> None:
        if missing := self.state_dict().keys() - state.keys():
            raise ClanError(
                f"this is no state of a member: it has no {', '.join(sorted(missing))}; load what "
                "member.state_dict() returned"
            )
        self._phases.load_state_dict(state)
        self._state.load_state_dict(state)
        self._optimizer_steps = self._gradients.steps - state["optimizer_steps"]

    def _enter(self) -> None:
        """Begin a phase: nothing of the last one may be left."""
        problem = self._problem()
        self._gradients.average_over(self._group)
        self._gradients.at_step(self.steps_done)
        self._express(problem=problem)
        if self._observer is not None:
            self._observer.phase(self)

    @property
    def _group(self) -> ProcessGroup | None:
        """The ranks that share gradients in this phase."""
        if self.mode == "competitive":
            return self._communicator.own
        has_half_clan, channel = self._has_half_clan, self._communicator
        return channel.half_clan if has_half_clan else channel.everybody

    def _phase_ends(self) -> bool:
        """Meet the others; return whether no gradients wait for the optimizer on any rank."""
        is_idle = self._gradients.steps == self._optimizer_steps
        pending = self._communicator.gather(
            f"the end of step {self.steps_done}",
            self._gradients.are_pending,
            problem=self._problem() or (self._phases.idle() if is_idle else None),
        )
        ranks = [rank for rank, waits in enumerate(pending) if waits]
        if ranks and (problem := self._phases.overdue(ranks)):
            raise problem
        return not ranks or self._phases.ends_run

    def _finish(self) -> None:
        self._gradients.average_over(None)
        if self._hold_average and self._state.average is not None:
            self._state.average.swap_in()
        self._phases.done = True

    def _problem(self) -> Exception | None:
        return self._gradients.problem() or self._values.problem()

    def _express(self, *, problem: Exception | None) -> None:
        self._values.express(self.mode, f"step {self.steps_done}", problem=problem)

    def retire(self, reason: str) -> None:
        """Let whoever goes on with this individual read why it cannot."""
        self._retired = reason

    def _require_more(self, what: str) -> None:
        if self.done:
            raise ClanError(
                self._retired
                or f"this round is over, all {self._phases.step} of its steps are done, "
                f"so {what} comes too late: give the fitness with clan.step(loss), and take the "
                "next member from clan.round()"
            )
