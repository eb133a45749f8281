"""Noise on the latent line, with a size that can adapt along with the gene."""

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
    Draws,
    LogFloatAllele,
    LogitFloatAllele,
)
from clantune_strategies.checks import number_field, strategy_error, subset_field

_to_normal = NormalDist().inv_cdf  # one draw from the stream each; `Random.gauss` draws in pairs
_SMALLEST = 2.0**-54
"""Replaces a draw of 0, for which the inverse is minus infinity."""


class _Noise(AbstractMutationStrategy):
    """Adds noise to continuous alleles, and adapts parameters of the noise in their metadata.

    An adapted parameter is an allele in the metadata of its gene. It mutates before the gene that
    reads it, by a factor exp(t N + t' N') with N common to all genes, as in evolution strategies.
    """

    tag: ClassVar[str]
    """Prefix of the keys in metadata."""

    chance: float
    learns: tuple[str, ...]

    @property
    @abc.abstractmethod
    def size(self) -> float:
        """Size of the noise without adaptation, in units of the latent line."""

    @abc.abstractmethod
    def _draw(self, rng: Random) -> float:
        """Return noise of size 1."""

    def __attrs_post_init__(self) -> None:
        if "size" in self.learns and not self.size:
            raise strategy_error(
                type(self).__name__,
                "a size of 0 cannot adapt, because it is changed by factors; give a size above 0, "
                'or leave "size" out of learns',
            )

    def handle_setup(self, allele: AbstractAllele, context: Context) -> AbstractAllele:
        """Add the adapted parameters to the metadata of a gene."""
        if not self.learns or not isinstance(allele, ContinuousAllele):
            return allele
        genes = {f"{self.tag}/genes": max(1, len(context.genes))}
        adapted: dict[str, AbstractAllele] = {}
        if "size" in self.learns:
            domain = (self.size * 1e-4, self.size * 1e4)
            adapted[f"{self.tag}/size"] = LogFloatAllele(self.size, domain, metadata=genes)
        if "chance" in self.learns:
            chance = min(max(self.chance, 0.01), 0.99)
            adapted[f"{self.tag}/chance"] = LogitFloatAllele(chance, (0.01, 0.99), metadata=genes)
        return allele.with_metadata(adapted)

    def handle_mutating(self, allele: AbstractAllele, rng: Random, draw: Draws) -> AbstractAllele:
        """Add noise to a gene, or adapt a parameter."""
        if not isinstance(allele, ContinuousAllele):
            return allele
        chance, size, metadata = self.chance, self.size, allele.metadata
        if metadata:
            if f"{self.tag}/genes" in metadata:
                return self._adapt(allele, metadata[f"{self.tag}/genes"], rng, draw)
            chance = metadata.get(f"{self.tag}/chance", chance)
            size = metadata.get(f"{self.tag}/size", size)
        if chance < 1.0 and rng.random() >= chance:
            return allele
        return allele.with_latent(allele.latent + size * self._draw(rng))

    def _adapt(
        self, allele: ContinuousAllele, genes: int, rng: Random, draw: Draws
    ) -> ContinuousAllele:
        common = _to_normal(draw(f"{self.tag}/common") or _SMALLEST)
        own = _to_normal(rng.random() or _SMALLEST)
        step = common / math.sqrt(2.0 * genes) + own / math.sqrt(2.0 * math.sqrt(genes))
        return allele.with_latent(allele.latent + step)


@attrs.frozen
class Gaussian(_Noise):
    """Adds normal noise on the latent line, such as ln lr or the logit of a momentum.

    Use it as the default choice. With `learns=("size",)` the std of each gene is an allele of its
    own, which adapts; this needs a selection and some tens of generations.

    Attributes:
        std: Standard deviation in units of the latent line, 0 or more; 0.1 is 10 % of an lr.
        chance: Probability that an allele mutates, 0 to 1.
        learns: Parameters that adapt for each gene: `"size"` (the std), `"chance"`, or both.
    """

    tag: ClassVar[str] = "gaussian"

    std: float = number_field(0.1)
    chance: float = number_field(1.0, 0.0, 1.0)
    learns: tuple[str, ...] = subset_field("size", "chance")

    @property
    def size(self) -> float:
        """The std."""
        return self.std

    def _draw(self, rng: Random) -> float:
        return _to_normal(rng.random() or _SMALLEST)


@attrs.frozen
class Cauchy(_Noise):
    """Adds Cauchy noise on the latent line: mostly small steps, and rarely a very long one.

    Use it to leave a local optimum that Gaussian noise would not leave. The noise has no variance.

    Attributes:
        scale: Median length of a step in units of the latent line, 0 or more.
        chance: Probability that an allele mutates, 0 to 1.
        learns: Parameters that adapt for each gene: `"size"` (the scale), `"chance"`, or both.
    """

    tag: ClassVar[str] = "cauchy"

    scale: float = number_field(0.1)
    chance: float = number_field(1.0, 0.0, 1.0)
    learns: tuple[str, ...] = subset_field("size", "chance")

    @property
    def size(self) -> float:
        """The scale."""
        return self.scale

    def _draw(self, rng: Random) -> float:
        return math.tan(math.pi * (rng.random() - 0.5))
