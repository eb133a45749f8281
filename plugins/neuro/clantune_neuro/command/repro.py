"""`clantune neuro repro CLAIM`: do the claims of the notes hold?"""

from __future__ import annotations

import argparse

from clantune_neuro.command.measuring import (
    Measurement,
    Option,
    add_measurements,
    run_measurement,
)
from clantune_neuro.command.options import positive, whole

SUMMARY = "Reproduce the claims of the notes on neuroevolution, beside their gates"


def _common(seeds: int, quick: str) -> tuple[Option, ...]:
    return (
        Option("seeds", seeds, "number of runs of each kind"),
        Option("first_seed", 0, "the first of their seeds", whole),
        Option("quick", False, f"take a smaller form, to see that it works: {quick}"),
    )


_KNOWN = {
    "till-death": Measurement(
        "clantune_neuro.repro.till_death",
        "duplication of rows solves the loss till_death; the notes' addition does not",
        (
            *_common(20, "4 points, 8 rows"),
            Option("blind", False, "draw both rows at random, without any trace"),
            Option("loss", "till_death", "the loss", str, ("till_death", "argmax")),
            Option("points", 64, "points to memorise, a multiple of 32"),
            Option("heads", 128, "rows of the bank"),
        ),
    ),
    "heads": Measurement(
        "clantune_neuro.repro.heads",
        "norms grow by addition to one row, on the argmax loss, and `norm` keeps them",
        (
            *_common(1, "4 points, 8 rows, 12 generations"),
            Option("generations", 1_500, "generations of each run"),
        ),
    ),
    "dense": Measurement(
        "clantune_neuro.repro.dense",
        "a plain dense network solves the loss till_death, too",
        (
            *_common(5, "4 points, 32 units, 12 generations at most"),
            Option("trace", False, "use the most active unit at the first wrong answer"),
            Option("points", 64, "points to memorise, a multiple of 32"),
            Option("hidden", 256, "hidden units"),
            Option("threshold", 2.5, "minus the bias of a hidden unit", positive),
            Option("generations", 12_000, "the generation at which a run ends unsolved"),
        ),
    ),
    "nograd": Measurement(
        "clantune_neuro.repro.nograd",
        "eight parents go on where a single one halts, on the argmax loss",
        (
            *_common(5, "a small network, 10 generations"),
            Option("generations", 500, "generations of each run"),
        ),
    ),
    "sigma-parents": Measurement(
        "clantune_neuro.repro.sigma_parents",
        "the strength 0.02 is best, and fewer parents converge faster",
        (
            *_common(5, "a small network, 2 generations"),
            Option("generations", 200, "generations of each run"),
            Option("children", 128, "children with which numbers of parents are compared"),
        ),
    ),
    "adam": Measurement(
        "clantune_neuro.repro.adam",
        "Adam learns the random pictures in about 100 epochs",
        (
            *_common(5, "a small network, few points, 60 epochs"),
            Option("epochs", 250, "the epoch that must reach the goal"),
            Option(
                "rates", (1e-3, 2e-3, 3e-3), "learning rates, of which the best counts", positive
            ),
        ),
    ),
    "digits": Measurement(
        "clantune_neuro.repro.digits",
        "averages of all parents learn handwritten digits",
        (
            *_common(5, "32 children, 40 generations"),
            Option("generations", 200, "generations of each run"),
            Option("operator", "rank-1", "operator of new genes", str, ("rank-1", "normal")),
        ),
    ),
    "cartpole": Measurement(
        "clantune_neuro.repro.cartpole",
        "CartPole-v1 is solved within a few generations",
        (
            *_common(5, "10 generations of 16 members, a goal of 50"),
            Option("generations", 40, "the generation that must reach the goal"),
            Option("episodes", 50, "held-out episodes"),
        ),
    ),
    "frostbite": Measurement(
        "clantune_neuro.repro.frostbite",
        "Frostbite is learned, slowly",
        (
            *_common(1, "1 generation of 1 child, 1 episode"),
            Option("generations", 10, "generations of each run"),
            Option("episodes", 3, "held-out episodes of the best member"),
        ),
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_measurements(parser, _KNOWN)


def run(arguments: argparse.Namespace) -> int:
    """Reproduce a claim, and return 0 if every gate holds."""
    return run_measurement(arguments, _KNOWN)
