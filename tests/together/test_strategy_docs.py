"""The pages of the strategies are complete, and their tables say what the code does."""

import inspect
import re
import tomllib
from random import Random

import attrs
import pytest

import clantune_strategies
from clantune_core import (
    AbstractStrategy,
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    Population,
    StringAllele,
    rng,
)
from clantune_strategies import (
    checks,
    crossbreeding,
    designs,
    mutation,
    recipes,
    selection,
    wrappers,
)
from clantune_strategies.designs.hadamard import hadamard

FAMILIES = {
    "selection": selection,
    "crossbreeding": crossbreeding,
    "mutation": mutation,
    "designs": designs,
    "recipes": recipes,
}
STRATEGIES = {
    name: getattr(module, name)
    for module in FAMILIES.values()
    for name in module.__all__
    if isinstance(getattr(module, name), type) and name != "Recipe"
}
RECIPES = {
    name: getattr(recipes, name)
    for name in recipes.__all__
    if inspect.isfunction(getattr(recipes, name))
}
FAMILY_OF = {name: family for family, module in FAMILIES.items() for name in module.__all__}
FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINKED = re.compile(r"\[`(\w+)(?:\(\))?`\]\(((?:[\w/]+\.md)?#\w+)\)")


@pytest.fixture
def page(root):
    return lambda family: (root / f"docs/strategies/{family}.md").read_text("utf-8")


@pytest.fixture
def entries(page):
    """The text below each heading of a family that is a name, by name."""

    def entries_of(family):
        parts = re.split(r"^## (.*)$", page(family), flags=re.MULTILINE)[1:]
        named = dict(zip(parts[::2], parts[1::2], strict=True))
        return {h.strip("`()"): text for h, text in named.items() if h.startswith("`")}

    return entries_of


@pytest.fixture
def pictures(root):
    return root / "docs/strategies/pictures"


@pytest.fixture
def picture_of(root):
    """The name of a picture: that of the entry point, or of the recipe."""
    file = root / "plugins/strategies/pyproject.toml"
    points = tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]
    names = {where.partition(":")[2]: name for name, where in points["clantune.strategies"].items()}
    return {**names, **{name: name.replace("_", "-") for name in RECIPES}}


def table(text):
    """The rows of the first table of a page, by the name that each begins with."""
    lines = [line for line in text.partition("| strategy ")[2].splitlines() if line[:3] == "| ["]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {LINKED.match(row[0])[1]: row for row in rows}


# ---- Complete ----


def test_every_family_of_the_package_is_known():
    exported = {name for module in FAMILIES.values() for name in module.__all__}
    assert exported - {"design"} == set(clantune_strategies.__all__)
    assert all(issubclass(kind, AbstractStrategy) for kind in STRATEGIES.values())
    assert len(STRATEGIES) + len(RECIPES) + len({"design", "Recipe"}) == len(exported)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_has_an_entry_for_every_name_of_its_family(family, entries):
    assert sorted(entries(family)) == sorted(FAMILIES[family].__all__)


@pytest.mark.parametrize("name", [*STRATEGIES, *RECIPES])
def test_an_entry_says_when_and_shows_a_picture_and_the_reference(
    name, entries, pictures, picture_of
):
    entry = entries(FAMILY_OF[name])[name]
    assert len(entry.strip().partition("\n\n")[0]) > 60
    ((words, shown),) = re.findall(r"^!\[(.*)\]\((.*)\)$", entry, re.MULTILINE)
    assert len(words) > 20
    assert shown == f"pictures/{picture_of[name]}.svg"
    assert (pictures.parent / shown).is_file()
    directive = "autoclass" if name in STRATEGIES else "autofunction"
    assert FENCE.findall(entry)[-1][1] == f".. {directive}:: clantune_strategies.{name}\n"


def test_the_first_page_has_every_strategy_in_the_words_of_the_code(page):
    for name, kind in {**STRATEGIES, **RECIPES}.items():
        call = "()" if name in RECIPES else ""
        link = f"{FAMILY_OF[name]}.md#{name.lower()}"
        assert f"| [`{name}{call}`]({link}) | {kind.__doc__.splitlines()[0]} |" in page("index")
    assert len(LINKED.findall(page("index").partition("## Selection")[2])) == len(FAMILY_OF) - 2


