"""What is installed: listed without importing it, loaded by name, switched off by a variable."""

import pytest

from clantune_core import (
    Evolution,
    PluginError,
    StrategyError,
    load_preset,
    load_recipe,
    load_strategy,
    strategies,
)

BREEZE = """
    import attrs
    from clantune_core import AbstractMutationStrategy

    @attrs.frozen
    class Breeze(AbstractMutationStrategy):
        strength: float = 1.0

        def handle_setup(self, allele):
            return allele

        def handle_mutating(self, allele):
            return allele
"""


def _named(name):
    return next(installed for installed in strategies() if installed.name == name)


def _listed():
    return [(each.name, each.distribution, each.version) for each in strategies()]


# ---- The list ----


def test_it_says_name_distribution_version_and_hooks_sorted_by_name(own_site):
    for distribution in ("zephyr", "Breeze.Pack"):
        name = distribution.lower().partition(".")[0]
        at = "breeze_pack:Breeze" if name == "breeze" else "zephyr:Breeze"
        own_site.install(distribution, BREEZE, version="2.5", strategies={name: at})
    ours = [entry for entry in _listed() if entry[0] in ("breeze", "gust", "zephyr")]
    assert ours == [
        ("breeze", "Breeze.Pack", "2.5"),
        ("gust", "clantune-compass", "0.1.0"),
        ("zephyr", "zephyr", "2.5"),
    ]
    assert _named("breeze").hooks == ("handle_setup", "handle_mutating")
    assert _named("gust").hooks == ("handle_mutating",)


def test_it_imports_nothing_and_hooks_import_only_the_package_asked(site):
    for name in ("breeze", "zephyr"):
        site.install(name, BREEZE, strategies={name: f"{name}:Breeze"})
    printed = site.run(
        """
        import sys
        from clantune_core import strategies

        def imported():
            plugins = {"breeze", "clantune_compass", "clantune_strategies", "zephyr"}
            return sorted(plugins & sys.modules.keys())

        by_name = {each.name: each for each in strategies()}
        print(sorted({"breeze", "gust", "zephyr"} & by_name.keys()))
        print(by_name["zephyr"], imported())
        print(by_name["zephyr"].hooks, imported())
        """
    )
    assert printed.splitlines() == [
        "['breeze', 'gust', 'zephyr']",
        "strategy 'zephyr' of zephyr []",
        "('handle_setup', 'handle_mutating') ['zephyr']",
    ]


def test_a_package_with_damaged_metadata_does_not_hide_the_others(own_site):
    own_site.install("breeze", BREEZE, strategies={"breeze": "breeze:Breeze"})
    nameless = own_site.folder / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text("[clantune.strategies]\nodd = ???\n")
    assert {("breeze", "breeze", "1.0"), ("odd", "unknown", "unknown")} <= set(_listed())
    assert type(load_strategy("breeze")).__name__ == "Breeze"
    with pytest.raises(PluginError, match="strategy 'odd' of unknown cannot be imported"):
        load_strategy("odd")


def test_a_package_without_metadata_hides_nothing_from_the_backport_either(site):
    pytest.importorskip("importlib_metadata", reason="importlib_metadata is not installed")
    nameless = site.folder / "nameless-1.0.dist-info"
    nameless.mkdir()
    (nameless / "entry_points.txt").write_text("[clantune.strategies]\nodd = ???\n")
    printed = site.run(
        """
        import importlib_metadata  # which finds packages for the standard library, too
        from clantune_core import strategies

        print([(each.distribution, each.version) for each in strategies() if each.name == "odd"])
        """
    )
    assert printed == "[('unknown', 'unknown')]"


# ---- Loading ----


def test_a_strategy_is_made_with_its_parameters():
    gust = load_strategy("gust", chance=0.5)
    assert (type(gust).__name__, gust.chance, gust.strength) == ("Gust", 0.5, 1.0)


def test_a_strategy_installed_while_the_process_runs_is_found(own_site):
    with pytest.raises(PluginError):
        load_strategy("latecomer")
    own_site.install("latecomer", BREEZE, strategies={"latecomer": "latecomer:Breeze"})
    assert load_strategy("latecomer", strength=3.0).strength == 3.0


