"""The Lightning module of the specification as it stands there, with model and data filled in."""

from lightning.pytorch import LightningModule
from lightning_task import features, train_set, valid_set
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW
from torch.utils.data import DataLoader

from clantune import Clan


class MyModel(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(features.shape[1], 8), nn.ReLU(), nn.Linear(8, 2))


# fmt: off
class ClanLightningModule(LightningModule):
    def __init__(self):
        super().__init__()
        self.model = MyModel()
        self.clan = Clan(
            model=self.model,
            optimizer=self.configure_optimizers(),
            autobind=["adamw"]
        )
        self.member = self.clan.round()

    def backward(self, loss, *args, **kwargs):
        # Override backward hook to wrap with clan sync
        with self.member.sync_context():
            super().backward(loss, *args, **kwargs)

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.member.step()

        if self.member.done:
            # Trigger validation and selection
            val_loss = self.trainer.validate(self)[0]['val_loss']
            self.clan.step(val_loss)
            self.member = self.clan.round()

    # fmt: on
    # ---- Filled in ----

    def configure_optimizers(self):
        return AdamW(self.model.parameters(), lr=0.01)

    def training_step(self, batch, batch_idx):
        inputs, targets = batch
        return cross_entropy(self.model(inputs), targets)

    def validation_step(self, batch, batch_idx):
        inputs, targets = batch
        self.log("val_loss", cross_entropy(self.model(inputs), targets))

    def train_dataloader(self):
        return DataLoader(train_set, batch_size=8, shuffle=True)

    def val_dataloader(self):
        return DataLoader(valid_set, batch_size=24)