def test_the_reference_leads_to_every_name(root):
    linked = dict(LINKED.findall((root / "docs/api.md").read_text("utf-8")))
    assert linked == {
        name: f"strategies/{family}.md#{name.lower()}" for name, family in FAMILY_OF.items()
    }


def test_the_page_for_authors_shows_every_check_and_every_wrapper(page):
    public = {
        f"{checks.__name__}.{name}"
        for name, member in vars(checks).items()
        if getattr(member, "__module__", "") == checks.__name__ and not name.startswith("_")
    }
    public |= {f"{wrappers.__name__}.{name}" for name in wrappers.__all__}
    assert set(re.findall(r"^\.\. auto\w+:: (\S+)$", page("wrappers"), re.MULTILINE)) == public


# ---- True: costs, as they are measured ----

GIVEN = {
    "Annealed": lambda kind: kind(mutation.Momentum(), over=100),
    "Boltzmann": lambda kind: kind(1.0),
    "Cauchy": lambda kind: kind(learns=("size",)),
    "Coupled": lambda kind: kind("size", "log", at=(2.0, 0.1)),
    "FitnessSharing": lambda kind: kind(selection.Rank(), 1.0),
    "Frequencies": lambda kind: kind(selection.Rank(), periods=(1,)),
    "Gaussian": lambda kind: kind(learns=("size",)),
    "Lethal": lambda kind: kind(mutation.Momentum(), regions={"log": (0.01, 1.0)}),
    "TopN": lambda kind: kind(3, selection.Rank()),
}
"""How those are made that show all that they do with arguments only."""


def wraps(name):
    return "strategy" in inspect.signature(STRATEGIES[name]).parameters


def made(name):
    """Make a strategy; what is inside draws nothing."""
    kind = STRATEGIES[name]
    if name in GIVEN:
        return GIVEN[name](kind)
    if wraps(name):
        return kind(selection.Rank() if FAMILY_OF[name] == "selection" else mutation.Momentum())
    return kind()


class Watched(Random):
    """Writes down that it is drawn from; identities and keys, of 128 bits, do not count."""

    def __init__(self, seed, name, seen):
        super().__init__(seed)
        self.name, self.seen = name, seen

    def __new__(cls, seed, *_):
        return super().__new__(cls, seed)

    def random(self):
        self.seen.add(self.name)
        return super().random()

    def getrandbits(self, k):
        if k != 128:
            self.seen.add(self.name)
        return super().getrandbits(k)


def member(rank):
    numbers = Random(rank)
    return Genome(
        {
            "size": IntAllele(numbers.randint(1, 9), (1, 9)),
            "log": LogFloatAllele(10.0 ** numbers.uniform(-2, 0), (1e-3, 1.0)),
            "line": FloatAllele(numbers.uniform(-1, 1), (-5.0, 5.0)),
            "flag": BoolAllele(rank % 2 == 0),
            "name": StringAllele("abc"[rank % 3], ("a", "b", "c")),
        }
    )


def bred(*strategies, drawn=None):
    """Breed for three generations, by rank if nobody else selects; return the last members."""
    evolution, drawn = Evolution([*strategies, selection.Rank()]), set() if drawn is None else drawn
    members = [evolution.setup(member(rank)) for rank in range(6)]
    for generation in range(3):
        population = Population([m.set_fitness(1.0 + r) for r, m in enumerate(members)])
        members = [
            evolution.offspring(
                me,
                population,
                Watched(f"{generation}/{rank}", "rng", drawn),
                shared_rng=Watched(generation, "shared_rng", drawn),
                generation=generation,
            )
            for rank, me in enumerate(population)
        ]
    return members


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_it_draws_from_is_what_the_table_says(name, page, monkeypatch):
    drawn, draw = set(), rng.Draws.__call__

    def watched(self, what):
        drawn.add("draw" if self._state is None else "shared_draw")
        return draw(self, what)

    monkeypatch.setattr(rng.Draws, "__call__", watched)
    bred(made(name), drawn=drawn)
    said = table(page(FAMILY_OF[name]))[name][-3]
    assert set(re.findall(r"`(\w*rng|\w*draw)`", said)) == drawn
    assert ("inside" in said) == wraps(name)
    assert (said == "nothing") == (not drawn and not wraps(name))


