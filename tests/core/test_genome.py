"""The genome: genes by name, an identity, a fitness; every change is a new one."""

import copy
import math
import pickle
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AlleleError,
    Ancestry,
    BoolAllele,
    ClanTuneError,
    DataError,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
    can_mutate,
    synthesize_genomes,
    walk_genomes,
)

genomes = st.from_type(Genome)
UUID_1 = UUID(int=1, version=4)
GENES = {"lr": LogFloatAllele(1e-3), "layers": IntAllele(3)}


class Tensor:
    """Like a tensor: a number if it has one element."""

    def __init__(self, *elements):
        self.elements = elements

    def __float__(self):
        if len(self.elements) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.elements[0]

    def __repr__(self):
        return f"Tensor{self.elements}"


# ---- Genes ----


def test_hyperparameters_are_added_at_the_end_and_read_by_name():
    empty = Genome()
    genome = empty.add_hyperparameter("b", FloatAllele(0.5)).add_hyperparameter(
        "a", BoolAllele(True)
    )
    assert genome.as_hyperparameters() == {"b": 0.5, "a": True}
    assert [*genome.alleles] == ["b", "a"]
    assert empty.as_hyperparameters() == {}
    assert genome.uuid == empty.uuid


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Genome(GENES).add_hyperparameter("lr", FloatAllele(0.5)),
            "there is already a gene 'lr': LogFloatAllele(0.001)",
        ),
        (
            lambda: Genome().add_hyperparameter("lr", 0.1),
            "gene 'lr' is 0.1; give an allele, e.g. FloatAllele(0.1)",
        ),
        (
            lambda: Genome({"lr": 0.1}),
            "gene 'lr' is 0.1; give an allele, e.g. FloatAllele(0.1)",
        ),
        (
            lambda: Genome({"lr": FloatAllele}),
            (
                "gene 'lr' is <class 'clantune_core.alleles.numbers.FloatAllele'>; give an allele, "
                "e.g. FloatAllele(0.1)"
            ),
        ),
        (
            lambda: Genome(Genome().with_metadata(lr=0.1).metadata),
            "gene 'lr' is 0.1; give an allele, e.g. FloatAllele(0.1)",
        ),
        (
            lambda: Genome({"": FloatAllele(0.5)}),
            "the name of a gene must be a non-empty string; got ''",
        ),
        (
            lambda: Genome({1: FloatAllele(0.5)}),
            "the name of a gene must be a non-empty string; got 1",
        ),
        (lambda: Genome([1]), "alleles must map names of genes to alleles; got [1]"),
    ],
)
def test_what_is_no_gene_is_refused_in_words(make, message):
    with pytest.raises(AlleleError) as caught:
        make()
    assert str(caught.value) == message


def test_a_change_of_genes_drops_the_fitness_and_keeps_the_identity():
    genome = Genome(GENES, metadata={"note": 1}).set_fitness(0.5)
    for changed in (
        genome.add_hyperparameter("beta", LogitFloatAllele(0.9)),
        genome.with_alleles({"lr": LogFloatAllele(1.0)}),
        genome.update(lambda allele, _: allele.with_latent(allele.latent + 1)),
    ):
        assert changed.fitness is None
        assert (changed.uuid, changed.metadata) == (genome.uuid, genome.metadata)
    assert genome.update(lambda allele, _: allele).fitness == 0.5


# ---- Fitness, identity, metadata ----


@pytest.mark.parametrize(
    ("fitness", "number"),
    [
        (0.25, 0.25),
        (1, 1.0),
        (Decimal("0.5"), 0.5),
        (Tensor(0.75), 0.75),
        (math.inf, math.inf),
        (None, None),
    ],
    ids=repr,
)
def test_a_fitness_is_a_number_or_nothing(fitness, number):
    genome = Genome(GENES)
    evaluated = genome.set_fitness(fitness)
    assert (evaluated.get_fitness(), type(evaluated.fitness)) == (number, type(number))
    assert (evaluated.uuid, evaluated.alleles) == (genome.uuid, genome.alleles)
    assert genome.get_fitness() is None


@pytest.mark.parametrize(
    "fitness", ["0.5", b"1", True, [1.0], 1j, Tensor(1.0, 2.0), 10**400, object], ids=repr
)
def test_a_fitness_that_is_no_number_is_refused_in_words(fitness):
    with pytest.raises(ClanTuneError) as caught:
        Genome().set_fitness(fitness)
    beginning = "fitness must be one number (lower is better) or None; got "
    assert str(caught.value).startswith(beginning)
    assert str(caught.value)[len(beginning) :][:4] == repr(fitness)[:4]


