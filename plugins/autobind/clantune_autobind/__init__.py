"""Presets for ClanTune: genes for the settings of optimizers and models."""

from clantune_autobind.accumulation import gradient_accumulation
from clantune_autobind.dropout import dropout
from clantune_autobind.optimizers import adamw, sgd
from clantune_autobind.tensor_dropout import TensorDropout

__all__ = ["TensorDropout", "adamw", "dropout", "gradient_accumulation", "sgd"]
