"""The best weights of a clan, in the module that trains and in checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer

from clantune_clan import Clan


def put_best(clan: Clan, module: LightningModule) -> None:
    """Fill a module with the best weights so far. All ranks do this together."""
    clan.best(into=module)
    if not clan.run_state.best.exists:  # members differ, and none was judged
        tensors = [each.detach() for each in (*module.parameters(), *module.buffers())]
        clan.communicator.broadcast("the weights at the end", tensors)


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
        live = [*module.parameters(), *module.buffers()]
        kept = [tensor.detach().clone() for tensor in live]
        try:
            self._clan.best(into=module)
            return {name: _copy(each) for name, each in self._own().items()}
        finally:
            with torch.no_grad():
                for tensor, own in zip(live, kept, strict=True):
                    tensor.copy_(own)


def _copy(thing: Any) -> Any:
    return thing.detach().clone() if isinstance(thing, torch.Tensor) else thing
