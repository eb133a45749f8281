"""Populations: genomes of one schema, whose index is the rank."""

import copy
import math
import pickle
from uuid import UUID

import pytest
from hypothesis import given

from clantune_core import (
    ClanTuneError,
    FloatAllele,
    Genome,
    IntAllele,
    Population,
    TreeError,
    synthesize_genomes,
    walk_genomes,
)
from clantune_core.testing.generators import populations


def members(*fitnesses):
    return [
        Genome({"lr": FloatAllele(0.5)}, uuid=UUID(int=rank)).set_fitness(fitness)
        for rank, fitness in enumerate(fitnesses)
    ]


def test_a_population_is_a_sequence_in_rank_order():
    genomes = members(1.0, 2.0, 3.0)
    population = Population(genomes)
    assert [*population] == genomes
    assert population[-1] is genomes[2]
    assert [*population[1:]] == genomes[1:]
    assert [population.rank_of(genome) for genome in genomes] == [0, 1, 2]
    assert Population.of(population) is population
    assert Population.of(genomes) == population


def test_a_member_is_known_by_its_identity():
    population = Population(members(1.0, 2.0))
    assert population.rank_of(population[1].set_fitness(7.0)) == 1


def test_the_fitness_that_is_no_number_counts_as_the_worst():
    assert Population(members(0.5, math.nan, -math.inf)).fitnesses() == (0.5, math.inf, math.inf)


def test_genes_are_compared_by_name_in_whatever_order():
    one = Genome({"a": FloatAllele(1.0), "b": IntAllele(2)})
    other = Genome({"b": IntAllele(4), "a": FloatAllele(3.0)})
    walked = walk_genomes([one, other], lambda nodes, at: (at.gene, [n.value for n in nodes]))
    assert walked == [("a", [1.0, 3.0]), ("b", [2, 4])]
    made = synthesize_genomes(other, [one], lambda node, nodes, at: nodes[0])
    assert [*made.alleles] == ["b", "a"]
    assert made.alleles == one.alleles


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: Population([]), ClanTuneError, "genomes must be in a list, one or more; got none"),
        (
            lambda: walk_genomes([], lambda nodes, at: None),
            ClanTuneError,
            "genomes must be in a list, one or more; got none",
        ),
        (
            lambda: Population(Genome(uuid=UUID(int=0))),
            ClanTuneError,
            ("genomes must be in a list, one or more; got <Genome 00000000: 0 genes, no fitness>"),
        ),
        (
            lambda: Population(None),
            ClanTuneError,
            "genomes must be in a list, one or more; got None",
        ),
        (
            lambda: Population([*members(1.0), FloatAllele(0.5)]),
            ClanTuneError,
            "entry 1 of the population is not a genome: FloatAllele(0.5)",
        ),
        (
            lambda: Population([*members(1.0, 2.0), Genome({"beta": FloatAllele(0.5)})]),
            TreeError,
            (
                "genome 0 and genome 2 have different genes: only genome 0 has 'lr', only genome "
                "2 has 'beta'; give every genome the same genes"
            ),
        ),
        (
            lambda: walk_genomes([Genome(), *members(1.0)], lambda nodes, at: None),
            TreeError,
            (
                "genome 0 and genome 1 have different genes: only genome 1 has 'lr'; give every "
                "genome the same genes"
            ),
        ),
        (
            lambda: Genome({"depth": IntAllele(1), "lr": FloatAllele(0.5)}).synthesize(
                members(1.0), lambda node, nodes, at: node
            ),
            TreeError,
            (
                "the template and genome 0 have different genes: only the template has 'depth'; "
                "give every genome the same genes"
            ),
        ),
        (
            lambda: Population(members(1.0, None)).fitnesses(),
            ClanTuneError,
            (
                "rank 1 has no fitness: call genome.set_fitness(loss) on every member before "
                "selecting"
            ),
        ),
        (
            lambda: Population(members(1.0)).rank_of(Genome(uuid=UUID(int=9))),
            ClanTuneError,
            (
                "genome 00000000-0000-0000-0000-000000000009 is not in the population that it "
                "should breed from; pass the genomes of all members in rank order, including this "
                "one (for the mutation of an offspring, pass the genome of the member that bred "
                "it as my_genome=)"
            ),
        ),
        (
            lambda: Population(members(1.0, 2.0) + members(3.0)).rank_of(members(1.0)[0]),
            ClanTuneError,
            (
                "ranks 0 and 2 have the same uuid 00000000-0000-0000-0000-000000000000; give each "
                "member its own: genome.with_uuid()"
            ),
        ),
    ],
)
def test_what_is_no_population_is_refused_in_words(run, error, message):
    with pytest.raises(error) as caught:
        run()
    assert str(caught.value) == message


