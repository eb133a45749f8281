"""Plain data: what is written is read back the same, and nothing else is read at all."""

import importlib
import json
import math
import time
import tracemalloc
from random import Random
from uuid import UUID

import attrs
import pytest
from clantune_compass import AngleAllele, Gust
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AbstractStrategy,
    Ancestry,
    BoolAllele,
    ClanTuneError,
    DataError,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    PluginError,
    StringAllele,
    deserialize,
    from_json,
    load_strategy,
    serialize,
    to_json,
)
from clantune_core.errors import shown

MODULE = importlib.import_module("clantune_core.data.documents")

ME = UUID("00000000-0000-4000-8000-000000000001")
OTHER = UUID("00000000-0000-4000-8000-000000000002")


def through_json(thing, kind):
    """Return what a file holds of it; on the way, plain data must be what JSON makes of it."""
    text = to_json(thing)
    assert json.loads(text) == serialize(thing)
    again = from_json(text.encode(), kind)
    assert deserialize(serialize(thing), kind) == again
    assert to_json(again) == text
    return again


# ---- There and back ----


@given(st.from_type(Genome))
def test_every_genome_comes_back_the_same(genome):
    again = through_json(genome, Genome)
    assert again == genome
    assert hash(again) == hash(genome)
    assert [*again.alleles] == [*genome.alleles]
    assert again.walk(lambda node, at: (at, node)) == genome.walk(lambda node, at: (at, node))


@given(st.from_type(AbstractAllele), st.integers())
def test_every_genome_that_was_bred_comes_back_the_same(allele, seed):
    rng, evolution = Random(seed), Evolution([Gust(0.9, 2.0)])
    genome = Genome({"gene": allele}, uuid=ME, fitness=rng.random())
    child = evolution.crossbreed(genome, [genome], rng, ancestry=Ancestry.sole(0, [genome]))
    child = evolution.mutate(child, rng).with_metadata(round=1)
    assert child.parents == Ancestry([1.0], [ME])
    assert through_json(child, Genome) == child


@given(st.from_type(AbstractAllele))
def test_every_allele_comes_back_the_same(allele):
    again = through_json(allele, AbstractAllele)
    assert again == allele
    assert type(again) is type(allele)


@given(st.floats(0, 360, exclude_max=True), st.booleans())
def test_an_allele_of_an_outside_kind_comes_back_the_same(degrees, can_mutate):
    allele = AngleAllele(degrees, can_mutate=can_mutate, metadata={"std": AngleAllele(1.0)})
    assert through_json(allele, AngleAllele) == allele


@pytest.mark.parametrize("fitness", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, None])
def test_every_fitness_comes_back_the_same(fitness):
    again = through_json(Genome(uuid=ME, fitness=fitness), Genome)
    assert str(again.fitness) == str(fitness)


@given(st.floats(0, 1), st.floats(0, allow_infinity=False))
def test_a_strategy_comes_back_under_its_installed_name(chance, strength):
    gust = Gust(chance, strength)
    assert serialize(gust)["strategy"] == "gust"
    assert through_json(gust, AbstractStrategy) == gust


def test_an_evolution_comes_back_in_its_order():
    evolution = Evolution([Gust(0.5), Gust(0.25), Gust(0.5)])
    assert through_json(evolution, Evolution) == evolution
    assert through_json(Evolution([]), Evolution) == Evolution([])


NESTED = """
    import enum
    import attrs
    from clantune_core import AbstractAllele, AbstractMutationStrategy, AbstractStrategy

    class Mode(enum.Enum):
        CALM = "calm"

    @attrs.frozen
    class Limits:
        low: float
        high: float = 1.0

    @attrs.frozen
    class Chain(AbstractMutationStrategy):
        first: AbstractStrategy
        others: tuple[AbstractStrategy, ...] = ()
        scale: AbstractAllele | None = None
        limits: Limits = Limits(0.0)
        mode: Mode = Mode.CALM
        weights: dict[str, float] = attrs.field(factory=dict)
        _hidden: int = 0

        def handle_mutating(self, allele):
            return allele
"""


@pytest.fixture
def chain(own_site):
    own_site.install("nested", NESTED, strategies={"chain": "nested:Chain"})
    import nested

    return nested