def kept(members):
    alleles = [allele for each in members for allele in each.alleles.values()]
    return {key.partition("/")[0] for allele in alleles for key in allele.metadata}


@pytest.mark.parametrize("name", STRATEGIES)
def test_what_it_remembers_is_what_the_table_says(name, page):
    others = [mutation.Momentum()] if wraps(name) and FAMILY_OF[name] == "mutation" else []
    others += [designs.TwoLevel()] if name == "MainEffects" else []
    remembers = kept(bred(made(name), *others)) - kept(bred(*others))
    said = table(page(FAMILY_OF[name]))[name][-1]
    assert set(re.findall(r"`(\w+)`", said)) - {"rounds"} == remembers
    assert (said == "nothing") == (not remembers)


KINDS = {
    "all": {"size", "log", "line", "flag", "name"},
    "continuous": {"size", "log", "line"},
    "discrete": {"flag", "name"},
    "`IntAllele`": {"size"},
    "`BoolAllele`": {"flag"},
}


@pytest.mark.parametrize("name", mutation.__all__)
def test_a_mutation_changes_the_kinds_that_the_table_says(name, page):
    said = table(page("mutation"))[name][1]
    assert (said == "as inside") == wraps(name)
    everybody_stays = selection.KeepBest(selection.Rank(), number=6)
    evolution, changed = Evolution([everybody_stays, made(name)]), set()
    members = [member(rank) for rank in range(6)]
    for seed in range(60):
        population = Population([m.set_fitness(1.0) for m in members])
        members = [evolution.offspring(each, population, Random(seed)) for each in population]
        for before, after in zip(population, members, strict=True):
            left = before.as_hyperparameters()
            changed |= {g for g, v in after.as_hyperparameters().items() if v != left[g]}
    some = {"Momentum": set(), "Coupled": {"log"}}  # no lineage moves; one gene follows
    assert wraps(name) or changed == some.get(name, KINDS[said])


@pytest.mark.parametrize("name", crossbreeding.__all__)
def test_a_crossbreeding_handles_the_kinds_that_the_table_says(name, page):
    said = table(page("crossbreeding"))[name][1].partition(";")[0]
    population = Population([member(rank).set_fitness(0.0) for rank in (0, 1)])
    mine, other = population
    child = Evolution([made(name)]).crossbreed(
        mine, population, Random(1), ancestry=[(0.0, mine.uuid), (1.0, other.uuid)]
    )
    left = mine.as_hyperparameters()
    assert {g for g, v in child.as_hyperparameters().items() if v != left[g]} == KINDS[said]


def test_a_design_is_orthogonal_for_as_many_members_as_is_said(page):
    assert "multiples of 4 up to 48 and most larger ones" in page("designs")
    assert all(hadamard(size) for size in range(4, 49, 4))
    assert hadamard(52) is None
    assert sum(hadamard(size) is not None for size in range(52, 257, 4)) > 26


# ---- True: recipes, as they explain themselves ----


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_shown_as_it_explains_itself(name, entries, capsys):
    (shown,) = [
        code for language, code in FENCE.findall(entries("recipes")[name]) if code[:1] == ">"
    ]
    RECIPES[name]().explain()
    assert shown == f">>> {name}().explain()\n{capsys.readouterr().out}\n"
    assert "\nsource: " in shown
    assert "\ndiffers: " in shown


_VALUES = {bool: "yes or no", int: "a number", float: "0 to 1"}


def test_every_setting_of_a_recipe_has_its_meaning(page):
    asked = page("recipes").partition("## Settings")[2].partition("\n## ")[0]
    rows = [
        line.split("|")[1:3]
        for line in asked.splitlines()
        if line.startswith("| `") or line[:3] == "| |"
    ]
    meant, setting = set(), ""
    for first, second in rows:
        setting = first.strip(" `") or setting
        meant.add((setting, second.strip(" `")))
    used = {
        (
            key,
            value if isinstance(value, str) else _VALUES[type(value)],
        )
        for make in RECIPES.values()
        for key, value in attrs.asdict(make().settings).items()
    }
    assert meant == used
