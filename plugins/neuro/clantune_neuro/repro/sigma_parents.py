"""The claims that the strength 0.02 is best, and that fewer parents converge faster."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_neuro.gates import Report
from clantune_neuro.repro.curves import (
    Curves,
    by_evaluation,
    by_generation,
    curves,
    interval_at,
    plain,
)
from clantune_neuro.repro.runs import Progress, num_evaluations, seeds_from, shown_seeds
from clantune_neuro.repro.schemes import SMALL, Scheme, Size

STRENGTHS = (0.08, 0.04, 0.02, 0.01, 0.005, 0.002)
PARENTS = (2, 8, 64)
STRENGTH = 0.02
"""The strength with which numbers of parents are compared."""

SINGLE = (1, 16)
"""Parents and children with which strengths are compared."""


def measure(
    *,
    seeds: int,
    first_seed: int,
    quick: bool,
    generations: int,
    children: int,
    progress: Progress,
) -> Report:
    """Evolve a network of convolutions on the cross-entropy, with strengths and with parents.

    Args:
        seeds: Number of runs of each scheme.
        first_seed: The first of their seeds.
        quick: Take a small network, 32 points and 2 generations instead.
        generations: Generations of each run.
        children: Number of children with which numbers of parents are compared, above 64.
        progress: Is told how much is done, and of how much.
    """
    size, last = (SMALL, 2) if quick else (Size(), generations)
    numbers = seeds_from(first_seed, seeds)
    strengths = [Scheme(*SINGLE, strength) for strength in STRENGTHS]
    parents = [Scheme(number, children, STRENGTH) for number in PARENTS]
    found = curves(
        [*strengths, *parents],
        size,
        "cross_entropy",
        seeds=numbers,
        generations=last,
        progress=progress,
    )
    return Report(
        f"Cross-entropy of {size.points} points: (parents, children) strength",
        [*by_generation(found, last), *by_evaluation(found, last)],
        (),
        {
            "seeds": shown_seeds(numbers),
            "evaluations": sum(num_evaluations(outcomes) for outcomes in found.values()),
            "strengths, best first": _ordered(found, strengths, last),
            "parents, best first": _ordered(found, parents, last),
            "curves": plain(found),
        },
        "the strength 0.02 is the best of six, and 2 parents converge faster than 8, which "
        "converge faster than 64",
    )


def _ordered(found: Curves, schemes: Sequence[Scheme], generation: int) -> str:
    """Return schemes with their mean loss, best first."""
    means = {scheme: interval_at(found[scheme], generation).mean for scheme in schemes}
    best = sorted(schemes, key=means.__getitem__)
    return ", ".join(f"{scheme}: {means[scheme]:.4g}" for scheme in best)
