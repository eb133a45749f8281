"""Binding of presets to one optimizer or to several, each with genes of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import attrs
from torch import nn
from torch.optim import Optimizer

from clantune_clan.errors import ClanError
from clantune_clan.member.optimizers import ALONE, ROOT, Optimizers
from clantune_clan.run.presets import Bound, bind
from clantune_core import AbstractAllele, ClanTuneError, Genome, Preset, load_preset
from clantune_core.contracts import Expressed

Presets: TypeAlias = str | Iterable[str | Preset]
Autobind: TypeAlias = Presets | Mapping[str, Presets]
"""Presets, or presets by the name of an optimizer."""


def bind_optimizers(
    genome: Genome, autobind: Autobind, model: nn.Module, optimizers: Optimizers
) -> Bound:
    """Add the genes of presets to a genome.

    A preset knows one optimizer. If there are several, its genes get the name of theirs, such as
    `"generator/lr"`, and so do their paths. Genes of the model keep their names.

    Args:
        genome: Genome so far.
        autobind: Presets, of which each binds the optimizers that it fits, or presets by optimizer.
        model: Model of the clan.
        optimizers: Optimizers of the clan.

    Raises:
        ClanError: There is no optimizer of a given name, a preset fits none, or `bind` fails.
    """
    texts: list[str] = []
    for name, presets in _by_optimizer(autobind, optimizers).items():
        found = _bind(presets, model, name, optimizers[name])
        texts += [f"{name}: {text}" if name else text for text in found.presets]
        for gene, allele in found.genome.alleles.items():
            place, placed = _placed(gene, allele, name, optimizers)
            # Each call of a preset for the model returns the same gene.
            if genome.alleles.get(place) != placed:
                genome = genome.add_hyperparameter(place, placed)
    return Bound(genome, tuple(texts))


def _bind(presets: Presets, model: nn.Module, name: str, optimizer: Optimizer) -> Bound:
    try:
        return bind(Genome(), presets, model, optimizer)
    except ClanTuneError as error:
        if name != ALONE:
            error.add_note(
                f"for the optimizer {name!r}; autobind={{{name!r}: [...], ...}} gives each "
                "optimizer presets of its own"
            )
        raise


def _by_optimizer(autobind: Autobind, optimizers: Optimizers) -> dict[str, Presets]:
    """Return the presets for each optimizer."""
    if isinstance(autobind, Mapping):
        for name in autobind:
            if name not in optimizers or ALONE in optimizers:
                known = ", ".join(map(repr, optimizers))
                there = "one without a name" if ALONE in optimizers else known
                raise ClanError(
                    f"autobind has presets for the optimizer {name!r}, and the clan has {there}: "
                    "give optimizer= by name, with the same names"
                )
        return {name: autobind.get(name, ()) for name in optimizers}
    if ALONE in optimizers:
        return {ALONE: autobind}
    presets = [autobind] if isinstance(autobind, str) else [*autobind]
    for preset in presets:
        if not any(_fits(preset, optimizer) for optimizer in optimizers.values()):
            raise ClanError(f"the preset {preset!r} fits none of the {_listed(optimizers)}")
    return {
        name: [preset for preset in presets if _fits(preset, optimizer)]
        for name, optimizer in optimizers.items()
    }


def _fits(preset: str | Preset, optimizer: Optimizer) -> bool:
    """Whether a preset is for an optimizer of this class, or says nothing about classes."""
    made = load_preset(preset, optimizer) if isinstance(preset, str) else preset
    kinds: tuple[type, ...] = getattr(getattr(made, "func", made), "optimizers", ())
    return not kinds or isinstance(optimizer, kinds)


def _placed(
    gene: str, allele: AbstractAllele, name: str, optimizers: Optimizers
) -> tuple[str, AbstractAllele]:
    """Return the name of a preset's gene and its allele, at the paths of an optimizer."""
    if name == ALONE:
        return gene, allele
    expressed = Expressed.of(gene, allele)
    start, begin = f"{ROOT}/", f"{optimizers.path_of(name)}/"
    moved = {
        begin + path.removeprefix(start) if path.startswith(start) else path: offset
        for path, offset in expressed.path.items()
    }
    if moved == expressed.path:
        return gene, allele
    return f"{name}/{gene}", attrs.evolve(expressed, path=moved).added_to(allele)


def _listed(optimizers: Optimizers) -> str:
    kinds = (f"{name!r} ({type(each).__name__})" for name, each in optimizers.items())
    return f"optimizers {', '.join(kinds)}: give autobind= by optimizer"
