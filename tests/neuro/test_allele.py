"""The kind of allele whose value is a lineage."""

import contextlib
import json
import math
import pickle
import tracemalloc
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import BANK, DENSE, random_chain

from clantune_core import AlleleError, ClanTuneError, DataError, Genome, from_json, to_json
from clantune_core.testing import alleles, kind_conforms
from clantune_neuro import Gene, Lineage, LineageAllele, LineageError

seeds = st.integers(0, 2**32)


@st.composite
def lineages(draw):
    blueprint = draw(st.sampled_from((DENSE, BANK)))
    return LineageAllele(random_chain(blueprint, draw(st.integers(0, 5)), draw(seeds)), blueprint)


@kind_conforms(alleles(LineageAllele, max_depth=0))
def test_a_lineage_keeps_the_laws_of_kinds(law):
    law()


@given(lineages())
def test_a_document_gives_an_equal_lineage_and_one_blueprint(allele):
    genome = Genome({"weights": allele.with_metadata({"neuro/strength": 0.5})})
    text = to_json(genome)
    one, other = Genome.deserialize(text), Genome.deserialize(text)
    assert one == genome
    assert one.alleles["weights"].domain is other.alleles["weights"].domain
    assert type(one.alleles["weights"].value) is Lineage
    assert pickle.loads(pickle.dumps(genome)) == genome


def test_a_document_of_100_000_genes_is_read_and_digested():
    chain = Lineage.born(1) + Gene(2, strength=-300, seed=5).text * 99_999
    text = to_json(LineageAllele(chain, DENSE))
    assert len(text) < 1_602_500
    allele = from_json(text, LineageAllele)
    assert allele.value.digest(100_000) == Lineage(chain).digest(100_000)
    assert allele.value == chain


def test_append_adds_one_gene():
    allele = DENSE.allele(1)
    child = allele.append(Gene(2, seed=3))
    assert child.value == allele.value + Gene(2, seed=3).text
    assert child.metadata == allele.metadata
    assert allele.value.num_genes == 1


@pytest.mark.parametrize("gene", [Gene(0), Gene(1), Gene(200), Gene(2, 1)])
def test_append_refuses_a_gene_that_the_blueprint_cannot_replay(gene):
    with pytest.raises(AlleleError) as info:
        DENSE.allele(1).append(gene)
    assert str(info.value) == (
        f"gene 1: the blueprint has no operator {gene.operator} with the argument {gene.argument}; "
        f"its table is {DENSE.operator_names}"
    )


def corrupted(value):
    document = json.loads(to_json(Genome({"w": DENSE.allele(1)})))
    document["alleles"]["w"]["value"] = value
    return json.dumps(document)


NUMBERS = ", ".join(f"{n} {name}" for n, name in enumerate(DENSE.operator_names, 2))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (3, "a lineage is a text; got a int"),
        (
            Gene(0).text + Gene(99).text,
            f"gene 1: the operator number 99 is unknown; the numbers are {NUMBERS}",
        ),
        (
            Gene(0).text + Gene(5).text + Gene(5, 3).text,
            "gene 2: the operator 'one' does not take the argument 3",
        ),
        (Gene(0).text * 2, "gene 1: a birth in the middle of a lineage"),
    ],
)
def test_a_damaged_lineage_is_a_data_error_with_its_path_and_gene(value, problem):
    with pytest.raises(DataError) as info:
        Genome.deserialize(corrupted(value))
    assert info.value.path == "$.alleles.w.value"
    assert info.value.problem == problem


ENTRIES = "tensors, operators, bank, buffers"


