"""The clan of a script that uses Accelerate."""

from __future__ import annotations

from typing import Any

from accelerate import Accelerator
from torch import nn

from clantune_clan import Clan, Judge
from clantune_frameworks.accelerate.judging import judging_alone


class AcceleratedClan(Clan):
    """A clan that checks what a script does with its accelerator.

    After the last round the model of the script has the best weights.
    """

    def __init__(self, accelerator: Accelerator, *, model: nn.Module, **options: Any) -> None:
        """Set up a clan.

        Args:
            accelerator: Accelerator of the script.
            model: Model that it has prepared.
            options: Further options of `Clan`.
        """
        super().__init__(model=model, **options)
        self._accelerator, self._model = accelerator, model

    def step(self, result: float | Judge) -> None:
        """End a round, see `Clan.step`. After the last one, fill the model with the best weights.

        Raises:
            ClanError: The judge does not measure its own model alone.
        """
        super().step(self._alone(result) if callable(result) else result)
        if self.finished:
            self.best(into=self._model)

    def _alone(self, judge: Judge) -> Judge:
        def judge_alone(model: nn.Module) -> Any:
            with judging_alone(self._accelerator):
                return judge(model)

        return judge_alone
