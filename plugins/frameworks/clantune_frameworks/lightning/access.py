"""The parts of Lightning that a clan needs and that have no public name, all in one place."""
# ruff: noqa: SLF001

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.trainer.connectors.data_connector import _request_dataloader
from lightning.pytorch.trainer.states import RunningStage
from torch.utils.data import DataLoader


def training_source(trainer: Trainer) -> Any:
    """Return the object whose method `dataloader()` the training loop calls for its loader."""
    return trainer.fit_loop._data_source


def training_loaders(trainer: Trainer) -> Any:
    """Return what the training loop gets, as Lightning asks for it."""
    return _request_dataloader(trainer.fit_loop._data_source)


def validation_loaders(trainer: Trainer) -> Any:
    """Return the validation loader, or a collection of them, as the user gives it."""
    return _request_dataloader(trainer.fit_loop.epoch_loop.val_loop._data_source)


def with_sampler(trainer: Trainer, loader: DataLoader[Any]) -> Any:
    """Return a training loader with the sampler that Lightning gives it."""
    return trainer._data_connector._prepare_dataloader(
        loader, shuffle=True, mode=RunningStage.TRAINING
    )


def on_device(trainer: Trainer, batch: Any, loader_index: int) -> Any:
    """Return a batch on the device of the model, by the hooks of the user and of Lightning."""
    batch = trainer.precision_plugin.convert_input(batch)
    batch = trainer.lightning_module._on_before_batch_transfer(batch, dataloader_idx=loader_index)
    return trainer.strategy.batch_to_device(batch, dataloader_idx=loader_index)


def logging_step(trainer: Trainer) -> int:
    """Return the step at which Lightning logs its own metrics of the current batch."""
    return trainer.fit_loop.epoch_loop._batches_that_stepped


def averages_in_another_way(strategy: DDPStrategy) -> bool:
    """Return whether a strategy has a communication hook, or averages weights now and then."""
    return strategy._ddp_comm_hook is not None or strategy._model_averaging_period is not None
