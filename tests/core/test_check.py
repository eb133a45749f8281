"""`clantune check`: the laws of the kit on installed plugins, good and bad."""

import json

import pytest
from clantune_compass import Gust
from hypothesis import core, settings
from hypothesis import strategies as st

from clantune_core import FloatAllele
from clantune_core.command import main
from clantune_core.command.named import plugins_of
from clantune_core.plugins import Group
from clantune_core.testing import registered
from clantune_core.testing.check_options import Checking
from clantune_core.testing.checking import verdicts_on
from clantune_core.testing.drawn import DrawnCases
from clantune_core.testing.registered import registered_alleles
from clantune_core.testing.verdicts import examples

FEW = ("--examples", "5")

GALE = """
    import random

    import attrs

    from clantune_core import AbstractCrossbreedingStrategy, AbstractMutationStrategy

    @attrs.frozen
    class Gale(AbstractMutationStrategy):
        def handle_mutating(self, allele):
            random.random()
            return allele

    @attrs.frozen
    class Lull(AbstractCrossbreedingStrategy):
        def handle_crossbreeding(self, my_allele):
            return None

    @attrs.frozen
    class Squall(AbstractMutationStrategy):
        strategy: AbstractMutationStrategy
        times: int
        size: tuple[float, ...] | None
        names: tuple[str, ...] = ()

        def handle_mutating(self, allele):
            return allele

    @attrs.frozen
    class Named(AbstractMutationStrategy):
        name: str

        def handle_mutating(self, allele):
            return allele

    @attrs.frozen
    class Never(AbstractMutationStrategy):
        size: float = attrs.field()

        @size.validator
        def _check(self, attribute, value):
            if value < 100:
                raise ValueError("the size is at least 100")

        def handle_mutating(self, allele):
            return allele
"""


def checked(capsys, *arguments):
    """Run the command with --json; return the exit status, and what it found by plugin."""
    status = main(["check", *arguments, "--json", *FEW])
    found = json.loads(capsys.readouterr().out)
    return status, {each["name"]: each for each in found}


def laws(found):
    return {each["law"]: each["outcome"] for each in found["laws"]}


# ---- Laws ----


def test_the_example_package_keeps_every_law(capsys):
    status = main(["check", "Clantune_Compass", *FEW])
    lines = capsys.readouterr().out.splitlines()
    assert status == 0
    assert lines[0] == "strategy 'gust' of clantune-compass 0.1.0"
    assert "kind of allele 'angle' of clantune-compass 0.1.0" in lines
    assert "  ok           answers_the_same_in_another_process" in lines
    assert "  ok           adds_up_small_steps" in lines
    assert lines[-1].startswith("2 plugins: 29 laws, none broken, in ")
    assert {line[:4] for line in lines[1:-1]} == {"  ok", "kind"}


def test_a_broken_law_is_told_with_its_sentence_and_the_smallest_case(own_site, capsys):
    own_site.install("gale", GALE, version="2.5", strategies={"gale": "gale:Gale"})
    usual = settings.get_current_profile_name(), core.global_force_seed
    assert main(["check", "gale", *FEW]) == 1
    assert (settings.get_current_profile_name(), core.global_force_seed) == usual
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    (broken,) = (place for place, line in enumerate(lines) if line.startswith("  broken"))
    assert lines[broken].strip() == (
        "broken       leaves_global_randomness_alone: A strategy draws from the streams that it "
        "receives, never from the module `random`."
    )
    assert [line.strip()[:30] for line in lines[broken + 1 : broken + 5]] == [
        "it drew from the global genera",
        "The smallest case that was fou",
        "<Case",
        "strategy Gale(), rank 0, seed ",
    ]
    assert lines[0] == "strategy 'gale' of gale 2.5"
    assert lines[-1].startswith("1 plugin: 15 laws, 1 broken, in ")
    assert "try_it" not in printed


def test_a_hook_that_always_passes_is_broken_unless_it_may(own_site, capsys):
    own_site.install("gale", GALE, strategies={"lull": "gale:Lull"})
    status, found = checked(capsys, "lull")
    assert status == 1
    outcomes = laws(found["lull"])
    assert {law for law in outcomes if outcomes[law] != "ok"} == {"crossbreeds_something"}
    status, found = checked(capsys, "lull", "--may-pass", "handle_crossbreeding")
    assert status == 0
    assert "crossbreeds_something" not in laws(found["lull"])


