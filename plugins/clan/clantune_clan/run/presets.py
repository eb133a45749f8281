"""The presets of a run: which ones bind genes, and that no two of them bind the same."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from torch import nn, optim
from torch.optim import Optimizer

from clantune_clan.errors import ClanError
from clantune_clan.run.console import LOGGER
from clantune_core import AbstractAllele, Genome, Preset, load_preset
from clantune_core.contracts import Expressed

_PICKED = ", picked by 'auto'"

_UNSUPPORTED: Mapping[type[Optimizer], str] = {
    optim.LBFGS: (
        "its step calls a closure several times, and other times on each rank, so members could "
        "not average their gradients"
    ),
    optim.SparseAdam: (
        "it needs sparse gradients, which members cannot average; make the embedding with "
        "sparse=False and use Adam"
    ),
}


@attrs.frozen
class Bound:
    """The genes that presets have bound.

    Attributes:
        genome: Genome with these genes.
        presets: The presets as text, such as `"adamw(per_group=True)"`, in order; for `"auto"` the
            one that was picked.
    """

    genome: Genome
    presets: tuple[str, ...]


def bind(
    genome: Genome,
    presets: str | Iterable[str | Preset],
    model: nn.Module,
    optimizer: Optimizer,
) -> Bound:
    """Add the genes of presets to a genome.

    Args:
        genome: Genome so far.
        presets: Presets by name, with or without options, or as functions; or a single name.
            `"auto"` is the preset that fits the optimizer.
        model: Model of the run.
        optimizer: Optimizer of the run.

    Raises:
        ClanError: The optimizer is unsupported, a preset does not return alleles, or two presets
            bind the same gene or path.
        PluginError: A preset is not installed, or no preset fits the optimizer.
    """
    _refuse_unsupported(optimizer)
    names: list[str] = []
    owners: dict[str, str] = {}
    for given in [presets] if isinstance(presets, str) else presets:
        preset = load_preset(given, optimizer) if isinstance(given, str) else given
        name = _text(preset)
        alleles = _alleles(name, preset(model, optimizer))
        claims = _claims(alleles)
        _refuse_conflict(owners, name, claims)
        owners |= dict.fromkeys(claims, name)
        for gene, allele in alleles.items():
            genome = genome.add_hyperparameter(gene, allele)
        names.append(name + _PICKED if _is_auto(given) else name)
    return Bound(genome, tuple(names))


def log_picked(presets: Iterable[str]) -> None:
    """Log each preset that was picked for the optimizer."""
    for preset in presets:
        if preset.endswith(_PICKED):
            LOGGER.info("preset: %s", preset)


def _refuse_unsupported(optimizer: Optimizer) -> None:
    for kind, why in _UNSUPPORTED.items():
        if isinstance(optimizer, kind):
            raise ClanError(f"a clan cannot train with {kind.__name__}: {why}")


def _alleles(name: str, found: Any) -> Mapping[str, AbstractAllele]:
    if isinstance(found, Mapping):
        return found
    raise ClanError(
        f"the preset {name} returned {found!r}, and not a mapping of gene names to alleles: is a "
        "return missing?"
    )


def _claims(alleles: Mapping[str, AbstractAllele]) -> list[str]:
    """Return the paths that genes are written to, and the genes themselves, as text."""
    genes = {name: Expressed.of(name, allele) for name, allele in alleles.items()}
    paths = [repr(path) for gene in genes.values() if gene.is_patchable for path in gene.path]
    return [*paths, *(f"the gene {name!r}" for name in genes)]


def _refuse_conflict(owners: Mapping[str, str], preset: str, claims: Sequence[str]) -> None:
    for claim in claims:
        if claim in owners:
            raise ClanError(
                f"the presets {owners[claim]} and {preset} both bind {claim}: leave one of them "
                "out, or exclude the gene from a preset for optimizers, as in "
                "\"adamw(exclude=('lr',))\""
            )


def _is_auto(given: str | Preset) -> bool:
    return isinstance(given, str) and given.partition("(")[0].strip() == "auto"


def _text(preset: Preset) -> str:
    """Return a preset as text, with its options."""
    if not isinstance(preset, functools.partial):
        return str(getattr(preset, "__name__", repr(preset)))
    options = [
        *map(repr, preset.args),
        *(f"{key}={each!r}" for key, each in preset.keywords.items()),
    ]
    return f"{_text(preset.func)}({', '.join(options)})"
