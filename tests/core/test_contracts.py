"""What packages agree on: where a gene is expressed, and what a recipe asks of the training."""

import json
import math

import attrs
import pytest

from clantune_core import (
    BoolAllele,
    ClanTuneError,
    ContinuousAllele,
    DataError,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Range,
)
from clantune_core.contracts import EXPRESSION, Expressed, RecipeSettings, offsets

# ---- Where and when a gene is expressed ----


def test_a_gene_says_where_and_when_it_is_expressed():
    expressed = Expressed({"a/lr": 0.0, "b/lr": 1.5}, is_cooperative=False, role="data_path")
    genome = Genome({"lr": expressed.added_to(LogFloatAllele(0.1))})
    read = Genome.deserialize(json.dumps(genome.serialize()))
    assert Expressed.of("lr", read.alleles["lr"]) == expressed


def test_a_single_path_is_given_as_a_text():
    assert Expressed("a/lr") == Expressed({"a/lr": 0.0})


def test_only_the_path_is_needed():
    allele = FloatAllele(1.0, metadata={EXPRESSION: {"path": "model/x"}})
    assert Expressed.of("x", allele) == Expressed({"model/x": 0.0})


def gene_in_a_document(entry):
    """A gene as a document brings it that somebody else has written."""
    document = Genome({"lr": LogFloatAllele(0.1)}).serialize()
    document["alleles"]["lr"]["metadata"] = {EXPRESSION: entry}
    return Genome.deserialize(json.dumps(document)).alleles["lr"]


NOT_A_PATH = "is neither a path nor a mapping of paths to offsets"
NOT_AN_OFFSET = "is not an offset, a number from -2**53 to 2**53"
FIELDS = "path, is_cooperative, is_competitive, is_patchable, role"


@pytest.mark.parametrize(
    ("entry", "place", "problem"),
    [
        ({"path": None}, ".path", f"None {NOT_A_PATH}"),
        ({"path": ["a/lr"]}, ".path", f"('a/lr',) {NOT_A_PATH}"),
        ({"path": 1}, ".path", f"1 {NOT_A_PATH}"),
        ({"path": {"a/lr": "0"}}, ".path.a/lr", f"'0' {NOT_AN_OFFSET}"),
        ({"path": {"a/lr": [0.0]}}, ".path.a/lr", f"(0.0,) {NOT_AN_OFFSET}"),
        ({"path": {"a/lr": 1e300}}, ".path.a/lr", f"1e+300 {NOT_AN_OFFSET}"),
        ({"path": {"a/lr": 2**1000}}, ".path.a/lr", f"{str(2**1000)[:77]}... {NOT_AN_OFFSET}"),
        ({"path": {"a/lr": True}}, ".path.a/lr", f"True {NOT_AN_OFFSET}"),
        ({"path": {"a/lr": None}}, ".path.a/lr", f"None {NOT_AN_OFFSET}"),
        ({"path": {}, "is_cooperative": 1}, ".is_cooperative", "1 is not True or False"),
        ({"path": {}, "is_competitive": None}, ".is_competitive", "None is not True or False"),
        ({"path": {}, "is_patchable": "no"}, ".is_patchable", "'no' is not True or False"),
        (
            {"path": {}, "role": "datapath"},
            ".role",
            "'datapath' is not one of None, 'gradient_accumulation', 'data_path'",
        ),
        ({"path": {}, "role": []}, ".role", None),
        ({"path": {}, "role": {"a": 1}}, ".role", None),
        (None, "", "None is not a mapping"),
        ("a/lr", "", "'a/lr' is not a mapping"),
        ({}, "", "'path' is missing"),
        (
            {"paths": {}},
            "",
            f"there is no entry 'paths'; did you mean 'path'? The entries are {FIELDS}",
        ),
        ({"path": {}, "zzz": 1}, "", f"there is no entry 'zzz'. The entries are {FIELDS}"),
    ],
)
def test_a_damaged_entry_is_an_error_with_the_gene_and_the_path(entry, place, problem):
    allele = gene_in_a_document(entry)
    with pytest.raises(ClanTuneError) as raised:
        Expressed.of("lr", allele)
    path, _, said = str(raised.value).partition(": ")
    assert path == raised.value.path == f"gene 'lr', metadata.expression{place}"
    assert problem is None or said == problem


def test_a_gene_without_the_entry_says_how_to_add_it():
    with pytest.raises(DataError) as raised:
        Expressed.of("lr", FloatAllele(1.0))
    assert str(raised.value) == (
        "gene 'lr', metadata.expression: this entry is missing, which says where the gene is "
        "expressed; a preset adds it, and so does Expressed(path).added_to(allele)"
    )


def test_an_offset_needs_a_latent_line():
    allele = BoolAllele(True, metadata={EXPRESSION: {"path": {"a/flag": 1.0}}})
    with pytest.raises(DataError) as raised:
        Expressed.of("flag", allele)
    assert str(raised.value) == (
        "gene 'flag', metadata.expression.path.a/flag: an offset of 1.0 needs a latent line, and "
        "BoolAllele has none"
    )
    with pytest.raises(DataError, match=r"^path\.a/flag: an offset of 1\.0 needs a latent line"):
        Expressed({"a/flag": 1.0}).added_to(BoolAllele(True))
    assert Expressed({"a/flag": 0.0}).value_at("a/flag", BoolAllele(True)) is True


# ---- One gene at several paths ----


