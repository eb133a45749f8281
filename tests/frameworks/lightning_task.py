"""A small task for Lightning, and a callback of a clan that trains on it."""

import warnings

import attrs
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from clantune_core import Ancestry
from clantune_core.strategies import AbstractCrossbreedingStrategy
from clantune_frameworks.lightning import ClanCallback

RANKS = 4

torch.set_num_threads(1)
warnings.filterwarnings("ignore", ".*does not have many workers.*")

generator = torch.Generator().manual_seed(0)
features = torch.randn(256, 4, generator=generator)
classes = (features[:, 0] + features[:, 1] * features[:, 2] > 0).long()
train_set = TensorDataset(features[:192], classes[:192])
valid_set = TensorDataset(features[192:], classes[192:])


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


class Classifier(LightningModule):
    """A classifier of the task: 6 batches of 8 samples in an epoch, on each of 4 ranks."""

    def __init__(self, dropout=0.0, lr=0.01):
        super().__init__()
        torch.manual_seed(0)
        layers = nn.Linear(4, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2)
        self.net, self.lr = nn.Sequential(*layers), lr

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr, weight_decay=0.01)

    def training_step(self, batch, batch_idx):
        inputs, targets = batch
        return cross_entropy(self.net(inputs), targets)

    def validation_step(self, batch, batch_idx):
        inputs, targets = batch
        self.log("val_loss", cross_entropy(self.net(inputs), targets), sync_dist=True)

    def train_dataloader(self):
        return DataLoader(train_set, batch_size=8, shuffle=True)

    def val_dataloader(self):
        return DataLoader(valid_set, batch_size=24)


class Witness(Callback):
    """Notes what each step of a run sees."""

    def __init__(self, clan_callback=None):
        self.clan_callback = clan_callback
        self.batches, self.weights, self.rates, self.global_steps = [], [], [], []
        self.gradients, self.losses, self.norms, self.validations = [], [], [], 0

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.batches.append(batch)
        self.weights.append(weights_of(module))
        self.rates.append(rates_of(trainer))
        self.global_steps.append(trainer.global_step)

    def on_before_optimizer_step(self, trainer, module, optimizer):
        mode = None if self.clan_callback is None else self.clan_callback.member.mode
        self.gradients.append([mode, norm_of_gradients(module)])

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))
        self.norms.append(norm_of_gradients(module))

    def on_validation_end(self, trainer, module):
        self.validations += 1


def norm_of_gradients(module):
    """Return the norm of all gradients of a module, which differs if a bit of them differs."""
    gradients = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return float(torch.cat(gradients).double().norm())


def rates_of(trainer):
    """Return the learning rate of each param group of a trainer."""
    return [group["lr"] for each in trainer.optimizers for group in each.param_groups]


def weights_of(module):
    """Return all weights of a module as a list of numbers."""
    return torch.cat([p.detach().flatten() for p in module.parameters()]).tolist()


def trainer_of(folder, *callbacks, **options):
    """Return a Trainer on 4 ranks that is quiet and writes nothing, if not told otherwise."""
    quiet = {
        "logger": False,
        "enable_checkpointing": any("Checkpoint" in type(c).__name__ for c in callbacks),
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    defaults = {
        "num_sanity_val_steps": 0,
        "accelerator": "cpu",
        "strategy": "ddp",
        "devices": RANKS,
        "max_epochs": 2,
    }
    return Trainer(
        callbacks=[*callbacks], default_root_dir=folder, **{**quiet, **defaults, **options}
    )


def a_clan(**options):
    """Return the callback of a clan with short rounds of both phases."""
    defaults = {"judge": "val_loss", "round_length": 4, "duty_cycle": 0.5}
    return ClanCallback(**{**defaults, **options})