def test_strategies_and_alleles_are_parameters_of_strategies(chain):
    inner = chain.Chain(Gust(0.25), scale=FloatAllele(0.5, metadata={"std": FloatAllele(1.0)}))
    limits, weights = chain.Limits(-1.0, 2.0), {"lr": 0.5}
    outer = chain.Chain(Gust(0.5), (inner, Gust()), limits=limits, weights=weights, hidden=3)
    assert through_json(outer, AbstractStrategy) == outer
    assert load_strategy("chain", first=inner).first is inner


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "$.parameters: entry 'first' is missing"),
        ({"first": 1}, "$.parameters.first: 1 is not a mapping"),
        (
            {"first": {"strategy": "gust", "parameters": {"chance": "no"}}},
            "$.parameters.first.parameters.chance: 'no' is not of type float",
        ),
        (
            {"first": {"strategy": "gust"}, "others": [{"strategy": "gust"}, {"strategy": 5}]},
            "$.parameters.others[1].strategy: 5 is not a string",
        ),
        (
            {"first": {"strategy": "gust"}, "limits": {"low": 0, "high": "no"}},
            "$.parameters.limits.high: 'no' is not of type float",
        ),
        (
            {"first": {"strategy": "gust"}, "mode": "wild"},
            "$.parameters.mode: 'wild' is not a valid Mode",
        ),
        (
            {"first": {"strategy": "gust"}, "_hidden": 1},
            "$.parameters: unknown entry '_hidden'",
        ),
    ],
)
def test_a_fault_in_nested_parameters_has_its_path(chain, parameters, message):
    body = {"clantune": "strategy", "version": 1, "strategy": "chain", "parameters": parameters}
    with pytest.raises(DataError) as caught:
        deserialize(body, AbstractStrategy)
    assert str(caught.value) == message


# ---- What is written ----

SMALL = Genome(
    {
        "optimizer/0/lr": LogFloatAllele(
            0.001,
            (1e-06, 1.0),
            metadata={"std": FloatAllele(0.2, (0.0, None), can_crossbreed=False), "memory": [1]},
        ),
        "layers": IntAllele(3, (1, 9), position=3.25),
        "nesterov": BoolAllele(True, can_mutate=False),
        "schedule": StringAllele("cosine", ("cosine", "linear")),
    },
    uuid=ME,
    parents=Ancestry([0.25, 0.75], [ME, OTHER]),
    fitness=math.nan,
    metadata={"round": 3},
)

LAYOUT = """\
{
  "clantune": "genome",
  "version": 1,
  "uuid": "00000000-0000-4000-8000-000000000001",
  "fitness": "nan",
  "parents": [
    [
      0.25,
      "00000000-0000-4000-8000-000000000001"
    ],
    [
      0.75,
      "00000000-0000-4000-8000-000000000002"
    ]
  ],
  "alleles": {
    "optimizer/0/lr": {
      "kind": "log_float",
      "value": 0.001,
      "domain": [
        1e-06,
        1.0
      ],
      "alleles": {
        "std": {
          "kind": "float",
          "value": 0.2,
          "domain": [
            0.0,
            1.7976931348623157e+308
          ],
          "can_crossbreed": false
        }
      },
      "metadata": {
        "memory": [
          1
        ]
      }
    },
    "layers": {
      "kind": "int",
      "value": 3,
      "domain": [
        1,
        9
      ],
      "position": 3.25
    },
    "nesterov": {
      "kind": "bool",
      "value": true,
      "domain": [
        false,
        true
      ],
      "can_mutate": false
    },
    "schedule": {
      "kind": "string",
      "value": "cosine",
      "domain": [
        "cosine",
        "linear"
      ]
    }
  },
  "metadata": {
    "round": 3
  }
}"""


def test_the_layout_of_a_document():
    assert to_json(SMALL, indent=2) == LAYOUT
    assert from_json(LAYOUT, Genome) == SMALL


def test_the_layout_of_an_evolution():
    assert serialize(Evolution([Gust(0.5)])) == {
        "clantune": "evolution",
        "version": 1,
        "strategies": [{"strategy": "gust", "parameters": {"chance": 0.5, "strength": 1.0}}],
    }


def test_what_is_returned_is_the_callers_own():
    data = SMALL.serialize()
    data["alleles"]["nesterov"]["can_mutate"] = True
    data["metadata"]["round"] = 4
    changed = Genome.deserialize(data)
    assert (changed.alleles["nesterov"].can_mutate, changed.metadata) == (True, {"round": 4})
    assert (SMALL.alleles["nesterov"].can_mutate, SMALL.metadata) == (False, {"round": 3})


@attrs.frozen
class Homeless(Gust):
    """No package names it."""


@attrs.frozen(repr=False)
class Unregistered(FloatAllele):
    kind = ""