@pytest.mark.parametrize("parameters", [{"chnce": 0.5}, {"chance": 0.5, "colour": "red"}])
def test_a_parameter_that_it_does_not_take_shows_those_that_it_takes(parameters):
    unknown = [*parameters][-1]
    with pytest.raises(StrategyError) as caught:
        load_strategy("gust", **parameters)
    assert str(caught.value) == (
        "strategy 'gust' is created as Gust(chance: float = 0.1, strength: float = 1.0): got an "
        f"unexpected keyword argument '{unknown}'"
    )
    assert caught.value.strategy == "gust"


def test_a_parameter_out_of_range_is_the_strategys_own_error_with_its_name_beneath():
    with pytest.raises(ValueError, match=r"^'chance' must be <= 1\.0: 3\.0") as caught:
        load_strategy("gust", chance=3.0)
    assert caught.value.__notes__ == ["in the parameters of strategy 'gust'"]


@pytest.mark.parametrize("name", [5, None, ["gust"]])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(PluginError) as caught:
        load_strategy(name)
    assert str(caught.value) == f"the name of a strategy must be a string; got {name!r}"


def test_an_unknown_name_suggests_the_nearest_and_lists_the_installed(site):
    printed = site.run(
        """
        import clantune_core
        for name in ("gusts", "x" * 10_000):
            try:
                clantune_core.load_strategy(name)
            except clantune_core.PluginError as error:
                print(error)
        """
    )
    installed = ", ".join(sorted(each.name for each in strategies()))
    advice = (
        f"Installed: {installed}. If a package offers it, pip install that package; ClanTune's own "
        "are in clantune-strategies"
    )
    assert printed.splitlines() == [
        f"no strategy is called 'gusts'; did you mean 'gust'? {advice}",
        f"no strategy is called '{'x' * 76}.... {advice}",
    ]


# ---- Switched off ----


@pytest.mark.parametrize(
    ("switched_off", "left"),
    [
        ("", ["breeze", "gust", "zephyr"]),
        ("clantune-compass", ["breeze", "zephyr"]),
        ("Clantune_Compass", ["breeze", "zephyr"]),
        ("breeze-pack,clantune.compass", ["zephyr"]),
        (" BREEZE_pack , zephyr ", ["gust"]),
        ("zephyr Breeze..Pack", ["gust"]),
        (",, ,no-such-thing", ["breeze", "gust", "zephyr"]),
    ],
)
def test_distributions_are_switched_off_by_name(own_site, monkeypatch, switched_off, left):
    own_site.install("Breeze.Pack", BREEZE, strategies={"breeze": "breeze_pack:Breeze"})
    own_site.install("zephyr", BREEZE, strategies={"zephyr": "zephyr:Breeze"})
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", switched_off)
    assert [each.name for each in strategies() if each.name in ("breeze", "gust", "zephyr")] == left


def test_a_strategy_that_is_switched_off_says_so_also_after_it_was_loaded(monkeypatch):
    load_strategy("gust")
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-compass")
    with pytest.raises(PluginError) as caught:
        load_strategy("gust")
    assert str(caught.value) == (
        "strategy 'gust' of clantune-compass is switched off by "
        "CLANTUNE_DISABLE_PLUGINS=clantune-compass"
    )


def test_switching_one_of_two_with_the_same_name_off_leaves_the_other(own_site, monkeypatch):
    for distribution in ("breeze-north", "breeze-south"):
        at = f"{distribution.replace('-', '_')}:Breeze"
        own_site.install(distribution, BREEZE, strategies={"twin": at})
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "breeze-north")
    assert type(load_strategy("twin")).__module__ == "breeze_south"


