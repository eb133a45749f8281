"""Genes, and the texts that hold them."""

import base64
import copy
import hashlib
import pickle
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import AlleleError
from clantune_neuro.errors import LineageError, StrengthError
from clantune_neuro.lineage.gene import Gene, strength_number
from clantune_neuro.lineage.lineage import Lineage

genes = st.builds(
    Gene,
    st.integers(2, 255),
    st.integers(0, 255),
    st.integers(-(2**15), 2**15 - 1),
    st.integers(0, 2**64 - 1),
)
chains = st.lists(genes, max_size=8)


def lineage_of(genes, seed=7):
    made = Lineage.born(seed)
    for gene in genes:
        made = made.append(gene)
    return made


@given(genes)
def test_a_gene_is_12_bytes_and_16_characters(gene):
    assert len(gene.record) == 12
    assert len(gene.text) == 16
    assert Gene.unpack(gene.record) == gene
    assert base64.b64decode(gene.text) == gene.record


def test_the_bytes_of_a_gene_are_little_endian():
    assert Gene(3, 2, -1, 1).record == b"\x03\x02\xff\xff\x01\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ((256,), "the operator of a gene must be from 0 to 255; got 256"),
        ((2, -1), "the argument of a gene must be from 0 to 255; got -1"),
        ((2, 0, 2**15), "the strength of a gene must be from -32768 to 32767; got 32768"),
        ((2, 0, 0, 2**64), f"the seed of a gene must be from 0 to {2**64 - 1}; got {2**64}"),
        ((2, 0, 0.5), "the strength of a gene must be an integer; got 0.5"),
        ((True,), "the operator of a gene must be an integer; got True"),
    ],
)
def test_a_gene_refuses_numbers_that_its_bytes_cannot_hold(fields, message):
    with pytest.raises(LineageError) as info:
        Gene(*fields)
    assert str(info.value) == message


def test_a_strength_becomes_the_nearest_number():
    assert [strength_number(x) for x in (1.0, 2.0, 0.5, 0.02)] == [0, 64, -64, -361]


@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan"), float("inf"), 1e-200])
def test_a_strength_that_no_gene_can_hold_is_refused(strength):
    with pytest.raises(StrengthError) as info:
        strength_number(strength)
    assert str(info.value) == (
        f"the strength {strength} is not usable; use a number from 2^-512 to 2^511, such as 0.02"
    )
    assert info.value.strength is strength


@given(chains)
def test_a_lineage_gives_its_genes_back(chain):
    lineage = lineage_of(chain)
    assert lineage.genes() == [Gene(0, seed=7), *chain]
    assert lineage.genes(1) == chain
    assert [lineage.gene(number) for number in range(lineage.num_genes)] == lineage.genes()
    assert len(lineage) == 16 * (1 + len(chain))
    assert lineage == str(lineage) == Lineage(str(lineage))
    assert hash(lineage) == hash(str(lineage))
    assert lineage.records["seed"].tolist() == [7, *(gene.seed for gene in chain)]


@given(st.integers(1, 200), st.data())
def test_digests_of_prefixes_depend_on_the_genes_alone(length, data):
    lineage = lineage_of([Gene(2, seed=number) for number in range(length)])
    records = b"".join(gene.record for gene in lineage.genes())
    for end in data.draw(st.lists(st.integers(1, length + 1), max_size=5)):
        spans = [records[start : start + 64 * 12] for start in range(0, 12 * end, 64 * 12)]
        spans[-1] = spans[-1][: 12 * end - 64 * 12 * (len(spans) - 1)]
        digest = b""
        for span in spans:
            digest = hashlib.blake2b(digest + span, digest_size=16).digest()
        assert lineage.digest(end) == digest
        assert Lineage(str(lineage)).digest(end) == Lineage(lineage[: 16 * end]).digest(end)


def test_lineages_that_differ_in_one_gene_differ_in_all_digests_after_it():
    genes = [Gene(2, seed=number) for number in range(200)]
    one, other = lineage_of(genes), lineage_of([*genes[:99], Gene(2, seed=1000), *genes[100:]])
    found = [one.digest(length) == other.digest(length) for length in range(1, 202)]
    assert found == [length <= 100 for length in range(1, 202)]
    assert len({one.digest(length) for length in range(1, 202)}) == 201


