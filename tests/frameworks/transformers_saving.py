"""Runs that save, evaluate, stop early, and load."""

from pathlib import Path
from unittest import mock

from transformers import EarlyStoppingCallback
from transformers.trainer_pt_utils import EvalLoopContainer
from transformers_callbacks import BestAtSave, Stop
from transformers_parts import Words, accuracy, weights_of
from transformers_trainings import ROUND, run, summary, trainer_for


def evaluating(folder):
    """Evaluate and save within rounds, and load the best checkpoint at the end."""
    trainer, recorder, callback = trainer_for(
        folder,
        clan={"judge": "eval_accuracy", "mode": "max", **ROUND},
        compute_metrics=accuracy,
        eval_strategy="steps",
        eval_steps=5,
        save_strategy="steps",
        save_steps=5,
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
        max_steps=20,
    )
    at_save = BestAtSave(callback)
    trainer.add_callback(at_save)
    trainer.train()
    checkpoints = sorted(each.name for each in folder.iterdir())
    of_best = type(trainer.model).from_pretrained(trainer.state.best_model_checkpoint)
    return {
        **summary(trainer, recorder),
        "checkpoints": checkpoints,
        "best": Path(trainer.state.best_model_checkpoint).name,
        "best weights": weights_of(of_best),
        "of the clan": at_save.weights,
        "metrics": [each.metric for each in callback.clan.history],
    }


def evaluating_in_parts(folder):
    """Move the predictions of every second batch to the CPU."""
    moved = []

    class Moved(EvalLoopContainer):
        def to_cpu_and_numpy(self):
            if self.tensors is not None:
                moved.append(len(self.tensors))
            super().to_cpu_and_numpy()

    with mock.patch("clantune_frameworks.transformers.predictions.EvalLoopContainer", Moved):
        answer = run(
            folder,
            clan={"judge": "eval_accuracy", "mode": "max", **ROUND},
            compute_metrics=accuracy,
            eval_dataset=Words(40, seed=2),
            eval_accumulation_steps=2,
            per_device_eval_batch_size=8,
            max_steps=8,
        )
    return {**answer, "moved": sorted({*moved})}


def saving(folder):
    """Save in the middle and at the end of a run; the weights are the clan's best."""
    trainer, recorder, callback = trainer_for(
        folder, clan=ROUND, save_strategy="steps", save_steps=10, max_steps=16
    )
    at_save = BestAtSave(callback)
    trainer.add_callback(at_save)
    trainer.train()
    saved = {
        step: weights_of(type(trainer.model).from_pretrained(folder / f"checkpoint-{step}"))
        for step in (10, 16)
    }
    return {**summary(trainer, recorder), "saved": saved, "of the clan": at_save.weights}


def stopping(folder):
    """Stop early, in the middle of a round."""
    return run(
        folder,
        clan=ROUND,
        callbacks=[EarlyStoppingCallback(1, early_stopping_threshold=100.0)],
        eval_strategy="steps",
        eval_steps=6,
        save_strategy="steps",
        save_steps=6,
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
    )


def stopped(folder):
    """Stop in the middle of the second round, with the best weights of the first one."""
    return run(folder, clan=ROUND, callbacks=[Stop(12)])


def stopped_at_once(folder):
    """Stop before any weights were judged, while members compete."""
    return run(folder, clan=ROUND, callbacks=[Stop(6)])