# What could not be read again is refused when it is saved, while there is time to mend it.
TOO_LARGE = {
    "a long text": (
        lambda: Genome(uuid=ME, metadata={"log": "a" * 2**23}),
        "$: the text is longer than 8388608 characters",
    ),
    "many values": (
        lambda: Genome({str(gene): FloatAllele(1.0) for gene in range(40_000)}, uuid=ME),
        "$.alleles.29999: there are more than 250000 values",
    ),
    "many strategies": (
        lambda: Evolution([Gust()] * 101),
        "$.strategies: there are 101 strategies, more than 100",
    ),
}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 5, "$: 5 is not a genome, allele, strategy or evolution"),
        (
            lambda: Unregistered(1.0),
            (
                "Unregistered cannot be saved, because it is not a registered kind; decorate it "
                'with @allele_kind("my_kind")'
            ),
        ),
        (
            lambda: Evolution([Gust(), Homeless()]),
            (
                "Homeless cannot be saved, because no installed package gives it a name; in its "
                'package\'s pyproject.toml write [project.entry-points."clantune.strategies"] and '
                f'below it my_name = "{__name__}:Homeless", then install the package again'
            ),
        ),
        *TOO_LARGE.values(),
    ],
    ids=["a number", "an allele of no kind", "a strategy without a name", *TOO_LARGE],
)
def test_what_cannot_be_saved_says_why(make, message):
    with pytest.raises(ClanTuneError) as caught:
        to_json(make())
    assert str(caught.value) == message


# ---- Versions ----


def test_an_old_document_is_brought_up_to_date_one_version_at_a_time(monkeypatch):
    def named_genes(body):
        return {**body, "alleles": body["genes"]} | {"genes": None}

    def without_genes(body):
        return {key: entry for key, entry in body.items() if key != "genes"}

    monkeypatch.setattr(MODULE, "FORMAT_VERSION", 3)
    monkeypatch.setattr(MODULE, "MIGRATIONS", {1: named_genes, 2: without_genes})
    body = {"clantune": "genome", "uuid": str(ME)}
    genes = {"lr": {"kind": "float", "value": 1.0}}
    expected = Genome({"lr": FloatAllele(1.0)}, uuid=ME)
    assert Genome.deserialize({**body, "version": 1, "genes": genes}) == expected
    assert Genome.deserialize({**body, "version": 2, "alleles": genes, "genes": 0}) == expected
    assert Genome.deserialize(json.dumps({**body, "version": 3, "alleles": genes})) == expected
    assert expected.serialize()["version"] == 3
    with pytest.raises(DataError) as caught:  # a damaged document of an old version
        Genome.deserialize({**body, "version": 1})
    assert str(caught.value) == "$: KeyError: 'genes'"


def test_a_migration_may_make_lists_and_change_what_it_is_given(monkeypatch):
    def lists(body):
        return {**body, "parents": [[1.0, str(OTHER)]]}

    def in_place(body):
        body["metadata"]["x"] = body["metadata"]["list"].pop()
        return body

    monkeypatch.setattr(MODULE, "FORMAT_VERSION", 3)
    monkeypatch.setattr(MODULE, "MIGRATIONS", {1: lists, 2: in_place})
    data = _genome(metadata={"list": [1, 2]})
    expected = Genome(uuid=ME, parents=[(1.0, OTHER)], metadata={"list": [1], "x": 2})
    assert Genome.deserialize(data) == expected
    assert Genome.deserialize(json.dumps(data)) == expected
    assert data["metadata"] == {"list": [1, 2]}


def test_what_a_migration_makes_is_checked_like_all_that_is_read(monkeypatch):
    monkeypatch.setattr(MODULE, "FORMAT_VERSION", 2)
    monkeypatch.setattr(MODULE, "MIGRATIONS", {1: lambda body: {**body, "metadata": {"a": {1}}}})
    with pytest.raises(DataError) as caught:
        Genome.deserialize(_genome())
    assert str(caught.value) == f"$.metadata.a: {{1}} is a set; {PLAIN}"


# ---- What is refused ----


def _genome(**entries):
    return {"clantune": "genome", "version": 1, "uuid": str(ME), "alleles": {}, **entries}


def _gene(**entries):
    return _genome(alleles={"lr": {"kind": "float", "value": 1, **entries}})


def _nested(levels, leaf):
    for _ in range(levels):
        leaf = {"kind": "float", "value": 1, "alleles": {"std": leaf}}
    return _genome(alleles={"lr": leaf})


def _shared(levels):
    parts = []
    for _ in range(levels):
        parts = [parts, parts]
    return parts


def _cycle():
    data = _genome()
    data["metadata"] = data
    return data


TEXT = json.dumps(_genome())
PLAIN = "plain data is None, booleans, numbers, strings, and lists and mappings of these"

