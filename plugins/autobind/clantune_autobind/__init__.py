"""Presets for ClanTune: genes for the settings of optimizers and models."""

from clantune_autobind.accumulation import batch_size, gradient_accumulation
from clantune_autobind.augmentation import augmentation
from clantune_autobind.clipping import gradient_clipping
from clantune_autobind.dropout import dropout
from clantune_autobind.label_smoothing import label_smoothing
from clantune_autobind.optimizer_preset import OptimizerPreset
from clantune_autobind.optimizers import (
    adadelta,
    adafactor,
    adagrad,
    adam,
    adamax,
    adamw,
    asgd,
    muon,
    nadam,
    radam,
    rmsprop,
    rprop,
    schedule_free,
    sgd,
)
from clantune_autobind.tensor_dropout import TensorDropout

__all__ = [
    "OptimizerPreset",
    "TensorDropout",
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "augmentation",
    "batch_size",
    "dropout",
    "gradient_accumulation",
    "gradient_clipping",
    "label_smoothing",
    "muon",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "schedule_free",
    "sgd",
]