@pytest.mark.parametrize("factor", [0.01, 3.0])
def test_a_gene_moves_all_paths_and_keeps_their_ratios(factor):
    values = {"a/lr": 0.1, "b/lr": 0.4, "c/lr": 1e-5}
    gene = LogFloatAllele(0.1)
    expressed = Expressed(offsets(gene, values))
    for path, value in values.items():
        moved = expressed.value_at(path, gene.with_value(factor * 0.1))
        assert moved == pytest.approx(factor * value, rel=1e-12)


def test_the_first_path_has_the_value_of_the_gene_also_if_that_is_another():
    gene = LogFloatAllele(5.0)
    expressed = Expressed(offsets(gene, {"a/lr": 0.1, "b/lr": 0.4}))
    assert expressed.value_at("a/lr", gene) == 5.0
    assert expressed.value_at("b/lr", gene) == pytest.approx(20.0, rel=1e-12)


@pytest.mark.parametrize(
    ("gene", "values", "expected"),
    [
        (LogFloatAllele(0.1), {"a": 0.0, "b": 0.1, "c": -1.0, "d": math.nan}, {"b": 0.0}),
        (LogFloatAllele(0.1), {"a": None, "b": "0.1", "c": 0.1}, {"c": 0.0}),
        (LogFloatAllele(0.1), {"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}),
        (LogitFloatAllele(0.5), {"a": 1.0, "b": 0.5}, {"b": 0.0}),
        (IntAllele(3), {"a": 3, "b": 5, "c": 5.5}, {"a": 0.0, "b": 2.0}),
        (BoolAllele(True), {"a": True, "b": False}, {"a": 0.0, "b": 0.0}),
        (FloatAllele(1.0), {}, {}),
    ],
)
def test_what_a_kind_cannot_hold_stays_as_it_is(gene, values, expected):
    assert offsets(gene, values) == expected


@pytest.mark.parametrize("offset", [2.0**53, -(2.0**53), 1000.0, -1000.0])
@pytest.mark.parametrize(
    "gene", [FloatAllele(1.0), LogFloatAllele(0.1), LogitFloatAllele(0.5), IntAllele(3)]
)
def test_a_far_offset_ends_where_the_kind_ends(gene, offset):
    value = Expressed({"a": offset}).value_at("a", gene)
    assert gene.widest.min <= value <= gene.widest.max
    assert type(value) is type(gene.value)


def test_a_kind_that_overflows_ends_where_it_ends():
    @attrs.frozen(repr=False)
    class Exponent(ContinuousAllele):
        widest = Range(1.0, 1e300)

        def to_latent(self, value):
            return math.log10(value)

        def from_latent(self, latent):
            return 10.0**latent

    gene = Exponent(1.0, (1.0, 2.0))
    assert Expressed({"a": 400.0}).value_at("a", gene) == 1e300


def test_a_kind_that_fails_gives_an_error_with_the_path():
    @attrs.frozen(repr=False)
    class Root(ContinuousAllele):
        widest = Range(0.0, 1.0)

        def to_latent(self, value):
            return value**2

        def from_latent(self, latent):
            return math.sqrt(latent)

    with pytest.raises(DataError, match=r"^path\.a: Root cannot be moved by -4\.0: "):
        Expressed({"a": -4.0}).value_at("a", Root(1.0))


# ---- What a recipe asks of the training ----


def test_settings_that_are_not_named_have_their_defaults():
    assert RecipeSettings.of({"rounds": 7}) == RecipeSettings(rounds=7)
    assert attrs.asdict(RecipeSettings()) == {
        "inheritance": "sampled",
        "evaluate": "weights",
        "duty_cycle": 0.15,
        "rounds": 20,
        "calibrate": False,
        "go_back_until": 0.0,
        "half_clans": False,
    }


SETTINGS = "inheritance, evaluate, duty_cycle, rounds, calibrate, go_back_until, half_clans"


def test_settings_stay_as_they_are():
    settings = RecipeSettings(evaluate="ema")
    assert RecipeSettings.of(settings) is settings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"duty_cylce": 0.5},
            (
                "settings: there is no entry 'duty_cylce'; did you mean 'duty_cycle'? The "
                f"entries are {SETTINGS}"
            ),
        ),
        (
            {"inheritance": "average"},
            "settings.inheritance: 'average' is not one of 'sampled', 'dominant', 'mean'",
        ),
        ({"evaluate": "raw"}, "settings.evaluate: 'raw' is not one of 'weights', 'ema'"),
        ({"evaluate": ["ema"]}, "settings.evaluate: ['ema'] is not one of 'weights', 'ema'"),
        ({"duty_cycle": 1.5}, "settings.duty_cycle: 1.5 is not a number from 0 to 1"),
        ({"duty_cycle": math.nan}, "settings.duty_cycle: nan is not a number from 0 to 1"),
        ({"duty_cycle": True}, "settings.duty_cycle: True is not a number from 0 to 1"),
        ({"rounds": 0}, "settings.rounds: 0 is not a whole number, 1 or more"),
        ({"rounds": 2.0}, "settings.rounds: 2.0 is not a whole number, 1 or more"),
        ({"calibrate": 1}, "settings.calibrate: 1 is not True or False"),
        ({"go_back_until": 2}, "settings.go_back_until: 2 is not a number from 0 to 1"),
        ({"half_clans": "no"}, "settings.half_clans: 'no' is not True or False"),
        ([("rounds", 7)], "settings: [('rounds', 7)] is not a mapping"),
        ({1: 2}, f"settings: there is no entry 1. The entries are {SETTINGS}"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given, message):
    with pytest.raises(DataError) as raised:
        RecipeSettings.of(given)
    assert str(raised.value) == message
