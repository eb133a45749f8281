"""Runs that are stopped, and resumed by other processes."""

from transformers_callbacks import Kill, Stop
from transformers_trainings import ROUND, ROUND_EXACT, run, summary, trainer_for

LONG_ROUND_EXACT = {**ROUND_EXACT, "round_length": 24}
RESUMED = {"dropout": 0.1, "save_strategy": "steps", "save_steps": 5, "max_steps": 24}
WINDOWS = {**RESUMED, "gradient_accumulation_steps": 3, "max_steps": 16}


def whole(folder):
    return run(folder, clan=ROUND_EXACT, **RESUMED)


def whole_windows(folder):
    return run(folder, clan=LONG_ROUND_EXACT, **WINDOWS)


def stopped_windows(folder):
    return run(folder, clan=LONG_ROUND_EXACT, callbacks=[Stop(7)], **WINDOWS)


def killed(folder):
    return run(folder, clan=ROUND_EXACT, callbacks=[Kill(13)], **RESUMED)


def resumed(folder):
    return run(folder.with_name("killed"), clan=ROUND_EXACT, resume=True, **RESUMED)


def resumed_windows(folder):
    """Resume from a step in which members compete, with Trainer's other files of that step."""
    folder = folder.with_name("stopped_windows")
    return run(folder, clan=LONG_ROUND_EXACT, resume=str(folder / "checkpoint-5"), **WINDOWS)


def resumed_at_the_end(folder):
    """Resume a run that has nothing left to do, after the run `whole`."""
    trainer, recorder, _ = trainer_for(folder.with_name("whole"), clan=ROUND_EXACT, **RESUMED)
    trainer.train(resume_from_checkpoint=True)
    return summary(trainer, recorder)


def resumed_without_a_clan(folder):
    plain, _, _ = trainer_for(folder, save_strategy="steps", save_steps=2, max_steps=4)
    plain.train()
    checkpoint = str(folder / "checkpoint-2")
    return run(folder, clan=ROUND, resume=checkpoint, max_steps=8)
