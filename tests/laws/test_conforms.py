"""How the kit is used: items by name, expected failures with reasons, and what it refuses."""

import re
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    ClanTuneError,
    ContinuousAllele,
    Genome,
    IntAllele,
    Population,
    StrategyError,
)
from clantune_core.testing import LawBroken, all_laws, alleles, conforms, laws, populations

OUTSIDE = """
import attrs
from hypothesis import Phase, settings
from hypothesis import strategies as st
from clantune_core import AbstractMutationStrategy, FloatAllele
from clantune_core.testing import conforms

settings.register_profile("few", max_examples=10, derandomize=True, phases=[Phase.generate])
settings.load_profile("few")

@attrs.frozen
class Nudge(AbstractMutationStrategy):
    by: float = 0.1
    def handle_mutating(self, allele):
        return allele

@attrs.frozen
class Prune(AbstractMutationStrategy):
    def handle_mutating(self, allele, context):
        return allele.with_metadata(more=FloatAllele(1.0)) if context.is_hyperparameter else allele

@conforms(st.builds(Nudge, by=st.floats(0, 1)))
def test_nudge(law):
    law()

@conforms(st.builds(Prune), expected_failures={"keeps_the_tree_shape": "grows by design"})
def test_prune(law):
    law()

@conforms(st.builds(Nudge), expected_failures={"keeps_no_state": "it does not, really"})
def test_wrong_expectation(law):
    law()
"""


@attrs.frozen
class Still(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return allele


@attrs.frozen
class Locks(AbstractMutationStrategy):
    def handle_mutating(self, allele: AbstractAllele) -> AbstractAllele:
        return attrs.evolve(allele, can_mutate=not isinstance(allele, IntAllele))


@attrs.frozen
class Idle(AbstractMutationStrategy):
    handle_mutating = None  # type: ignore[assignment]


def test_each_law_is_an_item_and_an_expected_failure_has_a_reason(tmp_path: Path):
    file = tmp_path / "test_outside.py"
    file.write_text(OUTSIDE)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(file)]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert "PASSED test_outside.py::test_nudge[answers_every_population]" in run.stdout
    assert "PASSED test_outside.py::test_nudge[answers_the_same_in_another_process]" in run.stdout
    assert "XFAIL test_outside.py::test_prune[keeps_the_tree_shape] - grows by design" in run.stdout
    assert "FAILED test_outside.py::test_wrong_expectation[keeps_no_state]" in run.stdout
    assert run.stdout.count("FAILED") == 1, run.stdout


def test_a_failure_is_one_sentence_and_the_smallest_case():
    found = {law.name: law for law in laws(st.builds(Locks), genes={"n": alleles(IntAllele)})}
    with pytest.raises(LawBroken) as caught:
        found["leaves_alone_what_is_not_its_own"]()
    sentence, detail = str(caught.value).split("\n", 1)
    assert sentence == (
        "Breeding keeps the flags of an allele and the metadata of other strategies."
    )
    assert detail.startswith("But handle_mutating changed can_mutate of gene ")
    assert detail.endswith(": it was True")
    # Shrunk to one member; whether the allele is a gene or in its metadata is a matter of luck.
    case = "\n".join(caught.value.__notes__)
    assert "strategy Locks(), rank 0, seed 0, generation 0" in case
    assert re.search(r" int +0 +0 \.\. 0 ", case)
    assert case.count("<Genome") == 1


def test_laws_work_without_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import hypothesis.strategies as st\n"
        "from clantune_core.testing import laws\n"
        "from clantune_compass import Gust\n"
        "[law for law in laws(st.builds(Gust)) if law.name == 'survives_pickling'][0]()\n"
        "print('kept')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert (run.stdout, run.stderr) == ("kept\n", "")


def test_laws_are_chosen_by_hooks():
    names = {law.name for law in laws(st.builds(Still))}
    assert "keeps_the_tree_shape" in names
    assert "only_adds_metadata" not in names
    assert names < set(all_laws())


def test_an_unknown_law_is_refused_when_the_test_is_defined():
    with pytest.raises(ClanTuneError, match="no law called 'keeps_the_shape' applies here; choose"):
        conforms(st.builds(Still), expected_failures={"keeps_the_shape": "no"})


def test_an_expected_failure_needs_a_reason():
    with pytest.raises(
        ClanTuneError, match=r"expected_failures\['keeps_no_state'\] has no reason; write one"
    ):
        conforms(st.builds(Still), expected_failures={"keeps_no_state": " "})


