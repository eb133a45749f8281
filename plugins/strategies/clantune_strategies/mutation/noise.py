"""Noise on the latent line, whose size can be learned along with the gene."""

from __future__ import annotations

import abc
import math
from random import Random
from statistics import NormalDist
from typing import ClassVar

import attrs

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    Context,
    ContinuousAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Once,
    StrategyError,
)
from clantune_strategies._checks import names, number

_to_normal = NormalDist().inv_cdf  # one number of the stream each, where `Random.gauss` draws pairs
_LEAST = 2.0**-54
"""Stands for 0, which the streams may give and which lies at minus infinity."""


class _Noise(AbstractMutationStrategy):
    """Adds noise to continuous alleles, and to what others learn in their metadata.

    What is learned is an allele in the metadata of the gene, and mutates before the gene that reads
    it: by a factor exp(t N + t' N'), N common to all genes, as evolution strategies have it.
    """

    tag: ClassVar[str]
    """What its alleles in metadata are called by."""

    chance: float
    learns: tuple[str, ...]

    @property
    @abc.abstractmethod
    def size(self) -> float:
        """How far it goes where nothing is learned, in units of the latent line."""

    @abc.abstractmethod
    def _draw(self, rng: Random) -> float:
        """Return noise of size 1."""

    def __attrs_post_init__(self) -> None:
        if "size" in self.learns and not self.size:
            name = type(self).__name__
            raise StrategyError(
                f"{name}: a size of 0 can never grow, so it cannot be learned", strategy=name
            )

    def handle_setup(self, allele: AbstractAllele, context: Context) -> AbstractAllele:
        """Put what is learned into the gene's metadata."""
        if not self.learns or not isinstance(allele, ContinuousAllele):
            return allele
        among = {f"{self.tag}/genes": max(1, len(context.genes))}
        made: dict[str, AbstractAllele] = {}
        if "size" in self.learns:
            domain = (self.size * 1e-4, self.size * 1e4)
            made[f"{self.tag}/size"] = LogFloatAllele(self.size, domain, metadata=among)
        if "chance" in self.learns:
            chance = min(max(self.chance, 0.01), 0.99)
            made[f"{self.tag}/chance"] = LogitFloatAllele(chance, (0.01, 0.99), metadata=among)
        return allele.with_metadata(made)

    def handle_mutating(self, allele: AbstractAllele, rng: Random, once: Once) -> AbstractAllele:
        """Add noise, or adapt what is learned."""
        if not isinstance(allele, ContinuousAllele):
            return allele
        chance, size, held = self.chance, self.size, allele.metadata
        if held:
            if f"{self.tag}/genes" in held:
                return self._adapt(allele, held[f"{self.tag}/genes"], rng, once)
            chance = held.get(f"{self.tag}/chance", chance)
            size = held.get(f"{self.tag}/size", size)
        if chance < 1.0 and rng.random() >= chance:
            return allele
        return allele.with_latent(allele.latent + size * self._draw(rng))

    def _adapt(
        self, allele: ContinuousAllele, genes: int, rng: Random, once: Once
    ) -> ContinuousAllele:
        common = _to_normal(once(f"{self.tag}/common") or _LEAST)
        own = _to_normal(rng.random() or _LEAST)
        step = common / math.sqrt(2.0 * genes) + own / math.sqrt(2.0 * math.sqrt(genes))
        return allele.with_latent(allele.latent + step)


@attrs.frozen
class Gaussian(_Noise):
    """Adds normal noise on the latent line: ln lr, logit of a momentum.

    Use it as the plain choice. `learns=("size",)` makes the std of each gene an allele of its own,
    which adapts itself; it needs a strategy that selects, and some tens of generations.

    Attributes:
        std: Standard deviation in units of the latent line, 0 or more; 0.1 is 10 % for an lr.
        chance: Probability that an allele mutates, 0 to 1.
        learns: What each gene learns for itself: `"size"` (the std), `"chance"`, or both.
    """

    tag: ClassVar[str] = "gaussian"

    std: float = number(0.1)
    chance: float = number(1.0, 0.0, 1.0)
    learns: tuple[str, ...] = names("size", "chance")

    @property
    def size(self) -> float:
        """The std."""
        return self.std

    def _draw(self, rng: Random) -> float:
        return _to_normal(rng.random() or _LEAST)


@attrs.frozen
class Cauchy(_Noise):
    """Adds Cauchy noise on the latent line: mostly small steps, now and then a very long one.

    Use it to leave a valley that Gaussian noise would not; the noise has no variance.

    Attributes:
        scale: Half of the steps are shorter than this, in units of the latent line, 0 or more.
        chance: Probability that an allele mutates, 0 to 1.
        learns: What each gene learns for itself: `"size"` (the scale), `"chance"`, or both.
    """

    tag: ClassVar[str] = "cauchy"

    scale: float = number(0.1)
    chance: float = number(1.0, 0.0, 1.0)
    learns: tuple[str, ...] = names("size", "chance")

    @property
    def size(self) -> float:
        """The scale."""
        return self.scale

    def _draw(self, rng: Random) -> float:
        return math.tan(math.pi * (rng.random() - 0.5))