REFUSED = {
    # damaged
    "nothing": ("", "$: not JSON, or truncated: Expecting value at line 1, column 1"),
    "cut short": (
        TEXT[:30],
        "$: not JSON, or truncated: Unterminated string starting at at line 1, column 24",
    ),
    "not UTF-8": (b'{"\xff": 1}', "$: not JSON: byte 2 is not valid UTF-8"),
    "a key twice": (
        '{"clantune": "genome", "metadata": {"a": 1, "a": 1}}',
        "$.metadata: the key 'a' occurs twice",
    ),
    "NaN": ('{"a": [1, NaN]}', "$.a[1]: nan is not a finite number"),
    "minus infinity": ('{"a": -Infinity}', "$.a: -inf is not a finite number"),
    "no uuid": (_genome(uuid="0"), "$.uuid: '0' is not a uuid"),
    "a missing uuid": ({"clantune": "genome", "version": 1}, "$: entry 'uuid' is missing"),
    "missing genes": (
        {"clantune": "genome", "version": 1, "uuid": str(ME)},
        "$: entry 'alleles' is missing",
    ),
    "a list of genes": (_genome(alleles=[]), "$.alleles: () is not a mapping"),
    "a gene without a name": (
        _genome(alleles={"": {"kind": "float", "value": 1}}),
        "$: the name of a gene must be a non-empty string; got ''",
    ),
    "a gene without a kind": (
        _genome(alleles={"lr": {"value": 1}}),
        "$.alleles.lr: entry 'kind' is missing",
    ),
    "a gene without a value": (
        _genome(alleles={"lr": {"kind": "float"}}),
        "$.alleles.lr: entry 'value' is missing",
    ),
    "a kind that is not a string": (_gene(kind=None), "$.alleles.lr.kind: None is not a string"),
    "a value of another type": (
        _gene(value="1"),
        "$.alleles.lr.value: FloatAllele holds a number; got '1'",
    ),
    "a domain of another type": (
        _gene(domain=[0, "1"]),
        "$.alleles.lr.domain: FloatAllele holds a number; got '1'",
    ),
    "a domain that is needed": (
        _gene(kind="string", value="cosine"),
        '$.alleles.lr.domain: StringAllele needs its choices: domain=("cosine", "linear", ...)',
    ),
    "a whole number that a float changes": (
        _gene(kind="int", value=2**53 + 1),
        (
            "$.alleles.lr.value: 9007199254740993 is not a value of IntAllele; the nearest one is "
            "9007199254740992"
        ),
    ),
    "a position that is another's": (
        _gene(kind="int", position=3.5),
        (
            "$.alleles.lr: position 3.5 does not round to 1 within -9007199254740992 .. "
            "9007199254740992"
        ),
    ),
    "a flag that is no flag": (
        _gene(can_mutate=1),
        "$.alleles.lr.can_mutate: 1 is not of type bool",
    ),
    "an unknown entry": (_gene(std=1), "$.alleles.lr: unknown entry 'std'"),
    "a fitness of another type": (
        _genome(fitness=[1]),
        "$.fitness: (1,) is not a fitness: a number, 'nan', 'inf', '-inf' or None",
    ),
    "a fitness that is a flag": (
        _genome(fitness=True),
        "$.fitness: True is not a fitness: a number, 'nan', 'inf', '-inf' or None",
    ),
    "a fitness too large for a float": (
        _genome(fitness=2**1024 - 1),
        "$.fitness: OverflowError: int too large to convert to float",
    ),
    "a fitness in words": (
        _genome(fitness="good"),
        "$.fitness: 'good' is not a fitness: a number, 'nan', 'inf', '-inf' or None",
    ),
    "parents that are not pairs": (
        _genome(parents=[[1.0]]),
        "$.parents[0]: (1.0,) is not a pair of probability and uuid",
    ),
    "a parent that is nobody": (
        _genome(parents=[[1.0, "x"]]),
        "$.parents[0][1]: 'x' is not a uuid",
    ),
    "parents that do not sum to 1": (
        _genome(parents=[[0.5, str(ME)]]),
        (
            "$.parents: the probabilities sum to 0.5, not to 1; Ancestry.from_weights divides "
            "weights by their sum"
        ),
    ),
    "a probability too large for a float": (
        _genome(parents=[[2**1024 - 1, str(ME)]]),
        (
            "$.parents: probabilities must be numbers; got "
            "[1797693134862315907729305190789024733617976978942306572734300811577326758055..."
        ),
    ),
    "one name for an allele and for plain data": (
        _gene(alleles={"std": {"kind": "float", "value": 1}}, metadata={"std": 1}),
        "$.alleles.lr: 'std' is both in 'alleles' and in 'metadata'",
    ),
    # foreign
    "a number": ("5", "$: 5 is not a ClanTune document, a mapping with an entry 'clantune'"),
    "another's document": (
        '{"name": "package"}',
        "$: {'name': 'package'} is not a ClanTune document, a mapping with an entry 'clantune'",
    ),
    "an unknown sort of document": (
        {"clantune": "clan"},
        (
            "$.clantune: 'clan' is not a type of document; the types are genome, allele, "
            "strategy, evolution"
        ),
    ),
    "no version": ({"clantune": "genome"}, "$.version: None is not a format version"),
    "a version that is a flag": (_genome(version=True), "$.version: True is not a format version"),
    "a version before the first": (_genome(version=0), "$.version: 0 is not a format version"),
    "a version to come": (
        _genome(version=2),
        (
            "$.version: format version 2 is newer than 1, the newest that this clantune-core "
            "reads; upgrade it: pip install --upgrade clantune-core"
        ),
    ),
    "an unknown entry of a genome": (_genome(age=3), "$: unknown entry 'age'"),
    "an allele where a genome is wanted": (
        {"clantune": "allele", "version": 1, "kind": "float", "value": 1},
        "$: the document contains AbstractAllele, but Genome is expected",
    ),
    "an object": (_genome(metadata={"a": {1}}), f"$.metadata.a: {{1}} is a set; {PLAIN}"),
    "bytes inside": (_genome(uuid=b"0"), f"$.uuid: b'0' is a bytes; {PLAIN}"),
    "a key that is not a string": (
        _genome(metadata={1: 2}),
        "$.metadata: the key 1 is not a string",
    ),
    "not a number in Python": (_genome(fitness=math.nan), "$.fitness: nan is not a finite number"),
    # hostile
    "brackets": ("[" * 100_000, "$: lists and mappings are nested too deep"),
    "a cycle": (_cycle(), f"${'.metadata' * 127}.alleles: lists and mappings are nested too deep"),
    "alleles inside alleles": (
        _nested(33, {"kind": "float", "value": 1}),
        "$.alleles.lr: alleles are nested more than 32 levels deep in metadata",
    ),
    "plain data too deep for metadata": (
        _genome(metadata={"a": [[]] * 2} | {"b": json.loads("[" * 40 + "]" * 40)}),
        f"$.metadata.b{'[0]' * 31}: lists and mappings are nested too deep",
    ),
    "a lone surrogate": (
        '{"a": "\\ud800"}',
        "$.a: a string has a lone surrogate: '\\ud800'",
    ),
    "control characters in a key": (
        {"a\n\x1b[31m": math.inf},
        "$['a\\n\\x1b[31m']: inf is not a finite number",
    ),
    # huge
    "too many characters": ("[" + " " * 2**23, "$: the text is longer than 8388608 characters"),
    "too many values": ([0] * 300_000, "$: there are more than 250000 values"),
    "a long integer": ('{"a": ' + "1" * 100_000 + "}", "$.a: an integer is too long"),
    "a long integer in Python": ({"a": 10**5000}, "$.a: an integer has more than 1024 bits"),
    "a large number": ('{"a": 1e999}', "$.a: inf is not a finite number"),
    "a long name": (
        {"a" * 10**6: {1}},
        f"$['{'a' * 76}...]: {{1}} is a set; {PLAIN}",
    ),
    "many values in text": ("[" + "[]," * 2**18, "$: there are more than 250000 values"),
    "many faults": ("[" + "NaN," * 2_097_150 + "1]", "$: there are more than 250000 values"),
    "many values in bytes": (
        ("[" + '"a,b",' * 2**18 + "1]").encode("utf-16"),
        "$: there are more than 250000 values",
    ),
    "many strategies": (
        {"clantune": "evolution", "version": 1, "strategies": [{"strategy": "gust"}] * 101},
        "$.strategies: there are 101 strategies, more than 100",
    ),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_the_path_of_the_fault(data, message):
    expected = Evolution if isinstance(data, dict) and "strategies" in data else Genome
    with pytest.raises(DataError) as caught:
        deserialize(data, expected)
    assert str(caught.value) == message
    assert caught.value.path == message.partition(": ")[0]


@pytest.mark.parametrize("levels", [20, 100])
def test_lists_that_share_their_parts_count_as_often_as_they_are_there(levels):
    with pytest.raises(DataError) as caught:
        deserialize(_genome(metadata={"a": _shared(levels)}), Genome)
    assert caught.value.problem == "there are more than 250000 values"
    assert caught.value.path.startswith("$.metadata.a[0][0]")


@pytest.mark.parametrize("kind", ["os:system", "builtins.eval", "__import__", "x" * 10**6])
def test_a_name_of_code_is_a_name_that_nobody_knows(kind):
    with pytest.raises(DataError) as caught:
        deserialize(_gene(kind=kind), Genome)
    assert caught.value.path == "$.alleles.lr.kind"
    assert caught.value.problem.startswith(f"no kind of allele is called {kind[:70]!r}"[:-1])
    assert len(str(caught.value)) < 500


def test_a_message_is_no_longer_than_anyone_reads():
    names = [str(number) for number in range(100_000)]
    gene = {"kind": "string", "value": "none of them", "domain": names}
    with pytest.raises(DataError) as caught:
        deserialize(_genome(alleles={"lr": gene}), Genome)
    assert str(caught.value) == (
        "$.alleles.lr.value: 'none of them' is not among the choices ['0', '1', '2', '3', '4', "
        "'5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', ...] of this StringAllele"
    )


def test_a_kind_of_allele_that_was_not_wanted_is_refused():
    with pytest.raises(DataError) as caught:
        from_json(to_json(IntAllele(1)), FloatAllele)
    assert str(caught.value) == "$: the document contains IntAllele, but FloatAllele is expected"


@pytest.mark.parametrize("expected", ["Genome", None, Genome(uuid=ME), FloatAllele | IntAllele])
def test_what_is_wanted_is_named_by_its_class(expected):
    with pytest.raises(ClanTuneError) as caught:
        deserialize(_genome(), expected)
    assert str(caught.value) == (f"expected must be a class, such as Genome; got {shown(expected)}")


def _repeated(item):
    return "[" + item * ((2**23 - 10) // len(item)) + "1]"


@pytest.mark.parametrize(
    "item",
    ["NaN,", "1e999,", '{"a":1,"a":1},', "[[[[]]]],", '{"":{"":{}}},', '"ab",', '"\\"\\\\",', "0,"],
)
def test_a_large_text_is_refused_soon_and_in_little_memory(item):
    text = _repeated(item)
    start = time.process_time()
    with pytest.raises(DataError):
        Genome.deserialize(text)
    assert time.process_time() - start < 60  # about a second; hours if time grew with the square
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            Genome.deserialize(text)
        assert tracemalloc.get_traced_memory()[1] < 128 * 2**20
    finally:
        tracemalloc.stop()


def test_commas_and_brackets_in_text_are_no_values():
    genome = Genome(uuid=ME, metadata={"log": '[{,"\\' * 100_000})
    assert through_json(genome, Genome) == genome


# ---- What is imported ----


def test_reading_imports_the_plugin_that_is_named_and_no_other(site):
    site.install(
        "knots",
        """
        import attrs
        from clantune_core import FloatAllele, allele_kind

        @allele_kind("knots")
        @attrs.frozen(repr=False)
        class Knots(FloatAllele):
            pass
        """,
        alleles={"knots": "knots:Knots"},
    )
    documents = {
        "angle": {"clantune": "allele", "version": 1, "kind": "angle", "value": 90},
        "float": {"clantune": "allele", "version": 1, "kind": "float", "value": 1},
        "gust": {"clantune": "strategy", "version": 1, "strategy": "gust"},
        "knots": {"clantune": "allele", "version": 1, "kind": "knots", "value": 1},
    }
    code = """
        import sys
        from clantune_core import AbstractAllele, AbstractStrategy, deserialize

        document = {document!r}
        expected = AbstractStrategy if document["clantune"] == "strategy" else AbstractAllele
        made = deserialize(document, expected)
        print(type(made).__name__, sorted({{"knots", "clantune_compass"}} & sys.modules.keys()))
    """
    printed = {
        name: site.run(code.format(document=document)) for name, document in documents.items()
    }
    assert printed == {
        "angle": "AngleAllele ['clantune_compass']",
        "float": "FloatAllele []",
        "gust": "Gust ['clantune_compass']",
        "knots": "Knots ['knots']",
    }


def test_reading_imports_nothing_that_is_no_entry_point_of_that_name(site):
    # Importable, and an entry point of a group that is not ours: neither makes it a plugin.
    site.install("trap", "print('sprung')", strategies={"bait": "trap:Bait"})
    printed = site.run(
        """
        import sys
        from clantune_core import AbstractAllele, AbstractStrategy, DataError, Genome, deserialize

        names = ["trap", "trap:Bait", "trap.Bait", "antigravity", "pytest", "Bait", "bait "]
        for name in names:
            allele = {"clantune": "allele", "version": 1, "kind": name, "value": 1}
            strategy = {"clantune": "strategy", "version": 1, "strategy": name}
            for document, expected in ((allele, AbstractAllele), (strategy, AbstractStrategy)):
                try:
                    deserialize(document, expected)
                except DataError as error:
                    print(error.path)
        # A strategy that is installed is not imported either where something else is wanted.
        for expected in (Genome, AbstractAllele):
            try:
                document = {"clantune": "strategy", "version": 1, "strategy": "bait"}
                deserialize(document, expected)
            except DataError as error:
                print(error.path)
        print({"trap", "antigravity", "clantune_compass"} & sys.modules.keys())
        """
    )
    assert printed.splitlines() == [*["$.kind", "$.strategy"] * 7, "$", "$", "set()"]


# ---- Packages whose classes do not play along ----


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            (
                "class Odd(AbstractMutationStrategy):\n"
                "    def handle_mutating(self, allele): return allele\n"
            ),
            "$.parameters: Odd is not an attrs class, so its parameters are not known",
        ),
        (
            (
                "@attrs.frozen\nclass Odd(AbstractMutationStrategy):\n    x: 'Missing' = 1\n"
                "    def handle_mutating(self, allele): return allele\n"
            ),
            (
                "$.parameters: the types of Odd's fields are not known: NameError: name 'Missing' "
                "is not defined; in its module, import them outside of TYPE_CHECKING"
            ),
        ),
        (
            (
                "@attrs.frozen\nclass Odd(AbstractMutationStrategy):\n"
                "    def __attrs_post_init__(self): raise ZeroDivisionError('by zero')\n"
                "    def handle_mutating(self, allele): return allele\n"
            ),
            "$.parameters: ZeroDivisionError: by zero",
        ),
    ],
    ids=["no attrs class", "types unknown", "cannot be made"],
)
def test_a_plugin_that_cannot_be_read_is_a_fault_at_its_path(own_site, code, message):
    head = "import attrs\nfrom clantune_core import AbstractMutationStrategy\n"
    own_site.install("odd", head + code, strategies={"odd": "odd:Odd"})
    with pytest.raises(DataError) as caught:
        from_json('{"clantune": "strategy", "version": 1, "strategy": "odd"}', AbstractStrategy)
    assert str(caught.value) == message


