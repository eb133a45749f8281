"""Features of Lightning that work with a clan."""

import torch
import torchmetrics
from lightning.pytorch import LightningDataModule
from lightning.pytorch.callbacks import (
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
)
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.utilities import CombinedLoader
from lightning_described import feature, run
from lightning_task import (
    Classifier,
    a_clan,
    train_set,
    valid_set,
    weights_of,
)
from torch import nn
from torch.optim import SGD, lr_scheduler
from torch.utils.data import DataLoader, IterableDataset, WeightedRandomSampler


class Scheduled(Classifier):
    def __init__(self, make, **config):
        super().__init__()
        self.make, self.config = make, config

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        scheduler = {"scheduler": self.make(optimizer, self), **self.config}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}


@feature("Progress bar")
def _(folder):
    return run(folder, enable_progress_bar=True)


@feature("Loggers (`CSVLogger`)")
def _(folder):
    return run(folder, logger=CSVLogger(folder / "log"), log_every_n_steps=1)


@feature("`LearningRateMonitor`")
def _(folder):
    logger = CSVLogger(folder / "rates")
    return run(folder, LearningRateMonitor(), logger=logger, log_every_n_steps=1)


@feature("`ModelCheckpoint(monitor=...)`")
def _(folder):
    files = ModelCheckpoint(folder / "monitored", monitor="val_loss", save_last=True)
    answer = run(folder, files)
    best = Classifier.load_from_checkpoint(folder / "monitored/last.ckpt", weights_only=True)
    return {**answer, "loaded": weights_of(best)}


@feature("`ModelCheckpoint(save_weights_only=True)`")
def _(folder):
    files = ModelCheckpoint(folder / "weights", "{step}", save_weights_only=True, save_top_k=-1)
    answer = run(folder, files)
    path = folder / "weights" / f"step={answer['steps']}.ckpt"
    return {**answer, "loaded": weights_of(Classifier.load_from_checkpoint(path))}


@feature("`EarlyStopping`")
def _(folder):
    stop = EarlyStopping("val_loss", min_delta=10.0, patience=1)
    return run(folder, stop, max_epochs=5)


@feature("`max_steps`")
def _(folder):
    return run(folder, max_steps=9, max_epochs=-1)


@feature("`gradient_clip_val`")
def _(folder):
    return run(folder, gradient_clip_val=0.01)


@feature("`accumulate_grad_batches`")
def _(folder):
    return run(folder, accumulate_grad_batches=2)


@feature("`precision='bf16-mixed'`")
def _(folder):
    return run(folder, precision="bf16-mixed")


@feature("`precision='16-mixed'`, with its scaler")
def _(folder):
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    return run(folder, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])


@feature("`torch.compile(module)`")
def _(folder):
    return run(folder, module=torch.compile(Classifier(), backend="eager"), max_epochs=1)


@feature("Scheduler, stepped by batch")
def _(folder):
    module = Scheduled(lambda o, _: lr_scheduler.ExponentialLR(o, 0.9), interval="step")
    return run(folder, module=module)


@feature("Scheduler, stepped by epoch")
def _(folder):
    module = Scheduled(lambda o, _: lr_scheduler.ExponentialLR(o, 0.1), interval="epoch")
    return run(folder, module=module)


@feature("`ReduceLROnPlateau`")
def _(folder):
    def make(optimizer, _):
        return lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0)

    return run(folder, module=Scheduled(make, monitor="val_loss"))


@feature("`OneCycleLR`, with `estimated_stepping_batches`")
def _(folder):
    def make(optimizer, module):
        total = module.trainer.estimated_stepping_batches
        return lr_scheduler.OneCycleLR(optimizer, 0.1, total, cycle_momentum=False)

    return run(folder, module=Scheduled(make, interval="step"))


@feature("Validation, `val_check_interval`")
def _(folder):
    return run(folder, val_check_interval=2)


@feature("Several validation loaders")
def _(folder):
    class Several(Classifier):
        def validation_step(self, batch, batch_idx, dataloader_idx):
            super().validation_step(batch, batch_idx)

        def val_dataloader(self):
            return [super().val_dataloader(), DataLoader(train_set, batch_size=64)]

    return run(folder, module=Several(), clan=a_clan(judge="val_loss/dataloader_idx_1"))


@feature("Metrics of torchmetrics")
def _(folder):
    class Scored(Classifier):
        def __init__(self):
            super().__init__()
            self.accuracy = torchmetrics.classification.MulticlassAccuracy(2, average="micro")

        def validation_step(self, batch, batch_idx):
            self.accuracy(self.net(batch[0]), batch[1])
            self.log("accuracy", self.accuracy)

    return run(folder, module=Scored(), clan=a_clan(judge="accuracy", mode="max"))


@feature("`limit_train_batches`, `limit_val_batches`")
def _(folder):
    return run(folder, limit_train_batches=4, limit_val_batches=1)


@feature("`LightningDataModule`")
def _(folder):
    class Data(LightningDataModule):
        def train_dataloader(self):
            return DataLoader(train_set, batch_size=8, shuffle=True)

        def val_dataloader(self):
            return DataLoader(valid_set, batch_size=24)

    return run(folder, data=(Data(),))


@feature("BatchNorm")
def _(folder):
    module = Classifier()
    module.net.insert(1, nn.BatchNorm1d(8))
    return run(folder, module=module)


@feature("`find_unused_parameters=True`")
def _(folder):
    module = Classifier()
    module.unused = nn.Linear(2, 2)
    return run(folder, module=module, strategy="ddp_find_unused_parameters_true")


@feature("Manual optimization, several optimizers")
def _(folder):
    class ByHand(Classifier):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def configure_optimizers(self):
            layers = self.net[0], self.net[-1]
            return [SGD(layer.parameters(), lr=0.1, momentum=0.5) for layer in layers]

        def training_step(self, batch, batch_idx):
            for optimizer in self.optimizers():
                loss = super().training_step(batch, batch_idx)
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
            return {"loss": loss.detach()}

    return run(folder, module=ByHand())


@feature("`overfit_batches`")
def _(folder):
    return run(folder, overfit_batches=2)


@feature("`reload_dataloaders_every_n_epochs`")
def _(folder):
    return run(folder, reload_dataloaders_every_n_epochs=1)


class Stream(IterableDataset):
    def __iter__(self):
        rank = torch.distributed.get_rank()
        return (train_set[i] for i in range(rank, 48 + rank))


@feature("`IterableDataset`")
def _(folder):
    loader = DataLoader(Stream(), batch_size=8)
    return run(folder, data=(loader,), max_epochs=1, max_steps=6)


@feature("`WeightedRandomSampler`")
def _(folder):
    sampler = WeightedRandomSampler([1.0] * len(train_set), len(train_set))
    return run(folder, data=(DataLoader(train_set, batch_size=8, sampler=sampler),))


@feature("`CombinedLoader`")
def _(folder):
    class Two(Classifier):
        def training_step(self, batch, batch_idx):
            return super().training_step(batch["one"], batch_idx)

    loaders = {"one": DataLoader(train_set, batch_size=8), "two": DataLoader(valid_set)}
    loader = CombinedLoader(loaders, "min_size")
    return run(folder, module=Two(), clan=a_clan(total_steps=8), data=(loader,))


@feature("`use_distributed_sampler=False`")
def _(folder):
    return run(folder, use_distributed_sampler=False, limit_train_batches=6)
