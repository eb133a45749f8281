"""Evaluation of one population in every form: one by one, by vmap, and shared with the parent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

import attrs

from clantune_neuro.benchmark.turns import Times, in_turns
from clantune_neuro.evaluation.batched import batched
from clantune_neuro.evaluation.changes import Child
from clantune_neuro.evaluation.genes import child_of
from clantune_neuro.evaluation.loop import Weights, loop
from clantune_neuro.evaluation.shared_parent import shared_parent
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.tasks.base import TaskContext
from clantune_neuro.tasks.memorise import Memorise
from clantune_neuro.tasks.score import Score

STRENGTH = -361  # 0.02


@attrs.frozen(eq=False)
class Litter:
    """Children of one parent, by genes of rank 1, whose weights are made.

    Attributes:
        parent: The weights of the parent.
        changes: How each child differs.
        weights: The weights of each child.
    """

    parent: Weights
    changes: list[Child]
    weights: list[Weights]


def litter(network: LinearPolicy, children: int, seed: int) -> Litter:
    """Return children of one parent."""
    blueprint, rng = Blueprint.of(network), Random(seed)
    nursery = Nursery(blueprint)
    parent = Lineage.born(rng.getrandbits(64))
    number = blueprint.number_of("rank-1")
    lineages = [
        parent.append(Gene(number, 0, STRENGTH, rng.getrandbits(64))) for _ in range(children)
    ]
    return Litter(
        nursery.weights(parent),
        [child_of(nursery, parent, lineage) for lineage in lineages],
        [nursery.weights(lineage) for lineage in lineages],
    )


def task(network: LinearPolicy, points: int, seed: int) -> Memorise:
    """Return a task of random points that fit a network."""
    return Memorise(
        points,
        inputs=(network.hidden.in_features,),
        classes=network.out.out_features,
        batch=points,
        loss="wrong",
        seed=seed,
    )


def times(network: LinearPolicy, family: Litter, given: Memorise, repeats: int) -> dict[str, Times]:
    """Return the times of evaluating the children in each form, in chunks of the usual size.

    The weights are made already.
    """
    context = TaskContext()
    given.points(context)  # drawn once

    forms: dict[str, Callable[[], list[Score]]] = {
        "loop": partial(loop, network, family.weights, given, context),
        "vmap": partial(batched, network, family.weights, given, context),
        "shared": partial(shared_parent, network, family.parent, family.changes, given, context),
    }
    return in_turns(forms, repeats)