def test_a_strategy_that_is_no_attrs_class_says_so_when_it_is_saved(own_site):
    code = """
        from clantune_core import AbstractMutationStrategy
        class Odd(AbstractMutationStrategy):
            def handle_mutating(self, allele): return allele
    """
    own_site.install("odd", code, strategies={"odd": "odd:Odd"})
    with pytest.raises(ClanTuneError) as caught:
        serialize(load_strategy("odd"))
    assert str(caught.value) == (
        "Odd cannot be saved, because its parameters are not known; make it an attrs class: "
        "@attrs.frozen above it, and a line for each parameter"
    )


def test_saving_does_not_stumble_over_a_broken_neighbour_in_the_same_package(own_site):
    good = "import attrs\nfrom clantune_compass import Gust\n@attrs.frozen\nclass Good(Gust): ...\n"
    entries = {"a_broken": "mixed:Missing", "good": "mixed:Good"}
    own_site.install("mixed", good, strategies=entries)
    assert serialize(load_strategy("good"))["strategy"] == "good"


def test_a_class_that_another_package_offers_is_saved_under_its_name(own_site):
    code = (
        "import attrs\nfrom clantune_compass import Gust\n@attrs.frozen\nclass Nudge(Gust): ...\n"
    )
    own_site.install("inner", code)
    own_site.install("outer", "from inner import Nudge\n", strategies={"nudge": "outer:Nudge"})
    nudge = load_strategy("nudge", chance=0.5)
    assert type(nudge).__module__ == "inner"
    assert through_json(nudge, AbstractStrategy) == nudge


