"""A check of the paths of genes, which may not set a parameter or a value of another kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from clantune_clan.errors import PathError
from clantune_clan.member.leaves import fit, is_leaf
from clantune_clan.member.optimizers import split_path
from clantune_clan.member.state import State
from clantune_core import AbstractAllele, Genome
from clantune_core.contracts import Expressed


def value_at(path: str, gene: str, state: State) -> Any:
    """Return the current value at a gene's path: a number if it is a tensor of one element.

    Raises:
        PathError: The path does not exist, or a gene may not set the object there.
    """
    leaf = state.get(path)
    if isinstance(leaf, nn.Parameter):
        raise PathError(
            f"gene {gene!r} cannot be expressed at {path!r}: that is a parameter, which the "
            "optimizer learns",
            path=path,
        )
    if not is_leaf(leaf):
        raise PathError(
            f"gene {gene!r} cannot be expressed at {path!r}: that is a {type(leaf).__name__}, not "
            "a number, a text or a tensor",
            path=path,
        )
    return leaf.item() if isinstance(leaf, Tensor) and leaf.numel() == 1 else leaf


def require_fitting(genome: Genome, state: State) -> None:
    """Check that the genes of a genome can be expressed in a state.

    Raises:
        PathError: A gene does not fit; the error names the gene, the path and the object there.
    """
    for name, allele, path in _places(genome):
        value = value_at(path, name, state)
        if not (_is_real(allele) and type(value) is int):
            try:
                fit(state.get(path), allele.value, path)
            except PathError as error:
                raise PathError(f"gene {name!r} does not fit: {error}", path=path) from error
        elif split_path(path) is None:  # where lr=1 means 1.0
            raise PathError(
                f"gene {name!r} takes fractions, and {path!r} is the whole number {value}: bind an "
                f"IntAllele, or set it to {float(value)} if fractions make sense there",
                path=path,
            )


def make_numbers_real(state: State) -> None:
    """Convert integers that stand for floats, as in lr=1, so that genes can set fractions.

    Args:
        state: State that the genes fit.
    """
    for _, allele, path in _places(state.genome):
        if _is_real(allele) and type(number := state.get(path)) is int:
            state.replace(path, float(number))


def _places(genome: Genome) -> Iterator[tuple[str, AbstractAllele, str]]:
    for name, allele in genome.alleles.items():
        gene = Expressed.of(name, allele)
        yield from ((name, allele, path) for path in gene.path if gene.is_patchable)


def _is_real(allele: AbstractAllele) -> bool:
    return isinstance(allele.value, float)
