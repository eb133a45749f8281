"""Every strategy keeps every law of the kit, for genes of any kind and for lineages."""

import functools
import pickle

import attrs
import pytest
from families import families
from hypothesis import settings
from hypothesis import strategies as st

import clantune_neuro
from clantune_core import AbstractMutationStrategy, AbstractStrategy
from clantune_core.command import main
from clantune_core.testing import ancestries, laws
from clantune_core.testing.another_process import answers_the_same_in_another_process
from clantune_core.testing.cases import Case, cases
from clantune_core.testing.laws import in_several_cases
from clantune_neuro import (
    Append,
    ByPosition,
    Duplicate,
    LethalRate,
    Lexicographic,
    Mean,
    OnePoint,
    Repeat,
    Union,
)
from clantune_strategies import Everyone, KeepBest, MateChoice, Smoothed, TopN, Tournament

_selections = st.one_of(
    st.builds(Tournament, size=st.integers(1, 3), tournaments=st.integers(1, 3)),
    st.builds(KeepBest, st.builds(TopN, st.integers(1, 3), st.builds(Everyone))),
    st.builds(MateChoice, st.builds(Everyone)),
    st.builds(Smoothed, st.builds(Everyone)),
)
_operators = st.sampled_from(["normal", "rank-1", "rate", "norm", "fresh"])

CONFIGURED = {
    Append: st.builds(
        Append, _operators | st.dictionaries(_operators, st.floats(0.01, 9), min_size=1)
    ),
    Repeat: st.builds(Repeat, factor=st.floats(0.001, 9), chance=st.floats(0, 1)),
    Duplicate: st.builds(Duplicate, trace=st.booleans(), label=st.floats(0, 1)),
    LethalRate: st.builds(LethalRate, limit=st.floats(1e-9, 9), learned=st.booleans()),
    Union: st.builds(Union),
    OnePoint: st.builds(OnePoint),
    ByPosition: st.builds(ByPosition),
    Mean: st.builds(Mean, st.floats(0, 1)),
    Lexicographic: st.builds(
        Lexicographic, _selections, st.sampled_from([(), ("age",), ("age", "intrinsic")])
    ),
}

_FORWARDING = {Lexicographic: {"handle_crossbreeding": "the other strategy may not crossbreed"}}
_PASSING = _FORWARDING | {
    kind: {"handle_crossbreeding": "it answers for lineages, which the kit does not draw"}
    for kind in (Union, OnePoint, ByPosition, Mean)
}


class _Still(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        return allele


@st.composite
def _lineages(draw):
    family = draw(families())
    return Case(
        strategy=_Still(),
        population=family,
        rank=draw(st.integers(0, len(family) - 1)),
        ancestry=draw(ancestries(family)),
        is_bred=draw(st.booleans()),
        seed=draw(st.integers(0, 999)),
        generation=draw(st.integers(0, 9)),
        progress=None,
    )


@pytest.fixture(scope="module", autouse=True)
def _few_examples():
    """Try each law on few cases: there are many laws, and the cases are the same for all."""
    before = settings.get_current_profile_name()
    settings.register_profile("few", settings(), max_examples=4)
    settings.load_profile("few")
    yield
    settings.load_profile(before)


@functools.cache
def _drawn(source):
    """Return cases without their strategy. Drawing one takes longer than trying it."""
    found = []
    in_several_cases(12)(found.extend, source())
    return sorted(map(pickle.dumps, found), key=len)


def _any_genes():
    return cases(st.builds(_Still))


def _with(case, strategy):
    return attrs.evolve(pickle.loads(case), strategy=strategy)


def _cases_of(kind, source):
    return st.builds(_with, st.sampled_from(_drawn(source)), CONFIGURED[kind])


def _applied(kind, passing):
    return [
        pytest.param(kind, law, id=f"{kind.__name__}-{law.name}")
        for law in laws(CONFIGURED[kind], may_pass=passing.get(kind))
        if law.name != answers_the_same_in_another_process.__name__
    ]


@pytest.mark.parametrize(
    ("kind", "law"),
    [each for kind in CONFIGURED if kind is not Lexicographic for each in _applied(kind, _PASSING)],
)
def test_every_strategy_keeps_the_laws_for_genes_of_any_kind(kind, law):
    attrs.evolve(law, cases=_cases_of(kind, _any_genes))()


@pytest.mark.parametrize(
    ("kind", "law"), [each for kind in CONFIGURED for each in _applied(kind, _FORWARDING)]
)
def test_every_strategy_keeps_the_laws_for_lineages(kind, law):
    attrs.evolve(law, cases=_cases_of(kind, _lineages))()


def test_all_answer_the_same_in_another_process():
    found = []
    for kind in CONFIGURED:
        in_several_cases(3)(found.extend, _cases_of(kind, _lineages))
    answers_the_same_in_another_process(found)


@pytest.mark.parametrize("name", ["neuro-union", "neuro-duplicate", "neuro-lexicographic"])
def test_the_command_checks_a_strategy_on_evaluated_lineages(name, capsys):
    assert main(["check", name, "--examples", "5"]) == 0
    assert "none broken" in capsys.readouterr().out


def test_no_strategy_is_left_out():
    exported = (getattr(clantune_neuro, name) for name in clantune_neuro.__all__)
    kinds = {each for each in exported if isinstance(each, type)}
    assert {kind for kind in kinds if issubclass(kind, AbstractStrategy)} == {*CONFIGURED}
