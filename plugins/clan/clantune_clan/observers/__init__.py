"""Observers that write what a clan does to the tools that people look at."""

from clantune_clan.observers.json_lines import JsonLines
from clantune_clan.observers.metrics import MetricsObserver, metrics_of
from clantune_clan.observers.mlflow import MLflow
from clantune_clan.observers.tensorboard import TensorBoard
from clantune_clan.observers.wandb import WeightsAndBiases

__all__ = [
    "JsonLines",
    "MLflow",
    "MetricsObserver",
    "TensorBoard",
    "WeightsAndBiases",
    "metrics_of",
]
