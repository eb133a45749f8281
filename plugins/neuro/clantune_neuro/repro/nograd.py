"""The claim that more parents go on where a single one halts, on the argmax loss."""

from __future__ import annotations

from clantune_neuro.gates import Report
from clantune_neuro.repro.curves import (
    Curves,
    by_evaluation,
    by_generation,
    curves,
    interval_at,
    loss_at,
    plain,
)
from clantune_neuro.repro.runs import Progress, num_evaluations, seeds_from, shown_seeds
from clantune_neuro.repro.schemes import SMALL, Scheme, Size

ONE, MANY = (1, 16), (8, 32)
"""Parents and children of the two schemes."""

STRENGTHS = (0.02, 0.05)


def measure(
    *, seeds: int, first_seed: int, quick: bool, generations: int, progress: Progress
) -> Report:
    """Evolve a network of convolutions with one parent and with eight, at two strengths.

    Args:
        seeds: Number of runs of each scheme.
        first_seed: The first of their seeds.
        quick: Take a small network, 32 points and 10 generations instead.
        generations: Generations of each run.
        progress: Is told how much is done, and of how much.
    """
    size, last = (SMALL, 10) if quick else (Size(), generations)
    numbers = seeds_from(first_seed, seeds)
    schemes = [Scheme(*kind, strength) for kind in (ONE, MANY) for strength in STRENGTHS]
    found = curves(schemes, size, "wrong", seeds=numbers, generations=last, progress=progress)
    return Report(
        f"Wrong answers per 32 of {size.points} points: (parents, children) strength",
        [*by_generation(found, last), *by_evaluation(found, last)],
        (),
        {
            "seeds": shown_seeds(numbers),
            "evaluations": sum(num_evaluations(outcomes) for outcomes in found.values()),
            "by generation": _verdict(found, last, last),
            "by evaluation": _verdict(found, last, last * ONE[1] // MANY[1]),
            "curves": plain(found),
        },
        "at generation 500, (8, 32) has come to 15 wrong of 32 and (1, 16) has halted at 21",
    )


def _verdict(found: Curves, of_one: int, of_many: int) -> str:
    """Return which scheme is ahead, each at its better strength.

    Args:
        found: The runs.
        of_one: The generation of the scheme with one parent.
        of_many: The generation of the scheme with many.
    """
    one = min(
        (scheme for scheme in found if (scheme.parents, scheme.children) == ONE),
        key=lambda scheme: interval_at(found[scheme], of_one).mean,
    )
    many = min(
        (scheme for scheme in found if (scheme.parents, scheme.children) == MANY),
        key=lambda scheme: interval_at(found[scheme], of_many).mean,
    )
    pairs = [
        (loss_at(first, of_one), loss_at(second, of_many))
        for first, second in zip(found[one], found[many], strict=True)
    ]
    ahead = sum(second < first for first, second in pairs)
    behind = sum(second > first for first, second in pairs)
    return (
        f"{many} at {of_many:,} passes {one} at {of_one:,} on {ahead} of {len(pairs)} seeds and "
        f"stays behind on {behind}: {interval_at(found[many], of_many)} against "
        f"{interval_at(found[one], of_one)}"
    )
