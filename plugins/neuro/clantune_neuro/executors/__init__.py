"""Executors: where the chunks of a generation are scored. The results do not depend on it."""

from clantune_neuro.executors.choose import executor_of
from clantune_neuro.executors.futures import Futures
from clantune_neuro.executors.interface import Executor, Serial
from clantune_neuro.executors.ranks import Ranks

__all__ = ["Executor", "Futures", "Ranks", "Serial", "executor_of"]