SHORE = """
    import attrs
    from hypothesis import strategies as st

    from clantune_core import (
        AbstractAllele,
        AbstractMutationStrategy,
        AbstractStrategy,
        AlleleError,
        Ancestry,
        allele_kind,
    )

    @allele_kind("pebble")
    @attrs.frozen(repr=False)
    class Pebble(AbstractAllele):
        def check_domain(self, domain):
            return None

        def check_value(self, value):
            if value not in ("grey", "white"):
                raise AlleleError(f"a pebble is grey or white; got {value!r}")
            return value

        def with_value(self, value):
            return attrs.evolve(self, value=value)

    @attrs.frozen
    class Roll(AbstractMutationStrategy):
        def handle_mutating(self, allele, my_genome):
            if isinstance(allele, Pebble):
                my_genome.metadata["tide"]
            return allele

    @attrs.frozen
    class Sort(AbstractMutationStrategy):
        strategy: AbstractStrategy

        def select_ancestry(self, my_genome, population_genomes):
            return Ancestry.sole(0, population_genomes)

        def handle_mutating(self, allele):
            return allele

    def pebbles():
        return st.builds(Pebble, st.sampled_from(["grey", "white"]))

    def washed(genome):
        return genome.with_metadata({"tide": 1})

    def no_strategy_at_all():
        return Pebble("grey")

    def drowned(genome=None):
        raise OSError("high water")
"""


def shore(site, **groups):
    site.install(
        "shore",
        SHORE,
        strategies={"roll": "shore:Roll", "sort": "shore:Sort"},
        alleles={"pebble": "shore:Pebble"},
        **groups,
    )


def test_a_package_says_how_to_draw_what_its_strategies_are_for(own_site, capsys):
    shore(
        own_site,
        drawn_alleles={"pebble": "shore:pebbles"},
        drawn_genomes={"any": "shore:washed"},
    )
    status, found = checked(capsys, "shore")
    assert status == 0
    assert laws(found["roll"])["answers_every_population"] == "ok"
    assert laws(found["sort"])["selects_somebody"] == "ok"
    assert laws(found["pebble"])["is_equal_after_json"] == "ok"


def test_without_it_a_strategy_finds_genomes_without_their_metadata(own_site, capsys):
    shore(own_site, drawn_alleles={"pebble": "shore:pebbles"})
    # Half of the cases have a pebble.
    assert main(["check", "shore", "--json", "--examples", "40"]) == 1
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    (broken,) = (each for each in found["roll"]["laws"] if each["outcome"] == "broken")
    assert broken["law"] == "answers_every_population"
    assert "KeyError: 'tide'" in broken["problem"]


@pytest.mark.parametrize(
    ("genomes", "problem"),
    [
        ("shore:drowned", "completion of drawn genomes 'any' of shore failed: OSError: high water"),
        ("sea:washed", "completion of drawn genomes 'any' of shore cannot be imported: Module"),
    ],
)
def test_genomes_that_cannot_be_completed_leave_the_strategies_unchecked(
    genomes, problem, own_site, capsys
):
    shore(own_site, drawn_alleles={"pebble": "shore:pebbles"}, drawn_genomes={"any": genomes})
    _, found = checked(capsys, "shore")
    assert found["roll"]["not_checked"].startswith(problem)
    assert laws(found["pebble"])["is_equal_after_json"] == "ok"


def test_alleles_that_fail_to_be_drawn_leave_the_strategies_unchecked(own_site, capsys):
    shore(own_site, drawn_alleles={"pebble": "shore:drowned"})
    assert main(["check", "roll", *FEW]) == 2
    assert "'pebble' of shore failed: OSError: high water" in capsys.readouterr().out


def test_entry_points_are_looked_for_once_for_each_kind(monkeypatch):
    looked = []
    monkeypatch.setattr(Group, "installed", lambda group: looked.append(group) or [])
    monkeypatch.setattr(registered, "_registered", {})
    for _ in range(3):
        assert registered_alleles(FloatAllele) is None
    assert len(looked) == 1


def test_an_entry_point_that_returns_no_hypothesis_strategy_is_named(own_site, capsys):
    shore(own_site, drawn_alleles={"pebble": "shore:no_strategy_at_all"})
    _, found = checked(capsys, "shore")
    assert "'pebble' of shore returns " in found["pebble"]["not_checked"]
    assert "which is not a hypothesis strategy" in found["pebble"]["not_checked"]


def test_the_seed_decides_the_cases():
    def drawn(seed):
        with examples(3, seed):
            return [*map(repr, DrawnCases(3).some(3, st.just(Gust())))]

    assert drawn(1) == drawn(1) != drawn(2)


def test_hypothesis_draws_as_before_after_a_check_that_is_not_consumed():
    usual = settings.get_current_profile_name(), core.global_force_seed
    with verdicts_on(plugins_of("gust"), Checking(examples=3, seed=7)) as verdicts:
        assert next(verdicts).outcome == "ok"
        assert (settings.default.max_examples, core.global_force_seed) == (3, 7)
    assert (settings.get_current_profile_name(), core.global_force_seed) == usual


def test_it_tries_as_many_cases_as_a_test_does(capsys):
    number = settings.get_profile("default").max_examples
    assert Checking().examples == number
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    assert f"(default: {number}, as in tests;" in " ".join(capsys.readouterr().out.split())


# ---- Instances ----


def test_parameters_without_a_default_take_simple_values(own_site, capsys):
    own_site.install("gale", GALE, strategies={"squall": "gale:Squall"})
    status, found = checked(capsys, "squall")
    assert status == 0  # what it wraps comes from clantune-strategies: its own package has nothing
    assert len(laws(found["squall"])) > 10


