"""The Lightning module of a clan, filled in: Lightning starts the ranks, each writes a report."""

import json
import sys
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from torch.utils.data import TensorDataset

from clantune import Clan

torch.set_num_threads(1)

generator = torch.Generator().manual_seed(0)
features = torch.randn(512, 4, generator=generator)
classes = (features[:, 0] > 0).long()


class MyModel(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


class ClanLightningModule(LightningModule):
    def __init__(self):
        super().__init__()
        self.model = MyModel()
        self.steps = []

    def configure_optimizers(self):
        optimizer = AdamW(self.model.parameters(), lr=0.01, weight_decay=0.01)
        self.clan = Clan(
            model=self.model,
            optimizer=optimizer,
            autobind=["adamw"],
            round_length=8,
            duty_cycle=0.5,
        )
        self.member = self.clan.round()
        return optimizer

    def train_dataloader(self):
        return self.clan.loader(TensorDataset(features, classes), batch_size=8)

    def training_step(self, batch, batch_idx):
        x, y = batch
        return cross_entropy(self.model(x), y)

    def backward(self, loss, *args, **kwargs):
        # Override backward hook to wrap with clan sync
        with self.member.sync_context():
            super().backward(loss, *args, **kwargs)
        gradients = [parameter.grad.flatten().tolist() for parameter in self.model.parameters()]
        self.steps.append((self.member.mode, gradients))

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.member.step()

        if self.member.done:
            self.clan.step(lambda model: cross_entropy(model(features), classes))
            self.member = self.clan.round()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    module = ClanLightningModule()
    trainer = Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_steps=24,
        use_distributed_sampler=False,  # the loader of the clan deals the data out
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module)
    history = [(record.round, record.member) for record in module.clan.history]
    answer = {"steps": module.steps, "history": history}
    (folder / f"rank{trainer.global_rank}.json").write_text(json.dumps(answer))
