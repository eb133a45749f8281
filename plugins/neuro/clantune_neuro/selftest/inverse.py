"""Steps that keep the norm of rows can be inverted, and many of them keep it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs
import torch
from torch import Tensor, nn

from clantune_neuro.gates import Gate, Report, at_most, none_of
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.replay.inverse import invert, sign_bit
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.selftest.chains import STRENGTHS

SIZES = (3, 16, 128)
"""Lengths of the vectors that are inverted, each in a third of the trials."""

TOLERANCE = 1e-6
LOOKS = 100
"""How often the norms are looked at."""


@attrs.frozen
class Inverted:
    """Steps with noise of some lengths, inverted.

    Attributes:
        lengths: The limits of the length of the noise.
        trials: Number of steps.
        bits: Number of steps whose bit is set.
        error: Largest error of a component, with the bits.
        wrong: Number of steps that are not recovered without their bits.
    """

    lengths: tuple[float, float]
    trials: int
    bits: int
    error: float
    wrong: int


def measure(
    *, trials: int, genes: int, seed: int = 0, progress: Callable[[int, int], None]
) -> Report:
    """Invert random steps, and look at the norms of rows while genes of `norm` change them.

    Args:
        trials: Steps with noise up to the length 1, and as many with longer noise.
        genes: Genes of `norm`.
        seed: Seed of everything that is drawn.
        progress: Is told how many genes are done, and of how many.
    """
    generator = torch.Generator().manual_seed(seed)
    short = _inverted((0.0, 1.0), trials, generator)
    long = _inverted((1.0, 4.0), trials, generator)
    gates: list[Gate] = [
        none_of("bits set for noise up to 1", short.bits),
        at_most("error without a bit, noise up to 1", short.error, TOLERANCE),
        at_most("error with its bit, longer noise", long.error, TOLERANCE),
        at_most(f"change of norms after {genes:,} genes", _drift(genes, seed, progress), TOLERANCE),
    ]
    return Report(
        f"The inverse of {trials:,} steps, and norms of rows during {genes:,} genes",
        [
            ("length of the noise", "trials", "bits set", "largest error", "wrong without bit"),
            *(
                (f"{each.lengths[0]:g} to {each.lengths[1]:g}", *attrs.astuple(each)[1:])
                for each in (short, long)
            ),
        ],
        gates,
        {"seed": seed, "lengths of vectors": ", ".join(map(str, SIZES))},
        "a step that keeps the norm can be inverted, and norms do not drift",
    )


def _inverted(lengths: tuple[float, float], trials: int, generator: torch.Generator) -> Inverted:
    bits, error, wrong = 0, 0.0, 0
    counts = [len(range(place, trials, len(SIZES))) for place in range(len(SIZES))]
    for size, count in zip(SIZES, counts, strict=True):
        before, noise, after = _steps(count, size, lengths, generator)
        bit = sign_bit(before, noise)
        bits += int(bit.sum())
        error = max([error, *_errors(invert(after, noise, bit), before).tolist()])
        wrong += int((_errors(invert(after, noise), before) > TOLERANCE).sum())
    return Inverted(lengths, trials, bits, error, wrong)


def _steps(
    count: int, size: int, lengths: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Return unit vectors, noise, and the directions of their sums, in float64."""
    low, high = lengths
    before = _directions(count, size, generator)
    drawn = torch.rand(count, 1, generator=generator, dtype=torch.float64)
    noise = _directions(count, size, generator) * (low + (high - low) * drawn)
    return before, noise, nn.functional.normalize(before + noise, dim=1, eps=0.0)


def _directions(count: int, size: int, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(count, size, generator=generator, dtype=torch.float64)
    return nn.functional.normalize(drawn, dim=1)


def _errors(found: Tensor, wanted: Tensor) -> Tensor:
    return (found - wanted).abs().amax(1)


def _drift(genes: int, seed: int, progress: Callable[[int, int], None]) -> float:
    """Return the largest relative change of a row's norm."""
    blueprint = Blueprint.of(nn.Sequential(nn.Linear(64, 32), nn.Linear(32, 8)))
    nursery, rng = Nursery(blueprint), Random(seed)
    number, inner = blueprint.number_of("norm"), blueprint.number_of("normal")
    lineage = Lineage.born(rng.getrandbits(64))
    first = _norms(nursery, lineage)
    largest = 0.0
    for done in range(1, genes + 1):
        strength = rng.randrange(*STRENGTHS)
        lineage = lineage.append(Gene(number, inner, strength, rng.getrandbits(64)))
        if done % max(1, genes // LOOKS) == 0 or done == genes:
            now = _norms(nursery, lineage)
            largest = max(largest, float((now / first - 1).abs().max()))
            progress(done, genes)
    return largest


def _norms(nursery: Nursery, lineage: Lineage) -> Tensor:
    """Return the norms of the rows of all matrices."""
    weights = nursery.weights(lineage).values()
    return torch.cat([each.to(torch.float64).norm(dim=1) for each in weights if each.dim() > 1])
