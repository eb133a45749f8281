"""Tasks: what a network is scored on. A task of your own derives from `Task`."""

from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.datasets import Dataset, digits, sanity
from clantune_neuro.tasks.gym import Gym
from clantune_neuro.tasks.idx import read_idx_folder
from clantune_neuro.tasks.intrinsic import INTRINSICS
from clantune_neuro.tasks.labelled import Labelled
from clantune_neuro.tasks.losses import LOSSES, Loss
from clantune_neuro.tasks.memorise import Memorise
from clantune_neuro.tasks.points import Points, PointsTask
from clantune_neuro.tasks.sampled import Sampled

__all__ = [
    "INTRINSICS",
    "LOSSES",
    "Dataset",
    "Gym",
    "Labelled",
    "Loss",
    "Memorise",
    "Points",
    "PointsTask",
    "Sampled",
    "Task",
    "TaskContext",
    "digits",
    "read_idx_folder",
    "sanity",
]
