"""Models, data, callbacks and Trainers of the runs of transformers_runs.py."""

import os
import signal

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, IterableDataset
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from clantune import clan_loader
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
