"""The language model of `clantune demo` with Lightning: a clan of four members.

python docs/examples/lightning_clan.py
"""

import sys

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from clantune.demo.character_lm import BATCH, Writer, loss_on, optimizer_of, ramp_of, texts
from clantune.lightning import ClanCallback

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 4

torch.set_num_threads(1)
torch.manual_seed(0)
letters, (train, validation, test) = texts()


class Language(LightningModule):
    """Learns to continue a text."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = Writer(letters)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        optimizer = optimizer_of(self.writer)
        ramp = ramp_of(optimizer, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": ramp, "interval": "step"}}

    def training_step(self, batch: list[Tensor]) -> Tensor:
        inputs, targets = batch
        return cross_entropy(self.writer(inputs).flatten(0, 1), targets.flatten())

    def validation_step(self, batch: list[Tensor]) -> None:
        self.log("val_loss", self.training_step(batch), sync_dist=True)


trainer = Trainer(
    accelerator="cpu",
    strategy="ddp",
    devices=4,
    max_epochs=EPOCHS,
    gradient_clip_val=1.0,
    callbacks=[ClanCallback(judge="val_loss", strategies="cautious")],
)
module = Language()
trainer.fit(module, DataLoader(train, BATCH, shuffle=True), DataLoader(validation, 256))

if trainer.is_global_zero:
    print(f"loss on test data: {loss_on(module.writer, test.some(1024)):.4f}")