def test_its_own_package_names_a_class_before_any_other_does(own_site):
    code = (
        "import attrs\nfrom clantune_compass import Gust\n@attrs.frozen\nclass Nudge(Gust): ...\n"
    )
    own_site.install("inner", code, strategies={"z_nudge": "inner:Nudge"})
    own_site.install("outer", "from inner import Nudge\n", strategies={"a_nudge": "outer:Nudge"})
    assert serialize(load_strategy("a_nudge"))["strategy"] == "z_nudge"


def test_a_strategy_that_is_switched_off_says_so_when_it_is_saved(monkeypatch):
    gust = Gust()
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-compass")
    with pytest.raises(PluginError) as caught:
        to_json(Evolution([gust]))
    assert str(caught.value) == (
        "strategy 'gust' of clantune-compass is switched off by "
        "CLANTUNE_DISABLE_PLUGINS=clantune-compass"
    )


def test_to_find_a_name_nothing_is_imported_that_is_switched_off(site):
    site.install("trap", "print('sprung')", strategies={"bait": "trap:Bait"})
    printed = site.run(
        """
        from clantune_core import AbstractMutationStrategy, ClanTuneError, to_json
        class Homeless(AbstractMutationStrategy):
            def handle_mutating(self, allele): return allele
        try:
            to_json(Homeless())
        except ClanTuneError as error:
            print(str(error)[:41])
        """,
        CLANTUNE_DISABLE_PLUGINS="trap",
    )
    assert printed == "Homeless cannot be saved, because no inst"