def test_genomes_that_were_lost_compare_equal():
    lost = Genome(GENES).set_fitness(math.nan)
    assert lost == lost.set_fitness(-math.nan)
    assert lost != lost.set_fitness(1.0)


def test_metadata_is_bookkeeping_that_keeps_the_identity_and_the_fitness():
    genome = Genome(GENES, metadata={"a": 1}).set_fitness(0.5)
    noted = genome.with_metadata({"b": [1, {"c": None}]}, a=2)
    assert noted.metadata == {"a": 2, "b": (1, {"c": None})}
    assert (noted.uuid, noted.fitness, noted.alleles) == (genome.uuid, 0.5, genome.alleles)
    assert noted.walk(lambda node, at: at.gene) == ["lr", "layers"]


def test_metadata_that_is_not_plain_is_refused_at_its_path():
    with pytest.raises(DataError) as caught:
        Genome().with_metadata(best={"gene": FloatAllele(0.5)})
    assert str(caught.value) == (
        "metadata.best.gene: FloatAllele(0.5) is a FloatAllele; plain data is None, booleans, "
        "numbers, strings, and lists and mappings of these"
    )
    with pytest.raises(ClanTuneError) as caught:
        Genome(metadata=[1])
    assert str(caught.value) == "a genome's metadata must map names to plain data; got [1]"


def test_metadata_cannot_be_nested_without_end_by_wrapping_it():
    genome = Genome()
    for _ in range(31):
        genome = genome.with_metadata(history=genome.metadata)
    with pytest.raises(DataError) as caught:
        genome.with_metadata(history=genome.metadata)
    path = ".history" * 32
    assert str(caught.value) == f"metadata{path}: lists and mappings are nested too deep"


def test_an_identity_is_made_up_unless_given():
    assert Genome().uuid != Genome().uuid
    assert Genome(uuid=UUID_1).uuid == UUID_1
    assert Genome().with_uuid(UUID_1).uuid == UUID_1
    assert Genome(uuid=UUID_1).with_uuid().uuid != UUID_1
    with pytest.raises(ClanTuneError) as caught:
        Genome(uuid="1")
    assert str(caught.value) == "a genome's uuid must be a uuid.UUID; got '1'"


def test_values_are_set_by_name():
    genome = Genome(GENES, uuid=UUID_1).set_fitness(0.5)
    made = genome.with_hyperparameters({"lr": 0.01}, layers=5.4)
    assert made.as_hyperparameters() == {"lr": 0.01, "layers": 5}
    assert (made.uuid, made.fitness) == (UUID_1, None)
    with pytest.raises(
        AlleleError, match="there is no gene 'momentum'; the genes are \\['lr', 'layers'\\]"
    ):
        genome.with_hyperparameters(momentum=0.9)
    with pytest.raises(AlleleError) as caught:
        genome.with_hyperparameters(lr="fast")
    assert caught.value.__notes__ == ["at gene 'lr'"]


def test_an_offspring_is_somebody_new():
    mother = Genome(GENES, uuid=UUID_1, metadata={"note": 1}).set_fitness(0.5)
    parents = Ancestry.sole(0, [mother])
    child = mother.offspring(parents, Random(1))
    assert (child.alleles, child.metadata) == (mother.alleles, mother.metadata)
    assert (child.parents, child.fitness) == (parents, None)
    assert child.uuid != mother.uuid
    assert mother.set_fitness(1.0).offspring(parents, Random(1)).uuid == child.uuid
    assert child.offspring(parents, Random(1)).uuid not in {mother.uuid, child.uuid}
    assert mother.offspring(parents, Random(1)) == child
    assert mother.offspring(parents, Random(2)).uuid != child.uuid


def test_parents_may_be_given_as_pairs():
    assert Genome(parents=[(1, UUID_1)]).parents == Ancestry([1.0], [UUID_1])
    assert Genome().parents is None


# ---- Walking: thin wrappers of the functions ----


@given(genomes)
def test_the_methods_do_what_the_functions_do(genome):
    def describe(node, at):
        return at.gene, at.path, node

    def grow(node, at):
        return node.with_metadata(seen=at.depth)

    assert genome.walk(describe) == walk_genomes([genome], lambda n, at: describe(n[0], at))
    assert genome.walk(describe, can_mutate) == walk_genomes(
        [genome], lambda n, at: describe(n[0], at), can_mutate
    )
    grown = synthesize_genomes(genome, [genome], lambda node, nodes, at: grow(node, at))
    assert genome.update(grow) == grown
    assert genome.synthesize([genome], lambda node, nodes, at: grow(node, at)) == grown


