"""Runs that show steps, gradients, epochs and logs of a clan in Trainer."""

import os

import torch
import wandb
from examples import script_losses
from local_trackers import found_of, trackers_in
from transformers_callbacks import FailOnRank, Logger, StepWeights
from transformers_parts import GivenBatches, Stream, tiny_model
from transformers_trainings import ROUND, losses_of, modes_of, run, summary, trainer_for


def phases(folder):
    """Cooperate and compete in turn."""
    logger = Logger()
    trainer, recorder, callback = trainer_for(
        folder, clan=ROUND, weight_decay=0.1, lr_scheduler_type="linear", callbacks=[logger]
    )
    trainer.train()
    return {
        **summary(trainer, recorder),
        "modes": modes_of(callback.clan, 24),
        "history": [(each.round, each.member) for each in callback.clan.history],
        "log": trainer.state.log_history,
        "logged": logger.logged,
        "description": callback.clan.describe(),
    }


def trackers(folder):
    """Report to three tools."""
    os.environ |= trackers_in(folder)
    tools = ["tensorboard", "wandb", "mlflow"]
    trainer, _, callback = trainer_for(folder, clan=ROUND, report_to=tools)
    trainer.train()
    wandb.finish()
    return found_of(callback.clan)


def wrapped(folder):
    """Let DistributedDataParallel average in its backward pass, in every other pass."""
    return run(
        folder,
        clan=ROUND,
        ddp_find_unused_parameters=False,
        gradient_accumulation_steps=2,
        max_steps=12,
    )


def accumulating_3(folder):
    return run(folder, clan=ROUND, gradient_accumulation_steps=3, max_steps=9)


def accumulating_4(folder):
    """Accumulate over windows that divide neither the epoch nor the round, by a scheduler given."""
    model = tiny_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)
    return run(
        folder,
        clan={"round_length": 6, "duty_cycle": 0.5},
        model=model,
        optimizers=(optimizer, scheduler),
        gradient_accumulation_steps=4,
        max_steps=8,
    )


def equal_members(folder):
    """Train equal members, and a plain Trainer with the same batches."""
    answers = {}
    for window in 1, 3:
        settings = {
            "gradient_accumulation_steps": window,
            "max_steps": 12 // window,
            "weight_decay": 0.1,
            "seed": 7,
            "ddp_find_unused_parameters": window > 1,  # if not, the wrapper averages in both
        }
        trainer, _, _ = trainer_for(
            folder, clan={"autobind": (), "duty_cycle": 0.0, "round_length": 6}, **settings
        )
        in_step = StepWeights()
        trainer.add_callback(in_step)
        trainer.train()
        plain, _, _ = trainer_for(folder, kind=GivenBatches, **settings)
        plain_in_step = StepWeights()
        plain.add_callback(plain_in_step)
        plain.train()
        ours, theirs = (torch.stack(each.weights) for each in (in_step, plain_in_step))
        answers[window] = {
            "difference": (ours - theirs).abs().max().item(),
            "moved": (theirs[0] - theirs[-1]).abs().max().item(),
            "losses": [losses_of(trainer), losses_of(plain)],
        }
    return answers


def epochs(folder):
    """Count epochs that the windows of accumulation do not divide."""
    return run(
        folder,
        clan=ROUND,
        samples=88,
        gradient_accumulation_steps=4,
        max_steps=-1,
        num_train_epochs=2,
        dataloader_num_workers=1,
    )


def stream(folder):
    """Train and evaluate on streams."""
    streams = {"train_dataset": Stream(), "eval_dataset": Stream()}
    return run(folder, clan=ROUND, max_steps=16, **streams)


def no_rank_fails_alone(folder):
    """Raise an error on one rank, which the script does not catch."""
    trainer, _, _ = trainer_for(folder, clan=ROUND, callbacks=[FailOnRank(1, step=3)])
    trainer.train()


def examples(folder):
    """Train by the scripts of the docs."""
    return script_losses("transformers", folder)
