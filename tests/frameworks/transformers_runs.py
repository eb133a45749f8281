"""Trainings of a tiny model by Trainer, with a clan and without, on real ranks.

Each run is a function of a folder that returns JSON data on every rank; rank 0 writes what all
ranks have returned. `torchrun transformers_runs.py FOLDER NAME...` runs those of the given names;
with plain `python` the file forks the ranks itself, which imports everything once.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from forked import fork_ranks
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, IterableDataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from clantune import ClanTuneError, clan_loader
from clantune.transformers import ClanCallback
from clantune_frameworks.epochs import Epochs
from clantune_frameworks.transformers.data import ClanBatches, ClanDataLoader

torch.set_num_threads(1)

ROUND = {"round_length": 8, "duty_cycle": 0.5}
ROUND_EXACT = {**ROUND, "reduction": "exact"}
LONG_ROUND_EXACT = {**ROUND_EXACT, "round_length": 24}


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


class BagOfWords(nn.Module):
    """A model that is none of Transformers, and compiles fast."""

    def __init__(self):
        super().__init__()
        self.words, self.classes = nn.EmbeddingBag(32, 8), nn.Linear(8, 2)

    def forward(self, input_ids, labels):
        logits = self.classes(self.words(input_ids))
        return {"loss": cross_entropy(logits, labels), "logits": logits}


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


class Stop(TrainerCallback):
    """Stops the run after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop |= state.global_step == self.step


class FailOnRank(TrainerCallback):
    """Raises an error on one rank."""

    def __init__(self, rank, step):
        self.rank, self.step = rank, step

    def on_step_end(self, args, state, control, **_):
        if (dist.get_rank(), state.global_step) == (self.rank, self.step):
            raise ValueError("no luck")


class StepWeights(TrainerCallback):
    """Records the weights after each step of the optimizer, before the clan ends a round."""

    def __init__(self):
        self.weights = []

    def on_optimizer_step(self, args, state, control, model, **_):
        self.weights.append(torch.nn.utils.parameters_to_vector(model.parameters()).clone())


class BestAtSave(TrainerCallback):
    """Records the clan's best weights at each checkpoint."""

    def __init__(self, callback):
        self.callback, self.weights = callback, {}

    def on_save(self, args, state, control, **_):
        self.weights[state.global_step] = weights_of(self.callback.clan.best())


class GivenBatches(Trainer):
    """A Trainer without a clan, with the batches that a clan would have."""

    def get_train_dataloader(self):
        loader = clan_loader(
            self.train_dataset,
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,
            round_length=6,
            duty_cycle=0.0,
            seed=self.args.seed,
        )
        return ClanDataLoader(ClanBatches(Epochs(loader, len(loader)), len(self.train_dataset)))


class WithScaler(Trainer):
    """A Trainer that scales the loss, as one with fp16=True on a GPU does."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.accelerator.scaler = torch.amp.GradScaler(
            "cpu", init_scale=2.0**120, backoff_factor=2.0**-40
        )


class WithDeepSpeed(Trainer):
    """A Trainer that believes that DeepSpeed is installed and configured."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.is_deepspeed_enabled = True


class WithShards(Trainer):
    """A Trainer that believes that its model was loaded in shards."""

    def _validate_args(self):
        super()._validate_args()
        self.is_distributed_loading_by_transformers = True


class WithTwoDevices(Trainer):
    """A Trainer that believes that its process has two GPUs."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.args._n_gpu = 2


class Stream(IterableDataset):
    """Words without a length."""

    def __iter__(self):
        return iter(Words(96, seed=1)[place] for place in range(96))


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


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


def losses_of(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def modes_of(clan, batches):
    return [clan.settings.schedule.mode_at(step) for step in range(batches)]


def summary(trainer, recorder):
    state = trainer.state
    return {
        "step": state.global_step,
        "epoch": state.epoch,
        "losses": losses_of(trainer),
        "weights": weights_of(trainer.model),
        "gradients": recorder.gradients,
    }


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


def weights_of(model):
    return [p.detach().double().sum().item() for p in model.parameters()]


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


# ---- What is refused, and a rank that fails ----


def late_callback(folder):
    trainer, _, _ = trainer_for(folder)
    trainer.add_callback(ClanCallback())
    trainer.train()


def no_evaluation_set(folder):
    return run(folder, clan=ROUND, eval_dataset=None)


def unknown_loss(folder):
    return run(folder, clan={"judge": "eval_accuracy", **ROUND})


def batch_metrics(folder):
    def metrics(_, compute_result):
        return {}

    return run(
        folder,
        clan={"judge": "eval_f1", **ROUND},
        compute_metrics=metrics,
        batch_eval_metrics=True,
    )


def plateau(folder):
    return run(
        folder,
        clan=ROUND,
        lr_scheduler_type="reduce_lr_on_plateau",
        eval_strategy="steps",
        metric_for_best_model="eval_loss",
    )


def fsdp(folder):
    return run(folder, clan=ROUND, fsdp="full_shard")


def sharded(folder):
    return run(folder, clan=ROUND, kind=WithShards)


def deepspeed(folder):
    return run(folder, clan=ROUND, kind=WithDeepSpeed)


def data_parallel(folder):
    return run(folder, clan=ROUND, kind=WithTwoDevices)


def hyperparameter_search(folder):
    trainer, _, _ = trainer_for(folder, clan=ROUND)
    trainer.hp_search_backend = "optuna"  # as in Trainer.hyperparameter_search
    trainer.train()


def batch_size_search(folder):
    return run(folder, clan=ROUND, auto_find_batch_size=True)


def split_batches(folder):
    return run(folder, clan=ROUND, accelerator_config={"split_batches": True})


def divided_stream(folder):
    return run(
        folder,
        clan=ROUND,
        train_dataset=Stream(),
        accelerator_config={"dispatch_batches": False},
    )


def grouped(folder):
    return run(folder, clan=ROUND, train_sampling_strategy="group_by_length")


def a_length(folder):
    return run(folder, clan={"total_steps": 100})


def a_typo(folder):
    return run(folder, clan={"round_lenght": 100})


def no_rank_fails_alone(folder):
    """Raise an error on one rank, which the script does not catch."""
    trainer, _, _ = trainer_for(folder, clan=ROUND, callbacks=[FailOnRank(1, step=3)])
    trainer.train()


def run_all(folder, names):
    """Run what the names say, one after the other, as a rank that a launcher has started."""
    for name in names:
        try:
            answer = globals()[name](folder / name)
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
