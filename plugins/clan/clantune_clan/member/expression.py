"""Expression: the values that a genome gives to the objects of a member, in each phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.communication import Communication
from clantune_clan.errors import ClanError
from clantune_core import AbstractAllele, ContinuousAllele, DataError, Genome
from clantune_core.contracts import Expressed, Role

OwnValue = Callable[[Expressed], bool]
"""A function that says whether members use their own value of a gene or the clan's mean."""

MODES: Mapping[str, OwnValue] = {
    "cooperative": lambda gene: gene.is_cooperative,
    "competitive": lambda gene: gene.is_competitive,
    "all": lambda _: True,
}


@attrs.frozen
class Expression:
    """The values that are expressed, by gene and by path.

    Attributes:
        genes: Value of each gene, the member's own or the clan's mean.
        patch: Value at each path that genes are written to.
        gene_at: Name of the gene of each path.
    """

    genes: Mapping[str, Any]
    patch: Mapping[str, Any]
    gene_at: Mapping[str, str]


class GenomeExpression:
    """Turns a genome into values: the mode selects each gene's own value or the clan's mean."""

    @staticmethod
    def set_allele(
        genome: Genome,
        name: str,
        allele: AbstractAllele,
        *,
        path: str | Mapping[str, float] | None = None,
        is_cooperative: bool = True,
        is_competitive: bool = True,
        is_patchable: bool = True,
        role: Role | None = None,
    ) -> Genome:
        """Return the genome with a gene that has rules for its expression.

        Args:
            genome: Genome to which the gene is added, or in which it is replaced.
            name: Name of the gene.
            allele: Value and domain of the gene.
            path: Path at which the gene is expressed, or several paths, each with its offset from
                the gene's value on the latent line. None: the training loop reads it by name.
            is_cooperative: Whether members use their own value while they cooperate.
            is_competitive: Whether members use their own value while they compete.
            is_patchable: Whether the clan writes the value to the paths.
            role: Role of a gene that the clan treats specially.
        """
        try:
            made = Expressed(
                {} if path is None else path, is_cooperative, is_competitive, is_patchable, role
            ).added_to(allele)
        except DataError as error:
            error.add_note(f"at gene {name!r}")
            raise
        return genome.with_alleles({**genome.alleles, name: made})

    def express(
        self,
        genome: Genome,
        mode: str,
        communicator: Communication,
        *,
        where: str = "",
        problem: Exception | None = None,
    ) -> Expression:
        """Return the values of a genome in a mode. All ranks call this together.

        Args:
            genome: Genome of this member.
            mode: Mode: `"cooperative"`, `"competitive"` or `"all"`.
            communicator: Channel that gathers the values for the clan's means.
            where: Place in the run, such as `"step 20"`.
            problem: Error on this rank, or None. All ranks raise an error.
        """
        if mode not in MODES:
            raise ClanError(f"there is no mode {mode!r}; there are {', '.join(MODES)}")
        flags = {name: Expressed.of(name, allele) for name, allele in genome.alleles.items()}
        own = {name for name, gene in flags.items() if MODES[mode](gene)}
        shared = {
            name: _for_mean(allele) for name, allele in genome.alleles.items() if name not in own
        }
        kind = f"expressing the genome, {mode}"
        place = kind + f", at {where}" * bool(where)
        # Members that compete may begin again at different steps, after they were saved there.
        everyone = communicator.gather(place, shared, problem=problem, kind=kind)
        firsts = everyone[:: communicator.ranks_per_member]
        alleles = {
            name: allele if name in own else _mean(allele, [values[name] for values in firsts])
            for name, allele in genome.alleles.items()
        }
        return _expression(alleles, flags)


def patch_of(genome: Genome, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the expressed values by path, for given values of all genes."""
    alleles = {name: allele.with_value(values[name]) for name, allele in genome.alleles.items()}
    flags = {name: Expressed.of(name, allele) for name, allele in alleles.items()}
    return _expression(alleles, flags).patch


def _expression(
    alleles: Mapping[str, AbstractAllele], flags: Mapping[str, Expressed]
) -> Expression:
    patch: dict[str, Any] = {}
    gene_at: dict[str, str] = {}
    for name, allele in alleles.items():
        if not flags[name].is_patchable:
            continue
        for path in flags[name].path:
            if path in patch:
                raise ClanError(
                    f"genes {gene_at[path]!r} and {name!r} are both expressed at {path!r}; leave "
                    "one out"
                )
            try:
                patch[path] = flags[name].value_at(path, allele)
            except DataError as error:
                error.add_note(f"at gene {name!r}")
                raise
            gene_at[path] = name
    return Expression({n: a.value for n, a in alleles.items()}, patch, gene_at)


def _for_mean(allele: AbstractAllele) -> Any:
    """Return the value of an allele that enters the clan's mean."""
    return allele.latent if isinstance(allele, ContinuousAllele) else allele.value


def _mean(allele: AbstractAllele, shared: Sequence[Any]) -> AbstractAllele:
    """Return the clan's mean of an allele: the mean of latents, or the most frequent choice."""
    if not isinstance(allele, ContinuousAllele):
        # Among equally frequent choices the first one counts, which is the lowest rank's.
        return allele.with_value(max(shared, key=shared.count))
    are_equal = min(shared) == max(shared)  # then the mean is exact, without rounding
    return allele.with_latent(shared[0] if are_equal else math.fsum(shared) / len(shared))
