"""The state of a member during training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from clantune_clan.member.average import WeightAverage
from clantune_clan.member.state import State
from clantune_clan.reduction import Gradients
from clantune_core import Genome


class TrainingState(State):
    """A state with averaged gradients and optionally averaged weights. `build_state` makes it.

    Attributes:
        gradients: Object that averages the gradients.
        average: Exponential moving average of the weights; None if `ema=False`.
    """

    def __init__(
        self,
        genome: Genome,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        gradients: Gradients,
        average: WeightAverage | None,
    ) -> None:
        """Make a state.

        Args:
            genome: Genome of the member.
            model: Model to call, bare or wrapped.
            optimizer: Optimizer of its parameters.
            gradients: Object that averages the gradients.
            average: Exponential moving average of the weights.
        """
        super().__init__(genome, model, optimizer)
        self.gradients = gradients
        self.average = average

    def close(self) -> None:
        """Remove all hooks, and restore the model's own weights if it contains the averages."""
        if self.average is not None and self.average.is_in_place:
            self.average.swap_out()
        self.gradients.close()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the member, as tensors and plain data."""
        average = None if self.average is None else self.average.state_dict()
        return {**super().state_dict(), "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned; express the genome again after that.

        Raises:
            ClanError: The state has other genes, or belongs to another model.
        """
        super().load_state_dict(state)
        if self.average is not None and state["average"] is not None:
            self.average.load_state_dict(state["average"])
