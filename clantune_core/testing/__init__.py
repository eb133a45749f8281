"""The conformance kit: laws for strategies and kinds of alleles, and generators of test cases.

It needs `pip install clantune-core[testing]`. Three lines test a strategy, three lines a kind:

    @conforms(st.builds(MyMutation, std=st.floats(0.01, 1)))
    def test_my_mutation(law):
        law()


    @kind_conforms(alleles(MyAllele))
    def test_my_allele(law):
        law()
"""

import hypothesis  # noqa: F401  (first: it imports the modules below to register types)

from clantune_core.testing.alleles import alleles, plain_data
from clantune_core.testing.conforms import all_laws, conforms, laws
from clantune_core.testing.generators import ancestries, fitnesses, genomes, populations
from clantune_core.testing.kind_conforms import all_kind_laws, kind_conforms, kind_laws
from clantune_core.testing.laws import Law, LawBroken
from clantune_core.testing.registered import register_alleles

__all__ = [
    "Law",
    "LawBroken",
    "all_kind_laws",
    "all_laws",
    "alleles",
    "ancestries",
    "conforms",
    "fitnesses",
    "genomes",
    "kind_conforms",
    "kind_laws",
    "laws",
    "plain_data",
    "populations",
    "register_alleles",
]
