"""The best weights of a clan in the checkpoints of Lightning."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Trainer

from clantune_clan import Clan
from clantune_frameworks.weights import best_inside


class BestInCheckpoints:
    """Lets every checkpoint have the best weights of a clan, where Lightning saves the module's."""

    def __init__(self, trainer: Trainer, clan: Clan) -> None:
        """Stand in for the strategy's function that returns the weights to save."""
        self._strategy, self._clan = trainer.strategy, clan
        self._own = trainer.strategy.lightning_module_state_dict
        vars(self._strategy)["lightning_module_state_dict"] = self._state_dict

    def release(self) -> None:
        """Let Lightning save the weights of the module again."""
        vars(self._strategy).pop("lightning_module_state_dict", None)

    def _state_dict(self) -> dict[str, Any]:
        """Return the module's state with the best weights. All ranks do this together."""
        module = self._strategy.lightning_module
        assert module is not None  # noqa: S101  (Lightning saves while it trains)
        with best_inside(self._clan, module):
            return {name: _copy(each) for name, each in self._own().items()}


def _copy(thing: Any) -> Any:
    # In the memory of the processor: an accelerator has room for the weights, not for two copies.
    return thing.detach().to("cpu", copy=True) if isinstance(thing, torch.Tensor) else thing
