"""The traits of settings: the kind and the domain that a gene of a known setting gets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from clantune_core.alleles import ContinuousAllele, FloatAllele, LogFloatAllele, LogitFloatAllele

__all__ = ["Trait", "trait_at"]

_OPTIMIZER, _GROUPS = "optimizer/", "/param_groups/"
_MODEL = "model/"


@attrs.frozen
class Trait:
    """What the genes of one setting have in common: the kind, the rules for the domain, a flag.

    Attributes:
        kind: Kind of the allele.
        low: Lower end of the domain, unless a present value is smaller.
        high: Upper end of the domain, unless a present value is larger.
        reach: Largest factor between a present value and an end of the domain.
        evolves: Whether the gene mutates and crossbreeds.
        is_strict: Whether values outside `low` and `high` are invalid. Then the domain of a gene
            with several paths keeps all of them inside.
    """

    kind: type[ContinuousAllele]
    low: float
    high: float
    reach: float = math.inf
    evolves: bool = True
    is_strict: bool = False

    def fitting(self, values: Iterable[float]) -> list[float]:
        """Return the values that the kind can hold: no 0 on a logarithmic scale, for example."""
        lowest, highest = self.kind.widest
        return [value for value in values if lowest <= value <= highest]

    def allele(self, values: Iterable[float]) -> ContinuousAllele | None:
        """Return an allele with the first value that fits, or None if no value does.

        Args:
            values: Present values at the paths of one gene.
        """
        found = self.fitting(values)
        if not found:
            return None
        domain = self._domain(found)
        return self.kind(
            found[0],
            self._inside(found, *domain) if self.is_strict and len({*found}) > 1 else domain,
            can_mutate=self.evolves,
            can_crossbreed=self.evolves,
        )

    def _domain(self, values: list[float]) -> tuple[float, float]:
        """Return a domain that includes all values."""
        smallest, largest = min(values), max(values)
        low, high = self.low, self.high
        if math.isfinite(self.reach):
            low, high = max(low, smallest / self.reach), min(high, largest * self.reach)
        return min(low, smallest), max(high, largest)

    def _inside(self, values: list[float], low: float, high: float) -> tuple[float, float]:
        """Return a domain of the first value in which the others, at fixed offsets, stay inside."""
        widest = self.kind(values[0])
        first = widest.latent
        shifts = [widest.to_latent(value) - first for value in values]
        least = widest.from_latent(widest.to_latent(low) - min(shifts))
        most = widest.from_latent(widest.to_latent(high) - max(shifts))
        return min(least, values[0]), max(most, values[0])


_SMALLEST, _LARGEST = LogFloatAllele.widest
_AVERAGING = Trait(LogitFloatAllele, 0.1, 0.9999, evolves=False)
_SCALE = Trait(LogFloatAllele, _SMALLEST, _LARGEST, reach=1000.0, evolves=False)
_DROPOUT = Trait(LogitFloatAllele, 0.001, 0.95)

# The settings of all optimizers, so each name has one meaning.
_OF_OPTIMIZERS: Mapping[str, Trait] = MappingProxyType(
    {
        "lr": attrs.evolve(_SCALE, evolves=True),
        "weight_decay": Trait(LogFloatAllele, _SMALLEST, 10.0, reach=1000.0),
        "betas": _AVERAGING,
        "momentum": _AVERAGING,
        "alpha": _AVERAGING,
        "rho": _AVERAGING,
        "eps": _SCALE,
        "lr_decay": _SCALE,
        "momentum_decay": _SCALE,
        "lambd": _SCALE,
        "t0": _SCALE,
        "step_sizes": _SCALE,
        "etas/0": Trait(LogitFloatAllele, 0.1, 0.99),  # the factor of a step that was too long
        "etas/1": Trait(LogFloatAllele, 1.01, 2.0, is_strict=True),  # of one that was not
        "beta2_decay": Trait(FloatAllele, -1.0, -0.5, evolves=False, is_strict=True),
        "d": Trait(LogFloatAllele, 1.0, 10.0, evolves=False, is_strict=True),
    }
)
_OF_MODULES: Mapping[str, Trait] = MappingProxyType(
    {
        "p": _DROPOUT,
        "dropout": _DROPOUT,
        "label_smoothing": Trait(LogitFloatAllele, 0.001, 0.5),
    }
)


def trait_at(path: str) -> Trait | None:
    """Return the trait of the setting at a path of a gene, or None for an unknown setting.

    Presets and genes that are added by name both ask here, so they bind a setting alike.

    Args:
        path: A path such as `"optimizer/param_groups/0/betas/1"` or `"model/dropout/p"`.
    """
    if path.startswith(_OPTIMIZER) and _GROUPS in path:  # one of several has a name between both
        setting = path.partition(_GROUPS)[2].partition("/")[2]
        # Each entry of a tuple has the trait of the tuple, unless it has one of its own.
        return _OF_OPTIMIZERS.get(setting) or _OF_OPTIMIZERS.get(setting.partition("/")[0])
    if path.startswith(_MODEL):
        return _OF_MODULES.get(path.rpartition("/")[2])
    return None
