"""Evaluation of the children of one parent, which share what does not change.

A child of an outer product per matrix, of one tensor or of one row differs from its parent in few
numbers. The parent's activations are computed once, and each child adds its own part to them. A
score may differ from that of the form `loop` in the last bits, because sums are rounded in another
order.

Each parent takes a pass of its own. For parents of a handful of children, one pass for all members
of the population is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from clantune_neuro.evaluation.batched import judged, task_of_points
from clantune_neuro.evaluation.changes import Child
from clantune_neuro.evaluation.chunks import Halving, ignore, in_chunks
from clantune_neuro.evaluation.loop import Weights
from clantune_neuro.evaluation.patterns import Pattern, Patterns
from clantune_neuro.evaluation.shared_layers import with_shared_layers
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.score import Score


def shared_parent(
    module: nn.Module,
    parent: Weights,
    children: Iterable[Child | Callable[[], Child]],
    task: Task,
    context: TaskContext,
    *,
    chunk: int = 64,
    report: Callable[[Halving], None] = ignore,
) -> list[Score]:
    """Return the score of each child.

    Args:
        module: The module that the weights belong to.
        parent: The parent's weights.
        children: How each child differs, or functions that say so when their chunk is evaluated.
        task: A task of points. Other tasks need the form `loop`.
        context: The generation and the seed of the run.
        chunk: Children per pass. It belongs to the run, not to the machine.
        report: Is told of each chunk that does not fit into memory and is halved.

    Raises:
        EvaluationError: The task is not a `PointsTask`, a change names an unknown tensor, or one
            child does not fit into memory.
    """
    points_task = task_of_points(task, "shared")
    points = points_task.points(context)
    patterns = Patterns(module)
    modules: dict[frozenset[str], nn.Module] = {}

    def of_pattern(pattern: Pattern, members: list[Child]) -> list[Score]:
        if pattern.layers not in modules:
            modules[pattern.layers] = with_shared_layers(module, pattern.layers)
        tensors, own = pattern.shared(parent), pattern.tensors(parent, members)
        dimensions = dict.fromkeys(tensors) | dict.fromkeys(own, 0)
        return judged(modules[pattern.layers], tensors | own, dimensions, points_task, points)

    def evaluate(chunk_children: list[Child | Callable[[], Child]]) -> list[Score]:
        members = [child() if callable(child) else child for child in chunk_children]
        groups: dict[Pattern, list[int]] = {}
        for number, child in enumerate(members):
            groups.setdefault(patterns.of(child, parent), []).append(number)
        scores: dict[int, Score] = {}
        for pattern, numbers in groups.items():
            found = of_pattern(pattern, [members[number] for number in numbers])
            scores.update(zip(numbers, found, strict=True))
        return [scores[number] for number in range(len(members))]

    with torch.inference_mode():
        return in_chunks(children, chunk, evaluate, report)