UNIONS = """
    import attrs
    from clantune_core import AbstractMutationStrategy

    @attrs.frozen
    class Mixed(AbstractMutationStrategy):
        step: int | float = 1
        start: float | str = "low"
        stop: int | float | None = None
        flags: tuple[bool | str, ...] = ()

        def handle_mutating(self, allele):
            return allele

    @attrs.frozen
    class Odd(AbstractMutationStrategy):
        limits: float | tuple[float, float] = 1.0

        def handle_mutating(self, allele):
            return allele

    @attrs.frozen
    class Careless(AbstractMutationStrategy):
        number: int = 1

        def handle_mutating(self, allele):
            return allele
"""


@pytest.fixture
def mixed(own_site):
    names = {"mixed": "unions:Mixed", "odd": "unions:Odd", "careless": "unions:Careless"}
    own_site.install("unions", UNIONS, strategies=names)
    import unions

    return unions


def test_a_parameter_may_be_one_of_several_plain_types(mixed):
    strategies = [
        mixed.Mixed(),
        mixed.Mixed(1.0, 0.5, 2, (True, "a")),
        mixed.Mixed(1, 1.0, 2.5, ("", False)),
    ]
    for strategy in strategies:
        again = through_json(strategy, AbstractStrategy)
        assert repr(again) == repr(strategy)  # which tells 1 from 1.0


