"""The time of one gene, beside that of torch's own noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from clantune_neuro.benchmark.networks import blueprint_of
from clantune_neuro.benchmark.turns import in_turns, one_thread
from clantune_neuro.gates import Report, at_most
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.noise.sources import TorchSource
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.replay.state import State

STRENGTH = -361  # 0.02
RIVAL = "torch.randn"


def measure(
    *, weights: int, repeats: int, seed: int = 7, progress: Callable[[int, int], None]
) -> Report:
    """Time one gene of each operator, in turns with `torch.randn` of the same size.

    Args:
        weights: Number of weights of the network.
        repeats: Turns of the operator `normal` and of `torch.randn`; the others have a third.
        seed: Seed of the birth and of the rival's generator.
        progress: Is told how much is done, and of how much.
    """
    blueprint = blueprint_of(weights)
    state = Nursery(blueprint, cap=0).state(Lineage.born(seed))
    twin = state.copy()
    twin.source = TorchSource(torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    names = [name for name in blueprint.operator_names if name != "normal"]
    others = {name: _call(blueprint, name, state.copy()) for name in names}
    others["normal, by torch"] = _call(blueprint, "normal", twin)
    pair: dict[str, Callable[[], object]] = {
        RIVAL: partial(torch.randn, weights, generator=generator),
        "normal": _call(blueprint, "normal", state.copy()),
    }
    with one_thread():
        times = in_turns(pair, repeats)
        progress(1, 2)
        times |= in_turns(others, (repeats + 2) // 3)
        progress(2, 2)
    normal, rival = times["normal"], times[RIVAL]
    return Report(
        f"One gene of {weights:,} weights, in milliseconds of one processor",
        [
            ("operator", "shortest", "median"),
            *((name, found.shortest, found.median) for name, found in times.items()),
        ],
        [
            at_most("normal / torch.randn, shortest", normal.shortest / rival.shortest, 1.0),
            at_most("normal / torch.randn, medians", normal.median / rival.median, 1.0),
        ],
        {
            "seed": seed,
            "turns": repeats,
            "milliseconds": {name: list(found.all) for name, found in times.items()},
        },
        "a gene takes at most the time of torch.randn",
    )


def _call(blueprint: Blueprint, name: str, state: State) -> Callable[[], object]:
    number = blueprint.number_of(name)
    argument = blueprint.number_of("normal") if name == "norm" else 0
    gene = Gene(number, argument, STRENGTH, 5)
    return partial(blueprint.operator(number).apply, state, gene, blueprint)
