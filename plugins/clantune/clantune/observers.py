"""What a clan does, in other tools: `from clantune.observers import TensorBoard`."""

from clantune_clan.observers import (
    JsonLines,
    MetricsObserver,
    MLflow,
    TensorBoard,
    WeightsAndBiases,
)

__all__ = ["JsonLines", "MLflow", "MetricsObserver", "TensorBoard", "WeightsAndBiases"]
