"""The state of a member once it trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from clantune_clan.gradients import Gradients
from clantune_clan.member.average import WeightAverage
from clantune_clan.member.state import State
from clantune_core import Genome


class TrainingState(State):
    """A state whose gradients are averaged, and whose weights may be. `build_state` makes it.

    Attributes:
        gradients: Averages the gradients.
        average: The exponential moving average of the weights; None if `ema=False`.
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
        """Make a state of these.

        Args:
            genome: The member's genome.
            model: The model to call, bare or wrapped.
            optimizer: The optimizer of its parameters.
            gradients: Averages the gradients.
            average: The exponential moving average of the weights.
        """
        super().__init__(genome, model, optimizer)
        self.gradients = gradients
        self.average = average

    def close(self) -> None:
        """Remove all hooks, and give the model its own weights back if it has the averages."""
        if self.average is not None and self.average.is_in_place:
            self.average.swap_out()
        self.gradients.close()

    def state_dict(self) -> dict[str, Any]:
        """Return all that makes the member, as tensors and plain data."""
        average = None if self.average is None else self.average.state_dict()
        return {**super().state_dict(), "average": average}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned; express the genome again after that.

        Raises:
            ClanError: It has other genes, or is of another model.
        """
        super().load_state_dict(state)
        if self.average is not None and state["average"] is not None:
            self.average.load_state_dict(state["average"])
