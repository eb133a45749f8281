"""The entry point by which hypothesis learns to draw the types of the core."""

from __future__ import annotations


def register_types() -> None:
    """Register the core's types, so that `st.from_type(Genome)` works. Hypothesis calls this."""
    from hypothesis import strategies as st  # noqa: PLC0415  (hypothesis imports this module)

    from clantune_core.alleles import (  # noqa: PLC0415
        AbstractAllele,
        BoolAllele,
        ContinuousAllele,
        DiscreteAllele,
        IntAllele,
        RoundedAllele,
        StringAllele,
    )
    from clantune_core.ancestry import Ancestry  # noqa: PLC0415
    from clantune_core.genome import Genome  # noqa: PLC0415
    from clantune_core.population import Population  # noqa: PLC0415
    from clantune_core.testing.alleles import (  # noqa: PLC0415
        CONTINUOUS,
        EVERY_KIND,
        alleles,
    )
    from clantune_core.testing.generators import (  # noqa: PLC0415
        ancestries,
        genomes,
        populations,
    )
    from clantune_core.testing.unfamiliar import PowerOfTwoAllele  # noqa: PLC0415

    discrete: tuple[type[DiscreteAllele], ...] = (BoolAllele, StringAllele)
    for kind in EVERY_KIND:
        st.register_type_strategy(kind, alleles(kind))
    st.register_type_strategy(AbstractAllele, alleles())
    st.register_type_strategy(ContinuousAllele, alleles(*CONTINUOUS))
    st.register_type_strategy(RoundedAllele, alleles(IntAllele, PowerOfTwoAllele))
    st.register_type_strategy(DiscreteAllele, alleles(*discrete))
    st.register_type_strategy(Genome, genomes())
    st.register_type_strategy(Population, populations())
    st.register_type_strategy(Ancestry, populations().flatmap(ancestries))
