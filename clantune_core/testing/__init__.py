"""The conformance kit: laws for every strategy, and generators of what they are tried on.

It needs `pip install clantune-core[testing]`. Three lines test a strategy:

    @conforms(st.builds(MyMutation, std=st.floats(0.01, 1)))
    def test_my_mutation(law):
        law()
"""

from clantune_core.testing.conforms import all_laws, conforms, laws
from clantune_core.testing.generators import (
    alleles,
    ancestries,
    fitnesses,
    genomes,
    plain_data,
    populations,
)
from clantune_core.testing.laws import Law, LawBroken

__all__ = [
    "Law",
    "LawBroken",
    "all_laws",
    "alleles",
    "ancestries",
    "conforms",
    "fitnesses",
    "genomes",
    "laws",
    "plain_data",
    "populations",
]
