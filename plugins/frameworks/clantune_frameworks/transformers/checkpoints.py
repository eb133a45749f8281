"""The clan in the checkpoints of Trainer."""

from __future__ import annotations

import shutil
from pathlib import Path

from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from clantune_clan import CheckpointError, Clan
from clantune_frameworks.transformers.finding import AnyTrainer
from clantune_frameworks.weights import best_inside

FOLDER = "clan"
"""Folder of the clan in a checkpoint of Trainer."""


def save(clan: Clan, trainer: AnyTrainer) -> None:
    """Complete a checkpoint that Trainer has just written. All ranks call this together.

    The clan gets a folder in it, and the weights of the model become the clan's best ones so far.
    """
    folder = Path(trainer.args.output_dir, f"{PREFIX_CHECKPOINT_DIR}-{trainer.state.global_step}")
    if not trainer.args.save_only_model:
        if clan.communicator.rank == 0:  # of a run that was resumed from an earlier checkpoint
            shutil.rmtree(folder / FOLDER, ignore_errors=True)
        clan.save(folder / FOLDER)
    if clan.run_state.best.exists:
        with best_inside(clan, trainer.model):
            trainer.save_model(str(folder), _internal_call=True)


def resume(clan: Clan, checkpoint: Path) -> None:
    """Resume a clan from a checkpoint of Trainer, before the first round.

    Raises:
        CheckpointError: The checkpoint has no clan in it.
    """
    if not (checkpoint / FOLDER).is_dir():
        raise CheckpointError(
            f"{checkpoint} has no clan to resume: it was written without ClanCallback, with "
            "save_only_model=True, at the end of a run, or while the process was killed. Resume "
            "from an earlier checkpoint, or begin a new run with its weights: "
            f"from_pretrained({str(checkpoint)!r})"
        )
    clan.resume(checkpoint / FOLDER)
