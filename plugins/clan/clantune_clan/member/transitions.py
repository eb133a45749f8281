"""Transitions between the phases of a round, which change the gradient group and gene values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch.distributed import ProcessGroup, get_process_group_ranks

from clantune_clan.communication import Communication
from clantune_clan.communication.envelope import require_one_place
from clantune_clan.member.live_values import LiveValues
from clantune_clan.member.phases import Phases
from clantune_clan.member.training_state import TrainingState


class Transitions:
    """Moves a member from phase to phase. All ranks do this together.

    Attributes:
        phases: Place of the member in its round.
        values: Expressed values of its genome.
        gradients: Object that averages its gradients.
    """

    def __init__(
        self,
        state: TrainingState,
        communicator: Communication,
        phases: Phases,
        *,
        half_clan: bool | None,
        hold_ema: bool,
    ) -> None:
        """Prepare a round. `Individual` describes the arguments."""
        self.phases = phases
        self.values = LiveValues(state, communicator)
        self._state, self._communicator = state, communicator
        self.gradients = state.gradients
        self._steps_before = state.gradients.steps
        self._holds_average = hold_ema and state.average is not None
        self._has_half_clan = half_clan is not None
        if half_clan is not None:
            communicator.divide(half_clan)
        if state.average is not None:
            state.average.over(phases.length)

    def advance(self) -> bool:
        """Count a step; return whether another phase begins after it."""
        phases = self.phases
        phases.step += 1
        if self._state.average is not None:
            self._state.average.update(phases.step)
        return self.go_on()

    def go_on(self) -> bool:
        """End the phase if it ends here; return whether another phase begins."""
        phases = self.phases
        if not ((phases.is_due or self._knows_of_stop()) and self._phase_ends()):
            self.gradients.at_step(phases.steps_done)
            # Code that overwrites a value mostly does so in each step, which this finds at once.
            # The check at the end of the phase finds other cases.
            if phases.step == phases.begin + 1:
                self.values.require_unchanged()
            return False
        if phases.ends_round:
            self._finish()
            return False
        phases.compete()
        self.enter()
        return True

    def enter(self) -> None:
        """Begin a phase."""
        problem = self._problem()
        self.gradients.average_over(self._group)
        self.gradients.at_step(self.phases.steps_done)
        self.express(problem=problem)

    def express(self, *, problem: Exception | None = None) -> None:
        """Express the genome for the current phase."""
        where = f"step {self.phases.steps_done}"
        self.values.express(self.phases.mode, where, problem=problem)

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the round, and the number of optimizer steps in it."""
        made = self.gradients.steps - self._steps_before
        return {**self.phases.state_dict(), "optimizer_steps": made}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load the place in the round. `enter` then begins its phase again."""
        self.phases.load_state_dict(state)
        self._steps_before = self.gradients.steps - state["optimizer_steps"]
        self.values.clear()

    def stop_averaging(self) -> None:
        """Let each rank keep its own gradients, as between two rounds."""
        self.gradients.average_over(None)

    @property
    def _group(self) -> ProcessGroup | None:
        """The ranks that share gradients in this phase."""
        if self.phases.mode == "competitive":
            return self._communicator.own
        channel = self._communicator
        return channel.half_clan if self._has_half_clan else channel.everybody

    @property
    def _peers(self) -> set[int]:
        """The ranks that average gradients with this one, and this one."""
        group = self._group
        return {self._communicator.rank} if group is None else {*get_process_group_ranks(group)}

    def _knows_of_stop(self) -> bool:
        """Whether this rank, and each that averages gradients with it, knows of a request."""
        stop = self._communicator.stop
        is_wanted = stop.is_wanted()
        return is_wanted if self._group is None else stop.is_known_to_peers

    def _phase_ends(self) -> bool:
        """Meet the other ranks at the end of a step; return whether the phase ends here.

        It does not if gradients wait for the optimizer on any rank, or if all ranks stop here.
        Ranks that do not average gradients with each other may stop at different steps.
        """
        phases, stop = self.phases, self._communicator.stop
        while True:
            pending = self.gradients.are_pending
            problem: Exception | None = self._problem()
            if problem is None and self._is_idle():
                problem = phases.idle(is_pending=pending)
            where = f"the end of step {phases.steps_done}"
            answers = self._communicator.gather(
                where,
                [where, pending, stop.signal],
                problem=problem,
                kind="the end of a step",
            )
            waiting = [rank for rank, (_, is_pending, _) in enumerate(answers) if is_pending]
            signal = max(signal for _, _, signal in answers)
            if not signal:  # one that has come to this rank meanwhile counts in the next step
                break
            stop.signal, stop.is_agreed = signal, not waiting
            if stop.is_agreed or {*waiting} & self._peers:
                return bool(waiting) and phases.ends_run
        require_one_place([place for place, _, _ in answers], self._communicator.rank)
        if waiting and (overdue := phases.overdue(waiting)):
            raise overdue
        return not waiting or phases.ends_run

    def _is_idle(self) -> bool:
        """Whether no optimizer was asked for a step in this round."""
        scale = self.gradients.loss_scale
        has_skipped = scale is not None and scale.has_backed_off
        return self.gradients.steps == self._steps_before and not has_skipped

    def _finish(self) -> None:
        self.stop_averaging()
        if self._holds_average and self._state.average is not None:
            self._state.average.swap_in()
        self.phases.done = True

    def _problem(self) -> Exception | None:
        return self.gradients.problem() or self.values.problem()