def test_a_whole_number_is_one_for_a_type_that_holds_numbers(mixed):
    body = {"clantune": "strategy", "version": 1, "strategy": "mixed", "parameters": {"start": 1}}
    assert repr(deserialize(body, AbstractStrategy).start) == "1.0"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"step": True}, "$.parameters.step: True is not of type int or float"),
        ({"stop": "no"}, "$.parameters.stop: 'no' is not of type int or float or None"),
        ({"flags": ["a", 1]}, "$.parameters.flags[1]: 1 is not of type bool or str"),
    ],
)
def test_a_value_of_none_of_these_types_is_refused(mixed, parameters, message):
    body = {"clantune": "strategy", "version": 1, "strategy": "mixed", "parameters": parameters}
    with pytest.raises(DataError) as caught:
        deserialize(body, AbstractStrategy)
    assert str(caught.value) == message


NO_TYPE = (
    "a field of type float | tuple[float, float] cannot be read; use bool, int, float, str, a "
    "union of these and None, an enumeration, an attrs class, a strategy, an allele, or a tuple, "
    "list or dictionary of these"
)


def test_a_parameter_of_a_type_that_cannot_be_read_is_refused_when_it_is_saved(mixed):
    with pytest.raises(DataError) as caught:
        to_json(mixed.Odd())
    assert str(caught.value) == f"Odd.limits: {NO_TYPE}"
    body = {"clantune": "strategy", "version": 1, "strategy": "odd", "parameters": {"limits": 1}}
    with pytest.raises(DataError) as caught:
        deserialize(body, AbstractStrategy)
    assert str(caught.value) == f"$.parameters.limits: {NO_TYPE}"


def test_a_parameter_that_is_not_what_its_type_says_is_refused_when_it_is_saved(mixed):
    with pytest.raises(DataError) as caught:
        to_json(Evolution([mixed.Careless(0.5)]))
    assert str(caught.value) == "Careless.number: 0.5 is not of type int"


def test_metadata_inside_metadata_many_times_over_is_refused_in_words():
    genome = Genome(uuid=ME)
    for _ in range(31):
        genome = genome.with_metadata(before=genome.metadata)
    with pytest.raises(DataError) as caught:
        genome.with_metadata(before=genome.metadata)
    assert through_json(genome, Genome) == genome
    assert caught.value.problem == "lists and mappings are nested too deep"
