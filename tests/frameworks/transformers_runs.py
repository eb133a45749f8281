"""Trainings of a tiny model by Trainer, with a clan and without, on real ranks.

Each run is a function of a folder that returns JSON data on every rank; rank 0 writes what all
ranks have returned. `torchrun transformers_runs.py FOLDER NAME...` runs those of the given names;
with plain `python` the file forks the ranks itself, which imports everything once.
"""

import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
import transformers_refusals
from forked import fork_ranks
from transformers import EarlyStoppingCallback
from transformers_parts import (
    LONG_ROUND_EXACT,
    ROUND,
    ROUND_EXACT,
    BagOfWords,
    BestAtSave,
    GivenBatches,
    Kill,
    StepWeights,
    Stop,
    Stream,
    WithScaler,
    Words,
    accuracy,
    losses_of,
    modes_of,
    run,
    summary,
    tiny_model,
    trainer_for,
    weights_of,
)

from clantune import ClanTuneError

# ---- Runs of one start ----


def phases(folder):
    """Cooperate and compete in turn."""
    trainer, recorder, callback = trainer_for(folder, clan=ROUND, weight_decay=0.1)
    trainer.train()
    return {
        **summary(trainer, recorder),
        "modes": modes_of(callback.clan, 24),
        "history": [(each.round, each.member) for each in callback.clan.history],
        "log": trainer.state.log_history,
        "description": callback.clan.describe(),
    }


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


def bfloat16(folder):
    return run(folder, clan=ROUND, bf16=True, max_steps=16)


def scaled(folder):
    """Scale the loss by so much at first that the optimizer skips steps."""
    trainer, recorder, callback = trainer_for(
        folder, clan=ROUND, kind=WithScaler, max_grad_norm=0.0, max_steps=24
    )
    trainer.train()
    return {
        **summary(trainer, recorder),
        "modes": modes_of(callback.clan, 24),
        "scale": trainer.accelerator.scaler.get_scale(),
    }


def compiled(folder):
    """Compile a model that is none of Transformers."""
    torch.manual_seed(0)
    return run(
        folder,
        clan=ROUND,
        model=BagOfWords(),
        torch_compile=True,
        torch_compile_backend="eager",
        save_strategy="steps",
        save_steps=10,
        max_steps=16,
    )


def twice(folder):
    """Train twice with one Trainer, by a function of the model."""
    words = Words(16, seed=3)
    ids, labels = words.words, (words.words[:, 0] > 15).long()

    def judge(model):
        return model(input_ids=ids, labels=labels).loss

    trainer, recorder, callback = trainer_for(
        folder, clan={"judge": judge, **ROUND}, eval_dataset=None, max_steps=8
    )
    trainer.train()
    first = callback.clan
    trainer.train()
    assert callback.clan is not first
    return summary(trainer, recorder)


def unknown_metric(folder):
    return run(
        folder,
        clan={"judge": "eval_accuracy", "round_length": 4},
        compute_metrics=lambda _: {"f1": 0.5},
        max_steps=8,
    )


# ---- Runs that are stopped, and resumed in another start ----

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


# ---- Ranks ----


def run_all(folder, names):
    """Run what the names say, one after the other, as a rank that a launcher has started."""
    for name in names:
        try:
            function = globals().get(name) or getattr(transformers_refusals, name)
            answer = function(folder / name)
        except ClanTuneError as error:
            answer = {"error": str(error)}
        answers = [None] * dist.get_world_size()
        dist.all_gather_object(answers, answer)
        if dist.get_rank() == 0:
            (folder / f"{name}.json").write_text(json.dumps(answers))
    dist.destroy_process_group()


if __name__ == "__main__":
    arguments = Path(sys.argv[1]), sys.argv[2:]
    if "RANK" in os.environ:
        run_all(*arguments)
    else:
        fork_ranks(4, run_all, *arguments)
