"""Trainings of a tiny model by Trainer, and what is written down about them."""

import torch
from transformers import Trainer, TrainingArguments
from transformers_callbacks import Recorder
from transformers_parts import Words, tiny_model, weights_of

from clantune.transformers import ClanCallback

torch.set_num_threads(1)

ROUND = {"round_length": 8, "duty_cycle": 0.5}
ROUND_EXACT = {**ROUND, "reduction": "exact"}


def trainer_for(
    folder, clan=None, callbacks=(), dropout=0.0, samples=96, kind=Trainer, model=None, **settings
):
    """Return a Trainer, with a clan if its options are given, and its model's recorder."""
    model = tiny_model(dropout) if model is None else model
    recorder = Recorder(model)
    keywords = ("compute_metrics", "optimizers", "eval_dataset", "train_dataset")
    given = {name: settings.pop(name) for name in keywords if name in settings}
    arguments = {
        "output_dir": str(folder),
        "use_cpu": True,
        "per_device_train_batch_size": 4,
        "per_device_eval_batch_size": 32,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "max_steps": 24,
    }
    mine = (
        [] if clan is None else [clan if isinstance(clan, ClanCallback) else ClanCallback(**clan)]
    )
    trainer = kind(
        model=model,
        args=TrainingArguments(**{**arguments, **settings}),
        callbacks=[*mine, recorder, *callbacks],
        **{
            "train_dataset": Words(samples, seed=1),
            "eval_dataset": Words(32, seed=2),
            **given,
        },
    )
    return trainer, recorder, mine[0] if mine else None


def run(folder, clan, resume=None, **settings):
    """Train, and return a summary."""
    trainer, recorder, callback = trainer_for(folder, clan=clan, **settings)
    trainer.train(resume_from_checkpoint=resume)
    window = trainer.args.gradient_accumulation_steps
    modes = modes_of(callback.clan, trainer.state.global_step * window)
    return {
        **summary(trainer, recorder),
        "modes": modes[window - 1 :: window],
        "description": callback.clan.describe(),
    }


def summary(trainer, recorder):
    state = trainer.state
    return {
        "step": state.global_step,
        "epoch": state.epoch,
        "losses": losses_of(trainer),
        "weights": weights_of(trainer.model),
        "gradients": recorder.gradients,
    }


def losses_of(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def modes_of(clan, batches):
    return [clan.settings.schedule.mode_at(step) for step in range(batches)]
