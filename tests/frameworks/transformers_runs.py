"""Trainings of a tiny model by Trainer, with a clan and without, which torchrun starts.

Each run is a function of a folder that returns JSON data on every rank; rank 0 writes what all
ranks have returned. `python transformers_runs.py FOLDER NAME...` runs those of the given names.
"""

import json
import os
import signal
import sys
import traceback
from pathlib import Path

import torch
import torch.distributed as dist
from torch.utils.data import Dataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from clantune.transformers import ClanCallback

torch.set_num_threads(1)

ROUND = {"round_length": 8, "duty_cycle": 0.5}


class Words(Dataset):
    """Sequences of words, of which the first says the class."""

    def __init__(self, count, seed):
        drawn = torch.Generator().manual_seed(seed)
        self.words = torch.randint(0, 32, (count, 6), generator=drawn)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, place):
        words = self.words[place]
        return {"input_ids": words, "labels": int(words[0] > 15)}


def tiny_model(dropout=0.0):
    torch.manual_seed(0)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=32,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=8,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            attn_implementation="eager",
        )
    )


class Recorder(TrainerCallback):
    """Records the gradients of each step of the optimizer."""

    def __init__(self, model):
        self.model, self.gradients = model, []

    def on_pre_optimizer_step(self, *_, **__):
        parts = [p.grad.double().sum().item() for p in self.model.parameters()]
        self.gradients.append(parts)


class Kill(TrainerCallback):
    """Kills the process after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def trainer_for(folder, clan=None, callbacks=(), dropout=0.0, samples=96, **settings):
    """Return a Trainer, with a clan if its options are given, and its model's recorder."""
    model = tiny_model(dropout)
    recorder = Recorder(model)
    keywords = ("compute_metrics", "optimizers", "eval_dataset", "train_dataset")
    given = {name: settings.pop(name) for name in keywords if name in settings}
    arguments = {
        "output_dir": str(folder),
        "use_cpu": True,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        "max_steps": 24,
    }
    mine = [] if clan is None else [clan if isinstance(clan, ClanCallback) else ClanCallback(**clan)]
    trainer = Trainer(
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


def losses_of(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def weights_of(model):
    return [p.detach().double().sum().item() for p in model.parameters()]


# ---- The runs ----


def phases(folder):
    """Cooperate and compete in turn."""
    trainer, recorder, callback = trainer_for(folder, clan=ROUND)
    trainer.train()
    clan = callback.clan
    return {
        "modes": [clan.settings.schedule.mode_at(step) for step in range(24)],
        "gradients": recorder.gradients,
        "weights": weights_of(trainer.model),
        "history": [(each.round, each.member) for each in clan.history],
        "log": trainer.state.log_history,
        "description": clan.describe(),
    }


RUNS = {name: value for name, value in globals().items() if callable(value)}


def main():
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    for name in names:
        try:
            answer = RUNS[name](folder / name)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers = [None] * dist.get_world_size()
        dist.all_gather_object(answers, answer)
        if dist.get_rank() == 0:
            (folder / f"{name}.json").write_text(json.dumps(answers))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
