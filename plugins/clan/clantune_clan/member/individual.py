"""The individual: what somebody trains with during one round."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

from torch import nn
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_clan.member.accumulation import window
from clantune_clan.member.expression import Expression, GenomeExpression
from clantune_clan.member.guard import Guard
from clantune_clan.member.state import State
from clantune_clan.schedule import Mode, Schedule
from clantune_core import ClanTuneError, Genome
from clantune_core.contracts import GRADIENT_ACCUMULATION, Expressed


class Individual:
    """One round of one member: its phases, its steps, and the values it trains with.

    Members cooperate first: gradients are averaged, and each applies them with its own genome.
    Then they compete, each alone. Call `step()` once per batch; when `done` is true the round is
    over, and another individual takes its place.
    """

    def __init__(
        self,
        state: State,
        communicator: Communication,
        round_length: int,
        duty_cycle: float,
        *,
        expression: GenomeExpression | None = None,
        first_step: int = 0,
        on_own_side: bool | None = None,
        hold_average: bool = False,
    ) -> None:
        """Begin a round. All ranks do this together.

        Args:
            state: Genome, model and optimizer, as `build_state` makes them.
            communicator: The channel to the other ranks.
            round_length: Steps in the round, 1 or more.
            duty_cycle: Share of the round in which members compete, 0 to 1.
            expression: Who turns the genome into values; None knows the usual modes.
            first_step: How many steps of the run came before.
            on_own_side: None lets all members cooperate; otherwise gradients are averaged over
                the half of the clan that says the same here.
            hold_average: Whether the model holds its averaged weights from the end of the round
                on, so that they are evaluated.
        """
        self._schedule = Schedule(round_length, duty_cycle)
        self._switch = self._schedule.cooperative_steps
        if state.gradients is None:
            raise ClanError("this state is not ready for training: make it with build_state(...)")
        self._gradients = state.gradients
        self._state = state
        self._communicator = communicator
        self._expression = expression or GenomeExpression()
        self._first_step = first_step
        self._group = (
            communicator.everybody if on_own_side is None else communicator.halves(on_own_side)
        )
        self._guard = Guard(state)
        self._cache = Expression({}, {}, {})
        self._step_num = 0
        self._done = False
        self._retired = ""
        self._hold_average = hold_average and state.average is not None
        if state.average is not None:
            state.average.over(round_length)
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
        competes = self._step_num >= self._switch and self._switch < self._schedule.round_length
        return "competitive" if competes else "cooperative"

    @property
    def done(self) -> bool:
        """Whether the round is over."""
        return self._done

    @property
    def first_step(self) -> int:
        """How many steps of the run came before this round."""
        return self._first_step

    @property
    def steps_done(self) -> int:
        """How many steps of the run are done, over all rounds."""
        return self._first_step + self._step_num

    def step(self) -> None:
        """Go on to the next batch: at the end of a phase the next one begins.

        Raises:
            ClanError: The round is over already.
            GradientError: Gradients are left over at the end of a phase.
            OverwrittenError: Somebody has changed a value that a gene had set.
        """
        self._require_more("step")
        self._step_num += 1
        if self._state.average is not None:
            self._state.average.update(self._step_num)
        if self._step_num == self._schedule.round_length:
            self._finish()
        elif self._step_num == self._switch:
            self._enter()
        else:
            self._gradients.at_step(self.steps_done)
            # Whoever overwrites a value mostly does so in each step: that is found at once, and
            # the rest at the end of the phase.
            if self._step_num in (1, self._switch + 1):
                self._require_unchanged()

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
        self._express(problem=self._guard.problem(self._cache))

    def get_value(self, path: str) -> Any:
        """Return the value that is expressed at a path.

        Raises:
            ClanError: No gene is expressed there.
        """
        if path not in self._cache.patch:
            known = ", ".join(self._cache.patch) or "nothing"
            raise ClanError(f"no gene is expressed at {path!r}; there is {known}")
        return self._cache.patch[path]

    def get_gene(self, name: str) -> Any:
        """Return the value of a gene as it is expressed now.

        That of a gene for gradient accumulation is the size of the window that the current batch
        belongs to. The last window of a phase is as long as what is left of the phase.

        Raises:
            ClanError: There is no such gene.
        """
        if name not in self._cache.genes:
            known = ", ".join(self._cache.genes) or "none"
            raise ClanError(f"there is no gene {name!r}; there are {known}")
        value = self._cache.genes[name]
        if Expressed.of(name, self.genome.alleles[name]).role == GRADIENT_ACCUMULATION:
            return window(value, *self._place_in_phase())
        return value

    @contextlib.contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Let the model hold its averaged weights inside the block, as for an evaluation."""
        if self._state.average is None:
            raise ClanError("no average of the weights is kept: build_state(..., average=True)")
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
        problem: Exception | None = self._guard.problem(self._cache)
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
        return {**self._state.state_dict(), "round": self._round(), "step": self._step_num}

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
        self._cache = Expression({}, {}, {})
        self._enter()
        if self._done:
            self._gradients.average_over(None)

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
        place = f"step {self._step_num} of {self._schedule.round_length}"
        state = "done" if self._done else self.mode
        return f"<Individual of member {self._communicator.member_index}: {place}, {state}>"

    def _load(self, state: Mapping[str, Any]) -> None:
        if missing := {"round", "step", "genome", "model", "optimizer", "average"} - state.keys():
            raise ClanError(
                f"this is no state of a member: it has no {', '.join(sorted(missing))}; load what "
                "member.state_dict() returned"
            )
        if state["round"] != self._round():
            raise ClanError(
                f"this is a round of {self._round()}, and what is loaded one of {state['round']}"
            )
        genes = Genome.deserialize(state["genome"]).alleles.keys()
        if genes != self.genome.alleles.keys():
            raise ClanError(
                f"what is loaded has the genes {[*genes]}, and this member "
                f"{[*self.genome.alleles]}; bind the same"
            )
        if not 0 <= state["step"] <= self._schedule.round_length:
            raise ClanError(f"there is no step {state['step']} in {self._round()}")
        self._state.load_state_dict(state)
        self._step_num = state["step"]
        self._done = self._step_num == self._schedule.round_length

    def _require_unchanged(self) -> None:
        """Raise an error if a value has been overwritten, and let the others read it."""
        if problem := self._guard.problem(self._cache):
            self._communicator.announce(problem)
            raise problem

    def _enter(self) -> None:
        """Begin a phase: nothing of the last one may be left."""
        problem = self._problem()
        self._gradients.average_over(
            self._group if self.mode == "cooperative" else self._communicator.own
        )
        self._gradients.at_step(self.steps_done)
        self._express(problem=problem)

    def _finish(self) -> None:
        self._communicator.gather(
            f"the end of step {self.steps_done}", None, problem=self._problem()
        )
        self._gradients.average_over(None)
        if self._hold_average and self._state.average is not None:
            self._state.average.swap_in()
        self._done = True

    def _problem(self) -> Exception | None:
        return self._gradients.problem() or self._guard.problem(self._cache)

    def _express(self, *, problem: Exception | None) -> None:
        cache = self._expression.express(
            self.genome,
            self.mode,
            self._communicator,
            where=f"step {self.steps_done}",
            problem=problem,
        )
        try:
            self._state.patch(cache.patch)
        except ClanError as error:
            self._communicator.announce(error)
            raise
        self._cache = cache
        self._require_unchanged()

    def _place_in_phase(self) -> tuple[int, int]:
        """Return how many steps of the phase came before, and how many it has."""
        if self.mode == "cooperative":
            return self._step_num, self._switch
        return self._step_num - self._switch, self._schedule.round_length - self._switch

    def _round(self) -> dict[str, float]:
        return {
            "round_length": self._schedule.round_length,
            "duty_cycle": self._schedule.duty_cycle,
            "first_step": self._first_step,
        }

    def retire(self, reason: str) -> None:
        """Let whoever goes on with this individual read why it cannot."""
        self._retired = reason

    def _require_more(self, what: str) -> None:
        if self._done:
            raise ClanError(
                self._retired
                or f"this round is over, all {self._schedule.round_length} of its steps are done, "
                f"so {what} comes too late: give the fitness with clan.step(loss), and take the "
                "next member from clan.round()"
            )
