"""The tasks and networks that the command knows by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import attrs
from torch import nn

from clantune_core import Evolution, from_json
from clantune_neuro.command.texts import absolute, made
from clantune_neuro.errors import NeuroError
from clantune_neuro.networks import ConvPolicy, Heads, LinearPolicy, MultiConv
from clantune_neuro.run.directory import require_run
from clantune_neuro.run.settings import Settings
from clantune_neuro.tasks import Gym, Labelled, Memorise, Task, digits, read_idx_folder


@attrs.frozen
class Named:
    """A task that the command knows.

    Attributes:
        make: Makes the task from its options.
        network: The network that it is scored with by default.
        recipe: The recipe by default.
    """

    make: Callable[..., Task]
    network: str
    recipe: str


def _digits(**options: object) -> Task:
    return Labelled(digits(), **options)  # type: ignore[arg-type]


def _mnist(folder: str = "", **options: object) -> Task:
    if not folder:
        raise NeuroError("the task 'mnist' needs the folder of your files: --mnist DIR")
    return Labelled(read_idx_folder(folder), **options)  # type: ignore[arg-type]


TASKS: Mapping[str, Named] = MappingProxyType(
    {
        "memorise": Named(Memorise, "heads", "duplicate"),
        "digits": Named(_digits, "linear,bias=true", "average"),
        "mnist": Named(_mnist, "linear,bias=true", "average"),
        "gym": Named(Gym, "linear", "asexual"),
        "cartpole": Named(partial(Gym, "CartPole-v1"), "linear", "asexual"),
        "frostbite": Named(partial(Gym, "ALE/Frostbite-v5"), "conv", "asexual"),
        "breakout": Named(partial(Gym, "ALE/Breakout-v5"), "conv", "asexual"),
    }
)


def task_named(text: str) -> Task:
    """Return the task that a text names, such as `memorise,points=64`.

    Raises:
        NeuroError: There is none, or it does not take these options.
    """
    makers = {name: named.make for name, named in TASKS.items()}
    return made(text, Task, "task", makers)  # type: ignore[type-abstract]


def network_named(text: str, task: Task) -> nn.Module:
    """Return the network that a text names, such as `linear,hidden=64`, as wide as a task needs.

    Raises:
        NeuroError: There is none, it does not take these options, or it does not suit the task.
    """
    makers: dict[str, Callable[..., nn.Module]] = {
        "heads": partial(_heads, task),
        "linear": partial(_linear, task),
        "conv": partial(_conv, task, ConvPolicy),
        "multi-conv": partial(_conv, task, MultiConv),
    }
    return made(text, nn.Module, "network", makers)


def _heads(task: Task, rows: int = 128, features: int | None = None) -> nn.Module:
    inputs, classes = _sizes(task)
    wide = math.prod(inputs)
    return Heads(rows, features=features or wide, classes=classes, inputs=wide)


def _linear(task: Task, hidden: int = 128, *, bias: bool = False) -> nn.Module:
    inputs, classes = _sizes(task)
    return LinearPolicy(math.prod(inputs), hidden=hidden, classes=classes, bias=bias)


def _conv(task: Task, kind: Callable[..., nn.Module], **options: object) -> nn.Module:
    inputs, classes = _sizes(task)
    if len(inputs) != 3:
        raise NeuroError(
            f"convolutions need points of channels, height and width; those of "
            f"{type(task).__name__} have the shape {inputs}; take the network 'linear'"
        )
    return kind(inputs, classes=classes, **options)


def _sizes(task: Task) -> tuple[tuple[int, ...], int]:
    """Return the shape of a point, and the number of logits."""
    if task.sizes is not None:
        return task.sizes
    raise NeuroError(
        f"the width of a network for {type(task).__name__} is not known; name a network of your "
        "own: --network FILE.py:NAME"
    )


@attrs.frozen
class Described:
    """What a run evolves and on what, as texts and as objects.

    Attributes:
        texts: The texts by what they name, from which `described` makes the same again.
        task: What networks are scored on.
        network: What evolves.
        recipe: Name of the usual recipe of the task; None if none is known.
    """

    texts: Mapping[str, str]
    task: Task
    network: nn.Module
    recipe: str | None


def described(task: str, network: str | None = None, mnist: str | None = None) -> Described:
    """Return what texts of the command line name. The network is by default that of the task.

    Args:
        task: Text of the task.
        network: Text of the network.
        mnist: Folder of the IDX files of the task `mnist`.

    Raises:
        NeuroError: Something does not exist, or cannot be used.
    """
    name = task.partition(",")[0]
    if mnist and name != "mnist":
        raise NeuroError(f"--mnist is for the task 'mnist'; the task is {task!r}")
    if mnist:
        task = f"{task},folder={Path(mnist).resolve()}"
    usual = TASKS.get(name)
    made_task = task_named(task)
    network = network or (usual.network if usual else None)
    if network is None:
        raise NeuroError(f"no network is known for the task {task!r}; give --network FILE.py:NAME")
    return Described(
        {"task": absolute(task), "network": absolute(network)},
        made_task,
        network_named(network, made_task),
        usual.recipe if usual else None,
    )


def described_in(directory: str) -> Described:
    """Return what the run of a directory was begun with on the command line.

    Raises:
        NeuroError: The directory has no run, or one that was not begun on the command line.
    """
    require_run(Path(directory))
    texts = Settings.read(Path(directory)).command
    if "task" not in texts:
        raise NeuroError(
            f"{directory} is a run of a program of yours, which knows its network and task; use "
            "Evolve.resume, clantune_neuro.run.reading and clantune_neuro.run.verify there"
        )
    return described(**texts)


def rules_in(file: str | None) -> Evolution | None:
    """Return the strategies in a file, as a document of an `Evolution` in JSON; None of None.

    Raises:
        NeuroError: The file cannot be read.
        DataError: It is not such a document.
    """
    if file is None:
        return None
    try:
        return from_json(Path(file).read_text("utf-8"), Evolution)
    except (OSError, UnicodeDecodeError) as error:
        raise NeuroError(f"the strategies in {file!r} cannot be read: {error}") from error