def test_a_child_shares_the_digests_of_its_parent():
    parent = lineage_of([Gene(2, seed=number) for number in range(130)])
    parent.digest(131)
    children = [parent.append(Gene(2, seed=seed)) for seed in (1, 2)]
    assert children[0].spans is children[1].spans is parent.spans
    assert len(parent.spans) == 2 * 16
    assert [child.digest(132) == children[0].digest(132) for child in children] == [True, False]


def test_a_birth_of_given_weights_spells_their_hash():
    name = hashlib.sha256(b"weights").hexdigest()
    lineage = Lineage.given(name)
    assert (lineage.num_genes, lineage.num_birth, lineage.given_name) == (4, 4, name)
    assert Lineage(str(lineage.append(Gene(2)))).given_name == name
    assert (Lineage.born(1).num_birth, Lineage.born(1).given_name) == (1, None)


def test_a_lineage_is_pickled_and_copied_as_its_text():
    lineage = lineage_of([Gene(2, seed=number) for number in range(3000)])
    assert lineage.digest(3000)
    for copied in (pickle.loads(pickle.dumps(lineage)), copy.deepcopy(lineage)):
        assert copied == lineage
        assert type(copied) is Lineage
    assert len(pickle.dumps(lineage)) < len(lineage) + 200


BORN = Gene(0, seed=1).text
GENE = Gene(2, seed=1).text
BIRTHS = (
    "gene 1: a birth has one record of operator 0, or four of operator 1 with the arguments 0 to "
    "3, all of strength number 0"
)


@pytest.mark.parametrize(
    ("text", "message", "gene"),
    [
        (3, "a lineage is a text; got a int", None),
        ("", "a lineage needs a birth; the text is empty", None),
        (
            BORN + GENE[:-1],
            "gene 1: the text is cut short: its length 31 is not a multiple of 16",
            1,
        ),
        (BORN + "!" + GENE[1:], f"gene 1: {'!' + GENE[1:]!r} is not the base64 of 12 bytes", 1),
        (BORN + GENE[:-2] + "==", f"gene 1: {GENE[:-2] + '=='!r} is not the base64 of 12 bytes", 1),
        (BORN + GENE[:-1] + "é", f"gene 1: {GENE[:-1] + 'é'!r} is not the base64 of 12 bytes", 1),
        (GENE, "gene 0: a lineage begins with a birth, not operator 2", 0),
        (BORN + GENE + BORN, "gene 2: a birth in the middle of a lineage", 2),
        (
            Gene(1, 0).text + Gene(1, 2).text,
            BIRTHS,
            1,
        ),
    ],
)
def test_a_text_that_is_not_a_lineage_is_refused(text, message, gene):
    with pytest.raises(AlleleError) as info:
        Lineage(text)
    assert str(info.value) == message
    assert info.value.gene == gene


def test_a_birth_is_not_appended():
    with pytest.raises(LineageError) as info:
        Lineage.born(1).append(Gene(0))
    assert str(info.value) == "gene 1: a birth in the middle of a lineage"


@pytest.mark.parametrize("end", ["A" * 15, "=" * 16, "AAAA" * 4, BORN, "\ud800" * 16])
def test_hostile_text_allocates_less_than_its_own_length(end):
    text = BORN + GENE * 100_000 + end
    tracemalloc.start()
    try:
        with pytest.raises(LineageError):
            Lineage(text)
        assert tracemalloc.get_traced_memory()[1] < len(text) / 4
    finally:
        tracemalloc.stop()


def test_a_fault_in_a_later_block_is_named():
    for number, gene in ((5000, "!" + GENE[1:]), (4096, BORN)):
        genes = [BORN, *[GENE] * 9000]
        genes[number] = gene
        with pytest.raises(LineageError) as info:
            Lineage("".join(genes))
        assert info.value.gene == number
