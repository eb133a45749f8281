"""The clan in the checkpoints of Accelerate."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from torch import nn

from clantune_clan import Clan, ClanError

FOLDER = "clan"
"""Folder of the clan in a checkpoint of Accelerate."""


def register(accelerator: Accelerator, clan: Clan, model: nn.Module) -> None:
    """Let `save_state` write a clan and its best weights, and `load_state` bring it back.

    Args:
        accelerator: Accelerator of the script.
        clan: Clan of its ranks.
        model: Model of the clan.
    """

    def save(models: Sequence[nn.Module], weights: list[Mapping[str, Any]], folder: str) -> None:
        bare = [accelerator.unwrap_model(each) for each in (*models, model)]
        place = [each is bare[-1] for each in bare].index(True)
        best = clan.best().state_dict()
        if clan.communicator.rank == 0:  # of an earlier save into this folder
            shutil.rmtree(Path(folder) / FOLDER, ignore_errors=True)
        if not clan.finished:
            clan.save(Path(folder) / FOLDER)
        # The keys are those of the wrapped model, in the same order.
        weights[place] = dict(zip(weights[place], best.values(), strict=True))

    def load(models: Sequence[nn.Module], folder: str) -> None:  # noqa: ARG001
        if not (Path(folder) / FOLDER).is_dir():
            raise ClanError(
                f"{folder}: this checkpoint has no clan. It was saved without one, or at the end "
                "of a run. Load it before accelerate_clan(...), and the clan begins with its "
                "weights"
            )
        clan.resume(Path(folder) / FOLDER)

    accelerator.register_save_state_pre_hook(save)
    accelerator.register_load_state_pre_hook(load)
