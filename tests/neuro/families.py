"""Populations of lineages that several tests breed from, and hypothesis strategies for them."""

from random import Random
from uuid import UUID

import attrs
from hypothesis import strategies as st
from networks import BANK, random_chain, random_gene

from clantune_core import Ancestry, Evolution, Genome, LogFloatAllele, Population
from clantune_core.testing import populations
from clantune_neuro import Lineage, LineageAllele, Score
from clantune_neuro.evaluation.record import Record
from clantune_neuro.lineage.blueprint import STRENGTH
from clantune_neuro.lineage.strengths import STRENGTHS
from clantune_neuro.tasks.trace import RowTrace


def member(number, lineage, blueprint=BANK, strength=0.1, score=None, born=0):
    """Return an evaluated genome with one lineage."""
    allele = LineageAllele(
        lineage, blueprint, metadata={STRENGTH: LogFloatAllele(strength, STRENGTHS)}
    )
    genome = Genome({"weights": allele}, uuid=UUID(int=number + 1))
    return Record.of_score(score or Score(0.0), born).added_to(genome)


def crossed(strategy, lineages, weights=None, seed=0, blueprint=BANK):
    """Return the lineage of an offspring of some parents, with equal shares if none are given."""
    family = Population([member(i, each, blueprint) for i, each in enumerate(lineages)])
    ancestry = Ancestry.from_weights(weights or [1.0] * len(family), family)
    made = Evolution([strategy]).crossbreed(family[0], family, Random(seed), ancestry=ancestry)
    return made.alleles["weights"].value


def mutated(strategy, parent, me=None, seed=0):
    """Return the allele of an offspring of a parent, which has rank 0, in the place of rank 1."""
    family = Population(
        [parent, me or member(1, Lineage.born(1), parent.alleles["weights"].domain)]
    )
    ancestry = Ancestry.sole(0, family)
    rng = Random(seed)
    genome = family[1].with_alleles(parent.alleles).offspring(ancestry, rng)
    made = Evolution([strategy]).mutate(genome, rng, my_genome=family[1], population_genomes=family)
    return made.alleles["weights"]


@st.composite
def traces(draw, rows=8):
    """Draw traces of a bank."""
    row = st.integers(0, rows - 1)
    return RowTrace(draw(st.lists(row, max_size=3)), sorted(draw(st.sets(row))))


@st.composite
def scores(draw):
    """Draw scores with a trace, some of dead members."""
    base = draw(st.sampled_from([0.0, 1.0, 2.0, float("nan")]))
    return Score(base, draw(st.sampled_from([0.0, 1.0])), trace=draw(traces()))


@st.composite
def families(draw, max_size=5, **_):
    """Draw evaluated populations whose lineages begin alike, after `populations` of the kit."""
    bare = draw(populations(genes={"weights": st.just(LogFloatAllele(1.0))}, max_size=max_size))
    stem = random_chain(BANK, draw(st.integers(0, 3)), draw(st.integers(0, 3)))
    return Population([_with_lineage(draw, genome, stem) for genome in bare])


def _with_lineage(draw, genome, stem):
    lineage, rng = stem, Random(draw(st.integers(0, 9)))
    for _ in range(draw(st.integers(0, 4))):
        lineage = lineage.append(random_gene(BANK, rng))
    strength = LogFloatAllele(draw(st.sampled_from([2.0**-20, 0.1, 4.0])), STRENGTHS)
    allele = LineageAllele(lineage, BANK, metadata={STRENGTH: strength})
    record = Record.of_score(draw(scores()), draw(st.integers(0, 2)))
    return record.added_to(attrs.evolve(genome, alleles={"weights": allele}))
