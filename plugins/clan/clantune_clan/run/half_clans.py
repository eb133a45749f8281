"""Half clans: the members that share gradients if a gene acts on the data path.

The effect of such a gene is in the gradient. If members with different values shared gradients,
their losses would not show that effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from clantune_clan.communication import Communication
from clantune_core import AbstractAllele, ContinuousAllele, Genome
from clantune_core.contracts import DATA_PATH, Expressed, RecipeSettings

LEAST = 2
"""Members in the smaller half."""


class HalfClans:
    """Divides the clan in each round.

    Attributes:
        latents: Results of `latent_on_data_path` on each member, for the next round; empty if they
            are not known yet.
    """

    def __init__(self, communicator: Communication) -> None:
        """Start without latents."""
        self.latents: list[float | None] = []
        self._communicator = communicator

    def mine(self, genome: Genome) -> bool | None:
        """Return the half that this rank belongs to, or None if all members share gradients.

        All ranks call this together.
        """
        channel = self._communicator
        if not self.latents:  # in the first round
            gathered = channel.gather("dividing the clan", latent_on_data_path(genome))
            self.latents = gathered[:: channel.ranks_per_member]
        halves = half_clans_of(self.latents)
        return None if halves is None else halves[channel.member_index]


def latent_on_data_path(genome: Genome) -> float | None:
    """Return the latent value of the first evolving gene on the data path, if there is one."""
    for name, allele in genome.alleles.items():
        if _is_on_data_path(name, allele) and isinstance(allele, ContinuousAllele):
            return allele.latent
    return None


def _is_on_data_path(name: str, allele: AbstractAllele) -> bool:
    return allele.can_mutate and Expressed.of(name, allele).role == DATA_PATH


def unmeasured_genes(genome: Genome, recipe: RecipeSettings, num_members: int) -> list[str]:
    """Return the evolving genes on the data path whose effect no loss of this run shows.

    A competitive phase shows the effects of all genes, and half clans that of the first continuous
    gene.

    Args:
        genome: Genome of a member.
        recipe: Settings of the recipe.
        num_members: Number of members.
    """
    if recipe.duty_cycle > 0.0 or num_members == 1:
        return []
    genes = {name: each for name, each in genome.alleles.items() if _is_on_data_path(name, each)}
    has_halves = recipe.half_clans and num_members >= 2 * LEAST
    measured = [name for name, each in genes.items() if isinstance(each, ContinuousAllele)][:1]
    return [name for name in genes if not (has_halves and name in measured)]


def half_clans_of(latents: Sequence[float | None]) -> tuple[bool, ...] | None:
    """Return for each member whether it is in the half clan with the higher values.

    Args:
        latents: Results of `latent_on_data_path` on each member.

    Returns:
        One value per member, or None if all members share gradients: without such a gene, or if a
        half would be too small.
    """
    known = [latent for latent in latents if latent is not None]
    if len(known) < len(latents):
        return None
    middle = sum(known) / len(known)
    upper = tuple(latent > middle for latent in known)
    is_large_enough = LEAST <= sum(upper) <= len(upper) - LEAST
    return upper if is_large_enough else None
