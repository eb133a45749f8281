"""The scale of the loss, which all members share.

A `GradScaler` multiplies the loss, so that small gradients do not vanish in float16. Gradients of
members with different scales have no mean.
"""

from __future__ import annotations

from typing import Any

from torch.amp import GradScaler

from clantune_clan.communication import Communication


class LossScale:
    """The scale of a `GradScaler`.

    While members cooperate, their scalers see the same gradients, so they stay equal. While they
    compete, each scaler backs off by itself; at the next round all get the lowest scale.
    """

    def __init__(self, scaler: GradScaler) -> None:
        """Use a scaler that is enabled."""
        self._scaler = scaler
        self._agreed = scaler.get_scale()

    def agree(self, communicator: Communication) -> None:
        """Set the scales of all ranks to the lowest. All ranks call this together."""
        states = communicator.gather("the scale of the loss", self._scaler.state_dict())
        self._scaler.load_state_dict(min(states, key=_order))
        self._agreed = self._scaler.get_scale()

    @property
    def has_backed_off(self) -> bool:
        """Whether the scaler has skipped a step since the ranks agreed."""
        return self._scaler.get_scale() < self._agreed


def _order(state: dict[str, Any]) -> tuple[float, int]:
    return state["scale"], state["_growth_tracker"]
