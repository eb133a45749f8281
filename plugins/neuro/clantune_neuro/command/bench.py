"""`clantune neuro bench WHAT`: how long it takes and how much memory it needs."""

from __future__ import annotations

import argparse

from clantune_neuro.command.measuring import (
    Measurement,
    Option,
    add_measurements,
    run_measurement,
)
from clantune_neuro.command.options import positive, whole

SUMMARY = "Measure times and memory on this machine, beside their limits"

_KNOWN = {
    "noise": Measurement(
        "clantune_neuro.benchmark.noise",
        "one gene of each operator, beside torch.randn",
        (
            Option("weights", 605_184, "weights of the network"),
            Option("repeats", 31, "turns of each of the two"),
            Option("seed", 7, "seed of the birth and of torch.randn", whole),
        ),
    ),
    "chain": Measurement(
        "clantune_neuro.benchmark.chain",
        "a child of a short and of a long lineage, and a replay without a cache",
        (
            Option("weights", 605_184, "weights of the network"),
            Option("generations", 1_000, "genes of the lineage"),
            Option("cap", 32 * 2**20, "bytes of weights that are kept"),
            Option("seed", 1, "seed of the genes", whole),
        ),
    ),
    "evaluate": Measurement(
        "clantune_neuro.benchmark.evaluate",
        "evaluation of a population in every form, and a generation beside EvoTorch's",
        (
            Option("population", 256, "members"),
            Option("inputs", 784, "values per point"),
            Option("hidden", 128, "width of the hidden layer"),
            Option("batches", (32, 500), "numbers of points"),
            Option("repeats", 7, "turns of each form"),
            Option("seed", 0, "seed of points, births and genes", whole),
        ),
    ),
    "population": Measurement(
        "clantune_neuro.benchmark.population",
        "the memory of a generation whose weights do not fit at once",
        (
            Option("members", 1_000, "members of the generation"),
            Option("weights", 4_051_968, "weights of each network"),
            Option("parents", 20, "parents, whose weights are kept"),
            Option("points", 2, "points that each member answers"),
            Option("limit_gb", 4.0, "limit of resident memory, in units of 10^9 bytes", positive),
            Option("seed", 0, "seed of points, births and genes", whole),
        ),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_measurements(parser, _KNOWN)


def run(arguments: argparse.Namespace) -> int:
    """Run a benchmark, and return 0 if every gate holds."""
    return run_measurement(arguments, _KNOWN)