def test_what_cannot_be_made_is_not_checked_and_says_why(own_site, capsys):
    own_site.install("gale", GALE, strategies={"named": "gale:Named", "never": "gale:Never"})
    assert main(["check", "named"]) == 2
    printed = capsys.readouterr().out
    assert "  not checked  its parameter 'name' of the type str has no default\n" in printed
    assert "Pass arguments with --arguments, or write a test with @conforms" in printed
    status, found = checked(capsys, "gale")
    assert status == 0
    assert found["never"]["not_checked"] == (
        "Never accepts none of the tried arguments (ValueError: the size is at least 100)"
    )


def test_arguments_and_genes_are_taken_from_the_command_line(capsys):
    given = ("--arguments", '{"leader": "lr", "follower": "wd", "at": [0.1, 0.01]}')
    status, found = checked(capsys, "coupled", *given, "--genes", "lr=log_float,wd=log_float")
    assert (status, {*laws(found["coupled"]).values()}) == (0, {"ok"})
    status, found = checked(capsys, "float", "--arguments", '{"value": 0.5, "domain": [0, 1]}')
    assert (status, {*laws(found["float"]).values()}) == (0, {"ok"})


# ---- Recipes, presets, and what cannot be loaded ----


def test_recipes_and_presets_have_the_right_form(own_site, capsys):
    code = """
        class Listed(list):
            settings = {"rounds": 0}

        def good(): return []
        def bad(): return [3]
        def settings(): return Listed()
        def needs(size): return []
        def preset(model, optimizer, size=1): return {}
        def wrong(model): return {}
    """
    own_site.install(
        "night",
        code,
        recipes={name: f"night:{name}" for name in ("good", "bad", "settings", "needs")},
        presets={name: f"night:{name}" for name in ("preset", "wrong", "missing")},
    )
    status, found = checked(capsys, "night")
    assert status == 1
    problems = {
        name: [law["problem"] for law in each["laws"] if law["outcome"] == "broken"]
        for name, each in found.items()
    }
    assert problems["good"] == problems["preset"] == problems["needs"] == []
    assert found["needs"]["not_checked"] == "its parameter 'size' has no default"
    assert "entry 0 of the list" in problems["bad"][0]
    assert "0 is not a whole number, 1 or more" in problems["settings"][0]
    assert "too many positional arguments" in problems["wrong"][0]
    assert "has no attribute 'missing'" in problems["missing"][0]
    assert checked(capsys, "needs", "--arguments", '{"size": 3}')[0] == 0


# ---- Misuse ----


def test_an_unknown_plugin_suggests_the_nearest(capsys):
    assert main(["check", "clantune-compas"]) == 2
    assert capsys.readouterr().err == (
        "clantune check: no installed package, strategy, kind, recipe or preset is called "
        "'clantune-compas'; did you mean 'clantune-compass'? `clantune list` shows what is "
        "installed\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clantune-frameworks"], "clantune-frameworks is installed, but names no strategy,"),
        ([""], "no installed package, strategy, kind, recipe or preset is called ''"),
        (["clantune-compass", "--arguments", "{}"], "has 2: name one of gust, angle"),
        (["gust", "--arguments", '{"sdt": 1}'], "arguments: unknown entry 'sdt'"),
        (
            ["gust", "--arguments", '{"chance": 7}'],
            "these arguments: ValueError: 'chance' must be <= 1.0",
        ),
        (["gust", "--genes", "lr=lgo_float"], "called 'lgo_float'; did you mean 'log_float'?"),
        (["pbt", "--arguments", '{"quantil": 1}'], "recipe 'pbt' is created as pbt(*, quantile"),
    ],
)
def test_misuse_is_told(arguments, message, capsys):
    assert main(["check", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("clantune check: ")
    assert message in told


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--arguments", "{std: 1}", "'{std: 1}' is not JSON: "),
        ("--arguments", "[1]", "'[1]' does not map names to values"),
        ("--genes", "lr", "'lr' is not like lr=log_float,steps=int"),
        ("--examples", "0", "'0' is not a number of cases, 1 or more"),
        ("--may-pass", "handle_setup", "invalid choice: 'handle_setup'"),
    ],
)
def test_a_wrong_option_is_told(option, value, message, capsys):
    with pytest.raises(SystemExit) as left:
        main(["check", "gust", option, value])
    assert left.value.code == 2
    assert f"clantune check: error: argument {option}: {message}" in capsys.readouterr().err


def test_what_is_switched_off_is_not_checked(monkeypatch, capsys):
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-compass")
    assert main(["check", "clantune-compass"]) == 2
    assert "is switched off by CLANTUNE_DISABLE_PLUGINS" in capsys.readouterr().err


def test_the_kit_is_named_where_it_is_not_installed(site):
    printed = site.run(
        """
        import sys

        sys.modules["hypothesis"] = None  # as if it were not installed
        from clantune_core.command import main

        sys.stderr = sys.stdout
        print(main(["check", "gust"]))
        """
    )
    assert printed == (
        "clantune check: the conformance kit needs hypothesis, which is not installed: "
        'pip install "clantune-core[testing]"\n2'
    )
