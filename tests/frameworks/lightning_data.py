"""Sources of training data in Lightning that work with a clan."""

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from lightning_described import feature, run
from lightning_task import Classifier, a_clan, train_set, valid_set
from torch.utils.data import DataLoader, IterableDataset, WeightedRandomSampler


@feature("`LightningDataModule`")
def _(folder):
    class Data(LightningDataModule):
        def train_dataloader(self):
            return DataLoader(train_set, batch_size=8, shuffle=True)

        def val_dataloader(self):
            return DataLoader(valid_set, batch_size=24)

    return run(folder, data=(Data(),))


@feature("`overfit_batches`")
def _(folder):
    return run(folder, overfit_batches=2, max_epochs=2)


@feature("`reload_dataloaders_every_n_epochs`")
def _(folder):
    class Reloaded(Classifier):
        epochs = ()

        def train_dataloader(self):
            self.epochs = (*self.epochs, self.current_epoch)
            return super().train_dataloader()

    module = Reloaded()
    answer = run(folder, module=module, reload_dataloaders_every_n_epochs=1, max_epochs=2)
    return {**answer, "reloaded": module.epochs}


class Stream(IterableDataset):
    def __iter__(self):
        rank = torch.distributed.get_rank()
        return (train_set[i] for i in range(rank, 48 + rank))


@feature("`IterableDataset`")
def _(folder):
    return run(folder, data=(DataLoader(Stream(), batch_size=8),), max_steps=6)


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
