"""Evaluation of many members in one pass, by `torch.vmap` over their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from clantune_neuro.errors import EvaluationError
from clantune_neuro.evaluation.chunks import Halving, ignore, in_chunks
from clantune_neuro.evaluation.loop import Member, buffers_of, check_names, weights_of
from clantune_neuro.networks.answer import answer_of
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.points import Points, PointsTask
from clantune_neuro.tasks.score import Score

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def batched(
    module: nn.Module,
    members: Iterable[Member],
    task: Task,
    context: TaskContext,
    *,
    chunk: int = 32,
    report: Callable[[Halving], None] = ignore,
) -> list[Score]:
    """Return the score of each member.

    Args:
        module: The module that the weights belong to.
        members: The members. Functions that make weights are called within the pass, so that a
            chunk whose weights do not fit into memory is halved.
        task: A task of points. Other tasks need the form `loop`.
        context: The generation and the seed of the run.
        chunk: Members per pass. It belongs to the run, not to the machine.
        report: Is told of each chunk that does not fit into memory and is halved.

    Raises:
        EvaluationError: The task is not a `PointsTask`, members have tensors of different names, or
            one member does not fit into memory.
    """
    points_task = task_of_points(task, "vmap")
    points = points_task.points(context)

    def evaluate(chunk_members: list[Member]) -> list[Score]:
        stacked = _stacked(chunk_members)
        return judged(module, stacked, dict.fromkeys(stacked, 0), points_task, points)

    with torch.inference_mode():
        return in_chunks(members, chunk, evaluate, report)


def _stacked(members: list[Member]) -> dict[str, Tensor]:
    """Return tensors with a dimension of members in front. One network at a time is made beside."""
    stacked: dict[str, Tensor] = {}
    for place, member in enumerate(members):
        weights = weights_of(member)
        if not place:
            stacked = {
                name: one.new_empty((len(members), *one.shape)) for name, one in weights.items()
            }
        if weights.keys() != stacked.keys():
            raise EvaluationError(
                f"members of one pass need tensors of the same names; one has {', '.join(stacked)} "
                f"and one has {', '.join(weights)}"
            )
        for name, tensor in weights.items():
            stacked[name][place] = tensor
    return stacked


def judged(
    module: nn.Module,
    weights: dict[str, Tensor],
    dimensions: dict[str, int | None],
    task: PointsTask,
    points: Points,
) -> list[Score]:
    """Return the score of each member of one pass.

    Args:
        module: The module that the weights belong to.
        weights: Tensors by name. A tensor with a dimension of members has it in front.
        dimensions: 0 for a tensor with a dimension of members, `None` for one that they share.
        task: What the members are scored on.
        points: The points of the generation.
    """
    check_names(module, weights)
    device = next(iter(weights.values())).device
    x, buffers = points.x.to(device), buffers_of(module, device, weights)

    def answer(one: dict[str, Tensor]) -> Any:
        return functional_call(module, buffers | one, (x,))

    return task.judge(answer_of(vmap(answer, in_dims=(dimensions,))(weights)), points)


def task_of_points(task: Task, form: str) -> PointsTask:
    """Return the task, if it is one of points.

    Raises:
        EvaluationError: The members of the task cannot be evaluated in one pass.
    """
    if isinstance(task, PointsTask):
        return task
    raise EvaluationError(
        f"{type(task).__name__} cannot be evaluated in the form {form!r}, because it does not say "
        "which points its networks answer; take the form 'loop', or derive it from PointsTask"
    )


def usual_form(module: nn.Module, task: Task, device: torch.device) -> str:
    """Return the name of the form that suits a module, to be decided once per run.

    On a CPU, convolutions gain nothing from one pass for many members.
    """
    convolutional = any(isinstance(part, _CONVOLUTIONS) for part in module.modules())
    slow = convolutional and device.type == "cpu"
    return "vmap" if isinstance(task, PointsTask) and not slow else "loop"
