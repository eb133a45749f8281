"""Presets by text: a name with options, and the one that fits an optimizer."""

import functools

import pytest

from clantune_core import PluginError, load_preset

RAIN = """
    class Drizzle: pass
    class Downpour(Drizzle): pass
    class Hail(Downpour): pass
    class Fog: pass

    def rain(model, optimizer, *, heavy=False, parts=(), name="rain"):
        return {}

    def pour(model, optimizer, *, at):
        return {}

    def mist(model, optimizer, **options):
        return {}

    rain.optimizers = (Downpour, Drizzle)
    pour.optimizers = (Drizzle,)
"""


@pytest.fixture
def rain(own_site):
    """The module of a package with two presets for optimizers, and one for others."""
    names = ("rain", "pour", "mist")
    own_site.install("rain", RAIN, presets={name: f"rain:{name}" for name in names})
    return load_preset("rain").__globals__


def refusal(text, optimizer=None):
    with pytest.raises(PluginError) as caught:
        load_preset(text, optimizer)
    return str(caught.value)


# ---- Options ----


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("rain()", {}),
        ("rain(heavy=True)", {"heavy": True}),
        (
            " rain ( heavy = True , parts = ('a', -1.5, None) )",
            {"heavy": True, "parts": ("a", -1.5, None)},
        ),
        ("rain(parts={'a': [1]}, name='(')", {"parts": {"a": [1]}, "name": "("}),
        ("mist(anything=1)", {"anything": 1}),
    ],
)
def test_options_are_keyword_arguments(rain, text, options):
    preset = load_preset(text)
    assert isinstance(preset, functools.partial)
    assert preset.keywords == options
    assert preset(None, None) == {}


@pytest.mark.parametrize(
    "text",
    [
        "rain(True)",
        "rain(havy=True)",
        "rain(heavy=open('x'))",
        "rain(heavy=heavy)",
        "rain(heavy=True, heavy=False)",
        "rain(**{'heavy': True})",
        "rain(heavy=True",
        "rain(heavy=True))",
        "rain(heavy=True)(None)",
        "rain(heavy=True) + 1",
        "rain(model=1)",
        "rain(" + "(" * 2000,
    ],
)
def test_anything_else_is_refused_with_the_options_that_there_are(rain, text):
    assert refusal(text).startswith(
        "preset 'rain' takes keyword arguments with literal values, as in rain(heavy=False, "
        "parts=(), name='rain'); got "
    )


def test_a_missing_option_is_named(rain):
    assert refusal("pour()") == (
        "preset 'pour' takes keyword arguments with literal values, as in pour(at=...); got "
        "'pour()'"
    )


def test_an_unknown_name_with_options_is_unknown(rain):
    assert refusal("rainn(heavy=True)").startswith(
        "no preset is called 'rainn'; did you mean 'rain'? Installed: "
    )


@pytest.mark.parametrize(("name", "shown"), [(3, "3"), (None, "None")])
def test_a_name_is_a_string(name, shown):
    assert refusal(name) == f"the name of a preset must be a string; got {shown}"


# ---- The one that fits ----


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [("Downpour", "rain"), ("Hail", "rain"), ("Drizzle", "pour")],
)
def test_auto_is_the_preset_of_the_nearest_class_that_lists_it_first(rain, optimizer, name):
    assert load_preset("auto", rain[optimizer]()) is rain[name]


def test_auto_takes_options(rain):
    preset = load_preset("auto(heavy=True)", rain["Hail"]())
    assert (preset.func, preset.keywords) == (rain["rain"], {"heavy": True})
    assert refusal("auto(at=1, heavy=2)", rain["Hail"]()) == (
        "preset 'auto' takes keyword arguments with literal values, as in auto(heavy=False, "
        "parts=(), name='rain'); got 'auto(at=1, heavy=2)'"
    )


def test_auto_for_an_optimizer_that_no_preset_fits_lists_those_that_there_are(rain, monkeypatch):
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-autobind")
    assert refusal("auto", rain["Fog"]()) == (
        "preset 'auto': no installed preset fits Fog; there are pour, rain. Add its genes by name, "
        'clan.add_gene("lr"), or write a preset: a function of model and optimizer that returns '
        "alleles by name"
    )


def test_two_presets_that_fit_equally_well_are_refused(rain, own_site):
    code = "import rain\ndef storm(model, optimizer): return {}\nstorm.optimizers = (rain.Drizzle,)"
    own_site.install("storm", code, presets={"storm": "storm:storm"})
    assert refusal("auto", rain["Drizzle"]()) == (
        "preset 'auto': preset 'pour' of rain and preset 'storm' of storm fit Drizzle equally "
        "well; name one of them"
    )