@attrs.frozen
class Shy(AbstractCrossbreedingStrategy):
    """Leaves all crossbreeding to others."""

    def handle_crossbreeding(self, my_allele: AbstractAllele) -> None:
        return None


def test_a_strategy_that_may_pass_says_so_with_a_reason():
    (law,) = (law for law in laws(st.builds(Shy)) if law.name == "crossbreeds_something")
    with pytest.raises(LawBroken) as caught:
        law()
    assert str(caught.value) == (
        "`handle_crossbreeding` returns an allele in at least one case, unless `may_pass` names it."
        "\nBut it does so in none of 200 cases; is a `return` missing?"
    )
    declared = laws(st.builds(Shy), may_pass={"handle_crossbreeding": "it is shy"})
    assert "crossbreeds_something" not in {law.name for law in declared}


@pytest.mark.parametrize(
    ("may_pass", "message"),
    [
        (
            {"handle_crossbreeding": ""},
            "may_pass['handle_crossbreeding'] has no reason; write one as its value",
        ),
        (
            ["handle_crossbreeding"],
            "may_pass must map names to reasons; got ['handle_crossbreeding']",
        ),
        (
            {"select_ancestry": "shy"},
            (
                "no hook that may pass called 'select_ancestry' applies here; choose from: "
                "handle_crossbreeding"
            ),
        ),
    ],
)
def test_what_does_not_declare_that_a_strategy_may_pass_is_refused(may_pass, message):
    with pytest.raises(ClanTuneError) as caught:
        conforms(st.builds(Shy), may_pass=may_pass)
    assert str(caught.value) == message


def test_an_instance_is_no_hypothesis_strategy():
    with pytest.raises(ClanTuneError, match=r"such as st.builds\(MyMutation\).*got Still\(\)"):
        conforms(Still())


def test_what_implements_no_hook_is_refused():
    with pytest.raises(StrategyError, match="Idle implements no hook, so no law applies to it"):
        laws(st.just(Idle()))


@given(st.from_type(Genome), st.from_type(Population), st.from_type(Ancestry))
def test_hypothesis_makes_the_types_of_the_core(genome, population, ancestry):
    assert isinstance(genome, Genome)
    assert isinstance(population, Population)
    assert isinstance(ancestry, Ancestry)


@given(alleles(IntAllele), st.from_type(ContinuousAllele))
def test_kinds_can_be_chosen(whole, continuous):
    assert type(whole) is IntAllele
    assert isinstance(continuous, ContinuousAllele)


@given(populations(min_size=2, max_size=5))
def test_populations_have_one_schema_and_fitnesses(population):
    assert 2 <= len(population) <= 5
    assert len(population.fitnesses()) == len(population)
    assert len({genome.uuid for genome in population}) == len(population)


def test_a_test_that_never_tries_its_law_fails(tmp_path: Path):
    file = tmp_path / "test_idle.py"
    file.write_text(
        "import hypothesis.strategies as st\n"
        "from clantune_compass import Gust\n"
        "from clantune_core.testing import conforms\n"
        "@conforms(st.builds(Gust))\n"
        "def test_gust(law):\n"
        "    law  # the parentheses are forgotten\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert "test_gust does not call its law; write law() in it" in run.stdout
    assert "passed" not in run.stdout


def test_the_laws_are_for_one_class_at_a_time():
    mixed = st.one_of(st.builds(Still), st.builds(Locks))
    with pytest.raises(ClanTuneError, match="one class at a time; these strategies are Still and"):
        laws(mixed)[0]()


def test_names_of_laws_come_in_collections():
    with pytest.raises(
        ClanTuneError, match=r"also must be a list of laws: also=\['keeps_no_state'\]"
    ):
        laws(st.builds(Still), also="keeps_no_state")
    with pytest.raises(ClanTuneError, match="expected_failures must map names to reasons; got"):
        conforms(st.builds(Still), expected_failures=["keeps_no_state"])


def test_a_strategy_that_needs_certain_genes_is_tried_on_these():
    seen = set()

    @attrs.frozen
    class Reads(AbstractMutationStrategy):
        def handle_mutating(self, allele, my_genome):
            seen.add((*my_genome.alleles,))
            assert isinstance(my_genome.alleles["lr"], IntAllele)
            return allele

    for law in laws(st.builds(Reads), genes={"lr": alleles(IntAllele)}):
        if law.name == "answers_every_population":
            law()
    assert seen == {("lr",)}