def operator(domain, name):
    """Return the entry of an operator in the document of a blueprint."""
    return next(entry for entry in domain["operators"] if entry["name"] == name)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.pop("bank"), f"a blueprint must have the entries {ENTRIES}; got "),
        (lambda d: d.update(tensors=3), "tensors must be a list; got 3"),
        (lambda d: d["tensors"][0].update(name=3), "name must be a text; got 3"),
        (
            lambda d: d["tensors"][0].update(unit="a"),
            "the unit exponent of '0.weight' must be an integer from 8 to 30; got 'a'",
        ),
        (lambda d: d["tensors"][0].update(more=1), "a tensor must have the entries name, "),
        (
            lambda d: d["tensors"][0]["birth"].update(kind="hot"),
            "'hot' is not a distribution at birth; use normal, unit, constant, given",
        ),
        (lambda d: d["operators"][0].update(name="flop"), "no operator is called 'flop'; "),
        (
            lambda d: d["operators"][0].update(parameters=[["a", 0.5]]),
            "a parameter must be a name and an integer; got ('a', 0.5)",
        ),
        (lambda d: d.update(buffers=3), "buffers must be a text; got 3"),
        (lambda d: d.update(buffers="evil"), 'buffers must be "keep" or "batch"; got \'evil\''),
        (
            lambda d: d.update(operators=d["operators"] * 1_000),
            "a blueprint has at most 254 operators; got 9000",
        ),
        (
            lambda d: d["operators"].append(d["operators"][0]),
            "the table of operators has 'normal' more than once",
        ),
        (
            lambda d: operator(d, "module").update(parameters=[]),
            "the operator 'module' takes the parameters ['depth'], in this order; got []",
        ),
        (
            lambda d: operator(d, "normal").update(parameters=[["depth", 1]]),
            "the operator 'normal' takes the parameters [], in this order; got ['depth']",
        ),
        (
            lambda d: operator(d, "rate").update(parameters=[["step", 1], ["step", 2]]),
            "the operator 'rate' takes the parameters ['step'], in this order; got ['step', ",
        ),
        (
            lambda d: d["tensors"][2].update(origin="0.weight"),
            "'0.weight' and '2.weight' have the same origin '0.weight', so they would have the ",
        ),
        (
            lambda d: d["tensors"][0].update(shape=[2**33]),
            "the number of all weights must be an integer from 1 to 8589934592; got 8589934627",
        ),
    ],
)
def test_a_damaged_blueprint_is_a_data_error(change, problem):
    document = json.loads(to_json(Genome({"w": DENSE.allele(1)})))
    change(document["alleles"]["w"]["domain"])
    with pytest.raises(DataError) as info:
        Genome.deserialize(json.dumps(document))
    assert info.value.path == "$.alleles.w.domain"
    assert info.value.problem.startswith(problem)


def test_random_corruption_of_a_document_is_refused_or_read():
    genome = Genome({"w": LineageAllele(random_chain(BANK, 200, 1), BANK)})
    text = to_json(genome)
    rng = Random(4)
    refused = sum(outcome(corruption(text, rng)) is None for _ in range(500))
    assert 100 < refused < 500


def corruption(text, rng):
    """Return a text with a character replaced, added or left out, or without its end."""
    place = rng.randrange(len(text))
    if rng.random() < 0.1:
        return text[:place]
    return text[:place] + chr(rng.randrange(32, 127)) + text[place + rng.randrange(3) :]


def outcome(text):
    """Return the genome of a document, which must be equal to its own copy, or None if refused."""
    try:
        genome = Genome.deserialize(text)
    except ClanTuneError as error:
        return None if str(error) else pytest.fail("the error has no message")
    assert Genome.deserialize(to_json(genome)) == genome
    return genome


def test_a_corrupted_document_allocates_about_its_own_length():
    chain = Lineage.born(1) + Gene(2).text * 100_000
    text = to_json(Genome({"w": LineageAllele(chain, DENSE)}))
    rng = Random(5)
    for _ in range(25):
        broken = corruption(text, rng)
        tracemalloc.start()
        with contextlib.suppress(ClanTuneError):
            Genome.deserialize(broken)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert used < 2.01 * len(broken) + 300_000  # the text of JSON, and the lineage


def test_a_domain_is_needed():
    with pytest.raises(AlleleError) as info:
        LineageAllele(Lineage.born(1))
    assert str(info.value) == f"a blueprint must have the entries {ENTRIES}; got None"


@given(lineages(), lineages())
def test_a_distance_counts_genes_by_strength(one, other):
    assert one.distance(one) == 0
    assert one.distance(other) == other.distance(one) > 0 or one.value == other.value


def test_a_distance_is_that_of_the_steps_that_differ():
    parent = DENSE.allele(1).append(Gene(2, strength=-64, seed=1))
    child = parent.append(Gene(2, strength=-128, seed=2))
    sibling = parent.append(Gene(2, strength=-64, seed=3))
    assert parent.distance(child) == 0.25
    assert child.distance(sibling) == math.sqrt(0.25 + 0.0625)
    assert DENSE.allele(1).distance(DENSE.allele(2)) == math.sqrt(2)
    swapped = DENSE.allele(1).append(Gene(2, strength=-128, seed=2)).append(parent.value.gene(1))
    assert child.distance(swapped) == 0


def test_a_hostile_document_allocates_about_its_own_length():
    text = Gene(0).text + Gene(2).text * 100_000 + Gene(99).text
    tracemalloc.start()
    try:
        with pytest.raises(LineageError) as info:
            LineageAllele(text, DENSE)
        assert tracemalloc.get_traced_memory()[1] < 1.3 * len(text)  # one copy, and a block
    finally:
        tracemalloc.stop()
    assert info.value.gene == 100_001