def test_equal_uuids_are_refused_at_every_call():
    population = Population(members(1.0, 2.0) + members(3.0))
    for _ in range(3):
        with pytest.raises(ClanTuneError, match="ranks 0 and 2 have the same uuid"):
            population.rank_of(population[0])


@given(populations())
def test_a_population_cannot_be_changed_and_copies_are_equal(population):
    with pytest.raises(TypeError):
        population[0] = population[-1]
    with pytest.raises(AttributeError):
        population.something = 1
    walk_genomes(population, lambda nodes, at: [*nodes])  # what it finds out, it keeps
    for same in (
        copy.copy(population),
        copy.deepcopy(population),
        pickle.loads(pickle.dumps(population)),
        Population([*population]),
    ):
        assert same == population
        assert hash(same) == hash(population)


def test_a_population_shows_its_size_and_genes():
    first = members(1.0, 2.0)
    assert (
        repr(Population([first[0], first[1].set_fitness(None)]))
        == """\
<Population of 2: lr
  rank  genome    fitness
  0     00000000  1
  1     00000000  -
>""".replace("\n>", ">")
    )


def test_a_population_that_was_used_survives_pickling():
    std = FloatAllele(0.5)
    genomes = [
        Genome({"lr": FloatAllele(1.0, metadata={"std": std})}, uuid=UUID(int=rank), fitness=1.0)
        for rank in range(2)
    ]
    population = Population(genomes)
    before = walk_genomes(population, lambda nodes, context: [n.metadata.get("std") for n in nodes])
    again = pickle.loads(pickle.dumps(population))
    assert again == population
    assert before == walk_genomes(again, lambda nodes, _: [n.metadata.get("std") for n in nodes])
    node = population.forests["lr"].nodes[0]
    assert pickle.loads(pickle.dumps(node)).metadata["std"] == node.metadata["std"] == 0.5


def test_the_nodes_of_a_population_are_shown_as_a_list():
    tree = FloatAllele(1.0, metadata={"std": FloatAllele(0.5)})
    population = Population([Genome({"lr": tree}), Genome({"lr": tree})])
    shown = repr(population.forests["lr"].nodes)
    assert shown == repr([FloatAllele(1.0, metadata={"std": 0.5})] * 2)


def test_other_fitnesses_leave_the_members_who_they_are():
    population = Population(members(1.0, 2.0))
    forests = population.forests
    seen = population.with_fitnesses([math.inf, math.nan])
    assert seen.fitnesses() == (math.inf, math.inf)
    assert [genome.alleles for genome in seen] == [genome.alleles for genome in population]
    assert seen.uuids == population.uuids
    assert seen.forests is forests
    assert population.fitnesses() == (1.0, 2.0)
    with pytest.raises(ClanTuneError, match="1 fitnesses for 2 members"):
        population.with_fitnesses([1.0])


def test_kinds_are_compared_by_gene_where_genes_come_in_different_orders():
    one, other = FloatAllele(0.5), IntAllele(2)
    same = [Genome({"a": one, "b": other}), Genome({"b": other, "a": one})]
    assert [forest.kind for forest in Population(same).forests.values()] == [FloatAllele, IntAllele]
    swapped = [Genome({"a": one, "b": other}), Genome({"b": one, "a": other})]
    with pytest.raises(TreeError, match="gene 'a': the genomes differ"):
        Population(swapped).forests  # noqa: B018  (they are compared when first asked for)
