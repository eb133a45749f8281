"""The individual: a member during one round, as the training loop uses it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError, OverwrittenError
from clantune_clan.loader.feed import Feed
from clantune_clan.member.phases import Phases
from clantune_clan.member.training_state import TrainingState
from clantune_clan.member.transitions import Transitions
from clantune_clan.schedule import Mode, Round
from clantune_core import ClanTuneError, Genome
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


class RoundObserver(Protocol):
    """An observer whose methods are called while a member trains."""

    def phase(self, member: Individual) -> None: ...  # noqa: D102
    def step(self, member: Individual) -> None: ...  # noqa: D102


class Individual:
    """One round of one member: its phases, its steps, and the values that it trains with.

    Members cooperate first: gradients are averaged, and each applies them with its own genome.
    Then they compete, each alone. Call `step()` once per batch. When `done` is true the round is
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
        total_steps: int | None = None,
        half_clan: bool | None = None,
        hold_ema: bool = False,
        observer: RoundObserver | None = None,
        feed: Feed | None = None,
        learning_rates: Callable[[], tuple[float, ...]] | None = None,
    ) -> None:
        """Begin a round. All ranks call this together.

        Args:
            state: State of the member, as `build_state` makes it.
            communicator: Channel to the other ranks.
            round_length: Steps in the round, 1 or more.
            duty_cycle: Share of the round in which members compete, 0 to 1.
            first_step: Number of steps of the run before this round.
            late: Number of steps by which the last round ended late; this round is shorter by them.
            accumulate: Batches per step of the optimizer; phases are multiples of it.
            total_steps: Steps of the run, at which the round ends at the latest; None if unknown.
            half_clan: Value that this rank's half of the clan shares; gradients are averaged over
                that half. None: all members cooperate.
            hold_ema: Whether the model contains its averaged weights after the end of the round,
                so that they are evaluated.
            observer: Observer of each step, and of the start of each later phase.
            feed: Source of batches over all rounds; None starts the loader from the beginning.
            learning_rates: Function that returns the current learning rate of each param group;
                None: the `lr` of each group.
        """
        form = Round(
            number=0,
            start=first_step - late,
            length=round_length,
            duty_cycle=duty_cycle,
            accumulate=accumulate,
            total_steps=total_steps,
        )
        self._state, self._communicator = state, communicator
        self._phases = Phases(form, late)
        self._transitions = Transitions(
            state, communicator, self._phases, half_clan=half_clan, hold_ema=hold_ema
        )
        self._values = self._transitions.values
        self._observer = observer
        self._feed = feed or Feed()
        self._learning_rates = learning_rates or self._group_rates
        self._transitions.enter()

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
        """The current phase of all members: `"cooperative"` or `"competitive"`."""
        return self._phases.mode

    @property
    def done(self) -> bool:
        """Whether the round is over."""
        return self._phases.done

    @property
    def first_step(self) -> int:
        """Number of steps of the run before this round."""
        return self._phases.first_step

    @property
    def steps_done(self) -> int:
        """Number of steps of the run that are done, over all rounds."""
        return self._phases.steps_done

    def step(self) -> None:
        """Count a step. At the end of a phase, begin the next one.

        If gradients wait for a step of the optimizer on any rank when a phase is due to end, it
        continues until the optimizer has used them.

        Raises:
            ClanError: The round is over already, its optimizer has made no step, or gradients wait
                for a step too long.
            OverwrittenError: Other code has changed a value that a gene had set.
        """
        self._phases.require_more("step")
        begins_a_phase = self._transitions.advance()
        if self._observer is not None:
            self._observer.step(self)
            if begins_a_phase:
                self._observer.phase(self)
        self._communicator.stop.follow()

    def caught_up(self) -> Individual:
        """Return this member, after the end of a phase at whose last step it was saved."""
        if self._phases.is_due and not self.done:
            if self._transitions.go_on() and self._observer is not None:
                self._observer.phase(self)
            self._communicator.stop.follow()
        return self

    def batches(self, loader: Iterable[Any]) -> Iterator[Any]:
        """Return batches until the round is over, and make a step after each.

        The next round continues at the batch where this one has stopped, even within an epoch.

        Args:
            loader: Iterable that can be iterated again, such as `clan.loader(...)`.
        """
        while not self.done:
            yield self._feed.next(loader)
            self.step()

    @property
    def learning_rate(self) -> float:
        """Current learning rate of the first param group: gene, warm-up, cooldown, scheduler."""
        return self.learning_rates[0]

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Current learning rate of each param group."""
        return self._learning_rates()

    @contextlib.contextmanager
    def sync_context(self, sync: bool = True) -> Iterator[None]:
        """Wrap the backward pass, to average gradients over the ranks that cooperate or not.

        Args:
            sync: Whether to average. False accumulates gradients on this rank; the next pass with
                True, or without this context, averages their sum. It is equal on all ranks.
        """
        self._phases.require_more("sync_context")
        with contextlib.nullcontext() if sync else self._transitions.gradients.paused():
            yield

    def express(self) -> None:
        """Express the genome again, for the current phase. All ranks call this together."""
        self._phases.require_more("express")
        self._transitions.express(problem=self._values.problem())

    def get_value(self, path: str) -> Any:
        """Return the value that is expressed at a path.

        Raises:
            ClanError: No gene is expressed there.
        """
        return self._values.at(path)

    def get_gene(self, name: str) -> Any:
        """Return the value of a gene that is expressed now.

        For a gene of gradient accumulation it is the size of the window that the current batch
        belongs to. The last window of a phase ends with the phase.

        Raises:
            ClanError: There is no such gene.
        """
        value = self._values.of_gene(name)
        role = Expressed.of(name, self.genome.alleles[name]).role
        return self._phases.window(value) if role == GRADIENT_ACCUMULATION else value

    @contextlib.contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Put the averaged weights into the model inside the block, as for an evaluation."""
        if self._state.average is None:
            raise ClanError("no average of the weights is kept: build_state(..., ema=True)")
        is_in_place = self._state.average.is_in_place  # as it is at the end of a round
        with contextlib.nullcontext() if is_in_place else self._state.average.in_place():
            yield self.model

    def get_world_fitness(self, fitness: float) -> dict[int, Genome]:
        """Set the fitness of this member and return the genomes of all, by member.

        All ranks call this together. Lower is better.

        Raises:
            OverwrittenError: Other code has changed a value that a gene had set.
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
        """Return the state of this member and its place in the round."""
        return {**self._state.state_dict(), **self._transitions.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned. All ranks call this together.

        Raises:
            ClanError: The state belongs to a round of another form.
        """
        self._communicator.attempt("loading a member", lambda: self._load(state))
        self._transitions.enter()
        if self.done:
            self._transitions.stop_averaging()

    def require_savable(self) -> None:
        """Raise an error if gradients or averaged weights are in use, which no state includes."""
        if self.done:
            raise ClanError(
                "the round is over, and its loss is missing: save after clan.step(loss)"
            )
        if self._transitions.gradients.are_pending:
            raise ClanError(
                "gradients wait for optimizer.step(), and a checkpoint does not include them: save "
                "after optimizer.step() and member.step()"
            )

    def overwritten(self) -> OverwrittenError | None:
        """Return an error if other code has changed a value that a gene had set, or None."""
        return self._values.problem()

    def _group_rates(self) -> tuple[float, ...]:
        return tuple(float(group["lr"]) for group in self.optimizer.param_groups)

    def __enter__(self) -> TrainingState:
        """Begin a step."""
        self._phases.require_more("with")
        return self._state

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the step if it has raised no exception."""
        if kind is None:
            self.step()

    def __repr__(self) -> str:
        place = f"step {self._phases.step} of {self._phases.length}"
        state = "done" if self.done else self.mode
        return f"<Individual of member {self._communicator.member_index}: {place}, {state}>"

    def _load(self, state: Mapping[str, Any]) -> None:
        if missing := self.state_dict().keys() - state.keys():
            raise ClanError(
                f"this is not the state of a member: it lacks {', '.join(sorted(missing))}; load "
                "what member.state_dict() returned"
            )
        self._transitions.load_state_dict(state)
        self._state.load_state_dict(state)
