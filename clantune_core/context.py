"""The context of a call: the gene, the depth in its tree, the member, the progress of the run."""

from __future__ import annotations

import attrs


# No slots: a copy for the next node is then one dictionary update (see `at`).
@attrs.frozen(kw_only=True, slots=False)
class Context:
    """Where a handler or hook is called. A strategy reads it, but does not store it.

    Attributes:
        gene: Name of the gene, such as `"optimizer/0/lr"`.
        path: Metadata keys from the gene down to this node; empty for the gene itself.
        rank: This member's position in the population, from 0.
        population_size: Number of members, 1 or more.
        generation: Number of the round, from 0.
        genes: Ordered names of the active genes: those that may mutate.
        progress: Fraction of the run that is done, 0 to 1; None if it is not known.
    """

    gene: str = ""
    path: tuple[str, ...] = ()
    rank: int = 0
    population_size: int = 1
    generation: int = 0
    genes: tuple[str, ...] = ()
    progress: float | None = None

    @property
    def depth(self) -> int:
        """Levels below the gene, 0 for the gene itself, 1 for an allele in its metadata."""
        return len(self.path)

    @property
    def is_hyperparameter(self) -> bool:
        """Whether this is a gene itself, not an allele in metadata."""
        return not self.path

    @property
    def place(self) -> str:
        """The node in words, as in `gene 'lr', path 'std'`."""
        below = f", path {'/'.join(self.path)!r}" if self.path else ""
        return f"gene {self.gene!r}{below}" if self.gene else f"an allele{below}"

    def at_gene(self, gene: str) -> Context:
        """Return the same context at the top of another gene."""
        return self.at(gene, ())

    def below(self, name: str) -> Context:
        """Return the context of the allele called `name` in this node's metadata."""
        return self.at(self.gene, (*self.path, name))

    def at(self, gene: str, path: tuple[str, ...]) -> Context:
        """Return the same context at another place."""
        fields = self.__dict__.copy()  # once per node and member: `attrs.evolve` is slow here
        fields["gene"] = gene
        fields["path"] = path
        made = object.__new__(Context)
        object.__setattr__(made, "__dict__", fields)
        return made
