"""`clantune neuro selftest WHAT`: does this machine replay what replay promises?"""

from __future__ import annotations

import argparse

from clantune_neuro.command.measuring import (
    Measurement,
    Option,
    add_measurements,
    run_measurement,
)
from clantune_neuro.command.options import whole

SUMMARY = "Check on this machine that lineages replay to the promised bits"

_SEED = Option("seed", 0, "seed of everything that is drawn", whole)

_KNOWN = {
    "lineage": Measurement(
        "clantune_neuro.selftest.lineage",
        "no cache, order, crossover or compaction changes a bit of a weight",
        (
            Option("chains", 200, "number of random lineages"),
            Option("genes", 100, "genes of each"),
            _SEED,
        ),
    ),
    "device": Measurement(
        "clantune_neuro.selftest.device",
        "the weights on every device have the committed hashes",
        (Option("weights", (605_184, 4_051_968), "numbers of weights"),),
    ),
    "independence": Measurement(
        "clantune_neuro.selftest.independence",
        "the noise of genes is uncorrelated and has the moments of its distribution",
        (
            Option("weights", 262_144, "weights of each tensor"),
            Option("genes", 4, "genes that are compared"),
            _SEED,
        ),
    ),
    "inverse": Measurement(
        "clantune_neuro.selftest.inverse",
        "steps that keep the norm can be inverted, and keep the norm",
        (
            Option("trials", 100_000, "steps that are inverted"),
            Option("genes", 10_000, "genes that keep the norm"),
            _SEED,
        ),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_measurements(parser, _KNOWN)


def run(arguments: argparse.Namespace) -> int:
    """Run a self-test, and return 0 if every gate holds."""
    return run_measurement(arguments, _KNOWN)