def test_synthesizing_keeps_what_the_template_has_besides_genes():
    parents = Ancestry([1.0], [UUID_1])
    template = Genome({"lr": FloatAllele(0.0)}, uuid=UUID_1, parents=parents, metadata={"a": 1})
    others = [Genome({"lr": FloatAllele(float(i))}, metadata={"b": i}) for i in range(3)]
    made = template.synthesize(
        others, lambda node, nodes, at: node.with_value(sum(n.value for n in nodes))
    )
    assert made == template.with_alleles({"lr": FloatAllele(3.0)})


# ---- Immutable, hashable, copied, sent ----


@given(genomes)
def test_nothing_in_a_genome_can_be_set(genome):
    for name in ("alleles", "uuid", "parents", "fitness", "metadata", "something"):
        with pytest.raises(AttributeError):
            setattr(genome, name, None)
    for mapping in (genome.alleles, genome.metadata):
        with pytest.raises(TypeError, match="read-only"):
            mapping["a"] = FloatAllele(0.5)


def test_what_was_given_may_change_later_without_changing_the_genome():
    genes, note = dict(GENES), {"a": [1]}
    genome = Genome(genes, metadata=note)
    del genes["lr"]
    note["a"].append(2)
    assert [*genome.alleles] == ["lr", "layers"]
    assert genome.metadata == {"a": (1,)}


@given(genomes)
def test_copies_are_equal_and_hash_alike(genome):
    for same in (copy.copy(genome), copy.deepcopy(genome), pickle.loads(pickle.dumps(genome))):
        assert same == genome
        assert hash(same) == hash(genome)
        assert repr(same) == repr(genome)


@given(genomes)
def test_another_evaluation_of_a_genome_is_not_equal_but_hashes_alike(genome):
    other = genome.with_metadata(note=0.123).set_fitness(0.123)
    assert other != genome
    assert hash(other) == hash(genome)


# ---- In the prompt ----


def test_a_genome_shows_as_a_table():
    genome = Genome(
        {
            "optimizer/0/lr": LogFloatAllele(
                3e-4,
                (1e-6, 1.0),
                metadata={"std": LogFloatAllele(0.1, can_crossbreed=False), "note": "plain"},
            ),
            "optimizer/0/momentum": LogitFloatAllele(0.9),
            "layers": IntAllele(3, (1, 1234567), can_mutate=False),
            "nesterov": BoolAllele(True),
            "schedule": StringAllele(
                "linear", ("cosine", "linear"), can_mutate=False, can_crossbreed=False
            ),
            "margin": FloatAllele(1 / 3, (0, None)),
        },
        uuid=UUID("01234567-89ab-4def-8123-456789abcdef"),
        parents=[(0.5, UUID_1), (0.0, UUID(int=2)), (0.5, UUID(int=3))],
    ).set_fitness(1.5)
    assert (
        repr(genome)
        == """\
<Genome 01234567: 6 genes, fitness 1.5, 2 parents
  gene                  kind         value     domain          may
  optimizer/0/lr/std    log_float    0.1       any             mutate
  optimizer/0/lr        log_float    0.0003    1e-06 .. 1      mutate, crossbreed
  optimizer/0/momentum  logit_float  0.9       any             mutate, crossbreed
  layers                int          3         1 .. 1234567    crossbreed
  nesterov              bool         True      False, True     mutate, crossbreed
  schedule              string       'linear'  cosine, linear  -
  margin                float        0.333333  0 .. ∞          mutate, crossbreed>"""
    )


def test_a_genome_without_genes_shows_as_a_line():
    assert repr(Genome(uuid=UUID_1)) == "<Genome 00000000: 0 genes, no fitness>"


def test_genomes_from_different_documents_share_names_and_domains():
    text = {"optimizer/0/lr": LogFloatAllele(1e-3, (1e-6, 1.0)), "layers": IntAllele(2, (1, 9))}
    one, other = (Genome.deserialize(Genome(text).serialize()) for _ in range(2))
    for name, same in zip(one.alleles, other.alleles, strict=True):
        assert name is same
        assert one.alleles[name].domain is other.alleles[name].domain