# ---- Broken packages ----


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('no wind')", "RuntimeError: no wind"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", "AttributeError: module 'gale' has no attribute 'Gale'"),
        ("def", "SyntaxError: invalid syntax (gale.py, line 1)"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named(own_site, code, problem):
    own_site.install("gale", code, strategies={"gale": "gale:Gale"})
    with pytest.raises(PluginError) as caught:
        load_strategy("gale")
    assert str(caught.value) == (
        f"strategy 'gale' of gale cannot be imported: {problem}; fix or uninstall that package, "
        "or switch it off: CLANTUNE_DISABLE_PLUGINS=gale"
    )
    assert caught.value.name == "gale"


@pytest.mark.parametrize(
    ("code", "held"),
    [("Squall = 'wind'", "'wind'"), ("class Squall: ...", "<class 'squall.Squall'>")],
)
def test_an_entry_point_that_leads_to_no_strategy_is_refused(own_site, code, held):
    own_site.install("squall", code, strategies={"squall": "squall:Squall"})
    with pytest.raises(PluginError) as caught:
        load_strategy("squall")
    assert str(caught.value) == (
        f"strategy 'squall' of squall is {held}, which is not a class that derives from "
        "AbstractStrategy; the package's entry point is wrong"
    )


# ---- Recipes and presets are found in the same way ----

LULL = (
    BREEZE
    + """
    def lull(*, strength=0.5):
        return [Breeze(strength=strength)]

    def lulls(model, optimizer):
        return {}
"""
)


def test_a_recipe_is_made_with_its_parameters(own_site):
    own_site.install("lull", LULL, recipes={"lull": "lull:lull"})
    assert [breeze.strength for breeze in load_recipe("lull")] == [0.5]
    assert [breeze.strength for breeze in load_recipe("lull", strength=2.0)] == [2.0]
    with pytest.raises(StrategyError) as caught:
        load_recipe("lull", strenth=2.0)
    assert str(caught.value) == (
        "recipe 'lull' is created as lull(*, strength=0.5): got an unexpected keyword argument "
        "'strenth'"
    )


def test_a_recipe_may_be_an_evolution(own_site):
    code = "from clantune_core import Evolution\ndef lull(): return Evolution([])"
    own_site.install("lull", code, recipes={"lull": "lull:lull"})
    assert load_recipe("lull") == Evolution([])


def test_a_preset_is_a_function_of_model_and_optimizer(own_site):
    own_site.install("lull", LULL, presets={"lulls": "lull:lulls"})
    assert load_preset("lulls")(None, None) == {}


@pytest.mark.parametrize(
    ("load", "group", "form"),
    [
        (load_recipe, "recipes", "a function that returns a list of strategies"),
        (load_preset, "presets", "a function of a model and an optimizer"),
    ],
)
def test_an_entry_point_of_another_form_is_refused(own_site, load, group, form):
    own_site.install("squall", "gust = 5", **{group: {"gusty": "squall:gust"}})
    with pytest.raises(PluginError) as caught:
        load("gusty")
    assert str(caught.value) == (
        f"{group[:-1]} 'gusty' of squall is 5, which is not {form}; the package's entry point is "
        "wrong"
    )


@pytest.mark.parametrize("returned", ["None", "[1]", "'gust'", "{'a': 1}"])
def test_a_recipe_that_returns_something_else_is_refused(own_site, returned):
    own_site.install("squall", f"def gust(): return {returned}", recipes={"gusty": "squall:gust"})
    with pytest.raises(PluginError) as caught:
        load_recipe("gusty")
    assert str(caught.value) == (
        f"recipe 'gusty' of squall returned {returned}, which is not a list of strategies; the "
        "package is wrong"
    )


@pytest.mark.parametrize(
    ("load", "group", "what"),
    [(load_recipe, "recipes", "recipe"), (load_preset, "presets", "preset")],
)
def test_two_of_one_name_are_refused_until_one_is_switched_off(
    own_site, monkeypatch, load, group, what
):
    for distribution in ("lull-north", "lull-south"):
        at = f"{distribution.replace('-', '_')}:{'lull' if group == 'recipes' else 'lulls'}"
        own_site.install(distribution, LULL, **{group: {"twin": at}})
    with pytest.raises(PluginError) as caught:
        load("twin")
    assert str(caught.value) == (
        f"{what} 'twin' is installed by 2 distributions: lull-north, lull-south; uninstall one of "
        "them, or switch it off: CLANTUNE_DISABLE_PLUGINS=lull-south"
    )
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "lull-south")
    assert load("twin") is not None
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "lull-south lull-north")
    with pytest.raises(PluginError, match=rf"^{what} 'twin' of lull-north is switched off by "):
        load("twin")


@pytest.mark.parametrize(
    ("load", "group", "what", "home"),
    [
        (load_recipe, "recipes", "recipe", "clantune-strategies"),
        (load_preset, "presets", "preset", "clantune-autobind"),
    ],
)
def test_an_unknown_one_suggests_the_nearest(own_site, load, group, what, home):
    own_site.install("lull", LULL, **{group: {"lulling": "lull:lull"}})
    with pytest.raises(PluginError) as caught:
        load("luling")
    message = str(caught.value)
    assert message.startswith(f"no {what} is called 'luling'; did you mean 'lulling'? Installed: ")
    assert message.endswith(
        "If a package offers it, pip install that package; ClanTune's own are in " + home
    )
