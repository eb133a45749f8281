"""The documentation: what it prints is what the code says, and its links lead somewhere."""

import ast
import functools
import importlib
import inspect
import re
import sys

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from clantune_core import hookspecs, testing
from clantune_core.hooks.dispatch import HOOKS
from clantune_core.testing import all_kind_laws, all_laws, laws
from clantune_core.testing.drawn import DrawnCases
from clantune_core.testing.kind_laws import RULES as KIND_RULES
from clantune_core.testing.strategy_laws import EVERY, RULES

FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LANGUAGES = {"python", "diff", "toml", "console", "{toctree}", "{eval-rst}", "{literalinclude}"}
"""Of the blocks in Markdown: the first two are run, the third is parsed, the fourth only shown."""


def pages(committed_files):
    return [file for file in committed_files if file.suffix == ".md"]


def prose(page):
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page):
    """The anchors of a page's headings, as its readers' tools make them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sections(text):
    """The text below each heading of the second level, by heading."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def table_rows(text):
    """The cells of all tables, headings left out."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    rules = [i for i, row in enumerate(cells) if set("".join(row)) == {"-"}]
    headings = {i for rule in rules for i in (rule - 1, rule)}
    return [row for i, row in enumerate(cells) if i not in headings]


# ---- The code in words ----


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_documented_with_its_signature(hook, root):
    code = inspect.getsource(getattr(hookspecs, hook))
    _, block = FENCE.findall(sections((root / "docs/hooks.md").read_text("utf-8"))[f"`{hook}`"])[0]
    (written,), (real,) = ast.parse(block).body, ast.parse(code).body
    assert ast.unparse(written.args) == ast.unparse(real.args)
    assert ast.unparse(written.returns) == ast.unparse(real.returns)


def test_the_table_of_hooks_is_that_of_the_code(root):
    rows = table_rows((root / "docs/hooks.md").read_text("utf-8"))
    assert [row[0] for row in rows] == [f"[`{hook}`](#{hook})" for hook in HOOKS]
    assert [row[2] for row in rows] == list(HOOKS.values())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", row[4]) for row in rows)


def test_the_list_of_laws_is_that_of_the_code(root):
    page = sections((root / "docs/test_a_strategy.md").read_text("utf-8"))["The laws"]
    assert table_rows(page) == [
        [f"`{name}`", whom_it_binds(name), sentence] for name, sentence in all_laws().items()
    ]


def test_the_list_of_laws_for_kinds_is_that_of_the_code(root):
    page = sections((root / "docs/write_a_kind.md").read_text("utf-8"))["Test a kind"]
    assert table_rows(page) == [
        [f"`{name}`", *KIND_RULES[name].applies_to, sentence]
        for name, sentence in all_kind_laws().items()
    ]


def whom_it_binds(law):
    rule = RULES[law]
    if rule.applies_to == {*EVERY}:
        return "every strategy"
    hooks = ", ".join(f"`{hook}`" for hook in HOOKS if hook in rule.applies_to)
    return f"{hooks}, on request" if rule.on_request else hooks


def test_the_list_of_generators_is_that_of_the_code(root):
    page = sections((root / "docs/test_a_strategy.md").read_text("utf-8"))["Tests of your own"]
    named = {re.match(r"`(\w+)\(", row[0]).group(1) for row in table_rows(page)}
    generators = {"alleles", "ancestries", "fitnesses", "genomes", "plain_data", "populations"}
    assert named == generators < set(testing.__all__)


def test_every_make_target_that_is_named_exists(committed_files, root):
    makefile = (root / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+): ", makefile, re.MULTILINE))
    text = "\n".join(page.read_text("utf-8") for page in pages(committed_files))
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", text))
    assert {"demo", "test"} <= named <= targets


# ---- The pages ----


def test_every_block_is_of_a_language_that_is_known(committed_files, root):
    found = {
        (str(page.relative_to(root)), language)
        for page in pages(committed_files)
        for language, _ in FENCE.findall(page.read_text("utf-8"))
        if language not in LANGUAGES
    }
    assert found == set()


def test_no_block_is_left_open(committed_files, root):
    left = [str(page.relative_to(root)) for page in pages(committed_files) if "```" in prose(page)]
    assert left == []


def test_every_relative_link_leads_somewhere(committed_files, root):
    checked, dead = 0, []
    for page in pages(committed_files):
        for link in LINK.findall(prose(page)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            checked += 1
            if not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(f"{page.relative_to(root)}: {link}")
    assert checked > 30
    assert dead == []


def test_every_page_is_in_a_table_of_contents(committed_files, root):
    docs = [page for page in pages(committed_files) if root / "docs" in page.parents]
    listed = [
        (page.parent / f"{entry}.md").resolve()
        for page in docs
        for language, block in FENCE.findall(page.read_text("utf-8"))
        if language == "{toctree}"
        for entry in block.split("\n")
        if entry and not entry.startswith(":")
    ]
    assert sorted(listed) == sorted(set(docs) - {root / "docs/index.md"})


# ---- The strategies that the pages show keep the laws ----

SMALL = st.floats(0.01, 1.0)
SHOWN = {
    "tutorial": {
        "Fittest": {"number": st.integers(1, 4)},
        "PickOne": {},
        "Jitter": {"std": SMALL},
    },
    "write_a_strategy": {
        "Jitter": {"std": SMALL},
        "Settle": {"std": SMALL},
        "Blend": {},
        "Dominant": {},
        "Drift": {"std": SMALL, "keep": st.floats(0.0, 0.9)},
        "Adaptive": {"std": SMALL, "rate": SMALL},
        "AnyOne": {},
    },
    "test_a_strategy": {"Fittest": {}},
}


@functools.cache
def drawn_cases():
    return DrawnCases(100)


@pytest.fixture
def few_examples():
    before = settings.get_current_profile_name()
    settings.register_profile("shown", max_examples=10)
    settings.load_profile("shown")
    yield
    settings.load_profile(before)


@pytest.fixture
def shown_in(root, tmp_path, monkeypatch):
    """Makes a page into a module, without its prompts, so that its classes can be pickled."""

    def module_of(page):
        text = (root / f"docs/{page}.md").read_text("utf-8")
        blocks = [body for language, body in FENCE.findall(text) if language == "python"]
        # What is typed at the prompt shows what comes of it; here it is only what is defined.
        definitions = [
            block
            for block in blocks
            if re.match(r"(import|from|@attrs)\b", block) and "@allele_kind" not in block
        ]  # a kind is registered once in a process: when the page itself is run
        names = "from clantune_core import *\nimport math\n"
        (tmp_path / f"shown_in_{page}.py").write_text(names + "\n\n".join(definitions), "utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        module = importlib.import_module(f"shown_in_{page}")
        monkeypatch.delitem(sys.modules, module.__name__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module

    return module_of


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page, names in SHOWN.items() for name in names]
)
def test_a_strategy_that_is_shown_keeps_the_laws(page, name, shown_in, few_examples):
    strategies = st.builds(getattr(shown_in(page), name), **SHOWN[page][name])
    for law in laws(strategies):
        if law.name != "answers_the_same_in_another_process":  # which could not import the page
            drawn_cases().under(law, strategies)()


def test_every_strategy_that_is_shown_is_tried(root):
    wrong = {"Careless", "Forgetful", "Bare", "Misspelt", "Marked", "Curious", "Half", "Greedy"}
    wraps = {"TopN", "GenesOnly"}  # what it holds has no name to be saved under
    passes = {"MarkedOnly"}  # it answers in no case, and says so on its page
    for page, names in SHOWN.items():
        text = (root / f"docs/{page}.md").read_text("utf-8")
        shown = set(re.findall(r"^(?:>>> )?class (\w+)\(Abstract\w+Strategy\)", text, re.MULTILINE))
        assert shown - wrong - wraps - passes == set(names)
