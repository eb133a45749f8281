"""The page that shows what runs have found, as text and in a real browser."""

import contextlib
import json
import math
import random
import subprocess
import sys

import browser
import pytest

from clantune_store import MetricError, Parameters, Store, StoreError
from clantune_store.command import main
from clantune_store.database.tables import groups, parents
from clantune_store.groups.lineage import Parent
from clantune_store.picture.effects import effects_of
from clantune_store.picture.facts import gather
from clantune_store.picture.ranks import association, correlation, ranks, ranks_within
from clantune_store.picture.text import in_chart, shortened
from clantune_store.picture.tree import tree_of

pytest.importorskip("plotly")

HOSTILE = "<img src=http://127.0.0.1:9/x onerror=window.hacked=1>"
SCRIPT = "</script><script>window.hacked=1</script>&lt;%{x}$x$\u202e"
BASE = {"steps_int": 40, "rate_log": 0.01, "free": 9.0, "on_bool": True, "same": 1.0}
WIDTHS = (360, 1400)
LABELS = "return [...document.querySelectorAll('.legendtext, .ytitle')].map(e => e.textContent)"


def break_down(text):
    raise RuntimeError(text)


def report(store, group, dataset, loss, *, fails="", metric="loss"):
    told = Parameters(store, group=group, dataset=dataset)
    with contextlib.suppress(RuntimeError), told.report() as result:
        if fails:
            break_down(fails)
        result["co2"][metric] = loss


def breed(store, values, *parents_of):
    """Add a group with parents by number and weight; return its number."""
    child = store.load(set=values)
    with store.database.write() as connection:
        own = groups.c.number == child.number
        connection.execute(groups.update().where(own).values(origin="breed"))
        rows = [
            {"child": child.id, "parent": store.group(number).id, "part": "", "weight": weight}
            for number, weight in parents_of
        ]
        connection.execute(parents.insert(), rows)
    return child.number


def fill(
    store,
    mode="mode_choice",
    options=("fast", "slow", "mid"),
    datasets=("SPY", "QQQ"),
    metric="loss",
):
    """Add 31 groups of four generations with a run on each data set, of which some fail."""
    drawn = random.Random(1)
    known = {store.load(set=BASE | {mode: [*options]}).number: BASE | {mode: options[0]}}
    for at in range(30):
        above = [*known][-6:]
        values = BASE | {
            "steps_int": drawn.randrange(100),
            "rate_log": 10 ** drawn.uniform(-6, 0),
            "free": drawn.uniform(-9, 9),
            "on_bool": drawn.random() < 0.5,
            mode: drawn.choice(options),
        }
        bred = values | {mode: [values[mode], *(each for each in options if each != values[mode])]}
        number = breed(
            store, bred, (above[0], 0.7), *((one, 0.3) for one in above[-1:] if len(above) > 1)
        )
        known[number] = values
        for place, dataset in enumerate(datasets):
            loss = abs(values["steps_int"] - 30) + (values[mode] == options[1]) * 20 + place
            fails = f"it broke {SCRIPT}" if (at + place) % 9 == 8 else ""
            report(store, number, dataset, loss + drawn.random(), fails=fails, metric=metric)
    return store


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    started = browser.start(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "s.db") as made:
        yield made


def assert_sound(seen, path):
    """Every chart has data and fits; nothing is said, nothing is asked for, nothing is run."""
    assert seen.said == []
    assert {each for each in seen.requests if not each.startswith("data:")} == {path.as_uri()}
    assert seen.too_wide == 0
    for name, (count, width) in seen.charts.items():
        assert count > 0, name
        assert width > 250, name
    assert seen.run("return window.hacked") is None


def test_every_chart_has_data_in_a_browser_without_a_network(store, tmp_path, chromium):
    fill(store).write_report("loss", tmp_path / "r.html", lowest=True)
    for width in WIDTHS:
        seen = chromium.open(tmp_path / "r.html", width)
        assert_sound(seen, tmp_path / "r.html")
        charts = ["over-runs", "over-time", "lineage", *(f"parameter-{at}" for at in range(5))]
        assert [*seen.charts] == charts
    best = facts_of(store, lowest=True).standings[0]
    values = " on QQQ, ".join(f"{value:.6g}" for value in best.best.values())
    said = f"Group {best.group} is the best, by its mean rank over 2 data sets. Its lowest value: "
    assert f"{said}{values} on SPY." in seen.text
    assert "1 parameter with the same value in all runs" in seen.text


def test_hostile_texts_are_shown_and_never_run(store, tmp_path, chromium):
    name = "a<img src=x onerror=hacked()>_choice"
    options = (SCRIPT, HOSTILE, '"><svg onload=window.hacked=1>')
    fill(store, name, options, (HOSTILE, SCRIPT), SCRIPT)
    store.write_report(f"co2.{SCRIPT}", tmp_path / "r.html", lowest=True)
    seen = chromium.open(tmp_path / "r.html", 360)
    assert_sound(seen, tmp_path / "r.html")
    assert len(seen.charts) == 8
    assert seen.run("return document.querySelectorAll('img, svg a, svg image').length") == 0
    shown = SCRIPT.replace("\u202e", "\\u202e")
    for text in (HOSTILE, shown, options[2], "a<img src=x onerror=hacked()>_choice"):
        assert text in seen.text
    labels = seen.run(LABELS)
    for text in (HOSTILE, shown):
        assert shortened(text) in labels
    assert "\u202e" not in seen.text


def test_with_few_runs_the_page_says_what_is_missing(store, tmp_path, chromium):
    store.load(set=BASE)
    report(store, 1, "", 3.0)
    store.write_report("loss", tmp_path / "r.html")
    seen = chromium.open(tmp_path / "r.html", 360)
    assert_sound(seen, tmp_path / "r.html")
    assert seen.charts == {}
    for said in (
        "There is one run with a value; a chart needs two.",
        "A chart needs runs that ended at two moments; there: 1 run.",
        "Group 1 was not bred here, so it has no ancestors.",
        "A rank correlation needs 4 runs with a value; there is 1 run.",
        "No run has failed.",
    ):
        assert said in seen.text


def test_groups_stand_by_their_mean_rank_over_the_data_sets(store):
    for number, (small, large) in enumerate(((1.0, 900.0), (2.0, 100.0), (3.0, None)), 1):
        store.load(set={"a": float(number)})
        report(store, number, "small", small)
        if large is not None:
            report(store, number, "large", large)
    report(store, 1, "small", 9.0)
    facts = facts_of(store, lowest=True)
    assert [(each.group, each.rank, each.runs) for each in facts.standings] == [
        (1, 1.5, 3),
        (2, 1.5, 2),
        (3, 3.0, 1),
    ]
    assert facts.standings[0].best == {"large": 900.0, "small": 1.0}
    assert facts_of(store).standings[0].group == 1


def facts_of(store, **options):
    from clantune_store.exchange.selecting import select
    from clantune_store.questions.run_values import run_values

    values = run_values(store.database, "loss", **options)
    return gather(store.database, "loss", select(store.database, state=None), values)


def test_the_strongest_parameter_comes_first_and_data_sets_are_ranked_apart(store):
    facts = facts_of(fill(store), lowest=True)
    effects, same = effects_of(facts.points, facts.values)
    assert same == ["same"]
    assert effects[0].name == "steps_int"
    sizes = [abs(effect.size) for effect in effects]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 0.4


def test_ranks_share_their_mean_where_values_are_equal():
    assert ranks([30, 10, 10, 20]) == [4, 1.5, 1.5, 3]
    assert ranks_within([5, 6, 500, 400], ["a", "a", "b", "b"]) == [0.25, 0.75, 0.75, 0.25]


def test_a_rank_correlation_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    drawn = random.Random(2)
    first = [drawn.randrange(9) for _ in range(50)]
    second = [each + drawn.gauss(0, 3) for each in first]
    assert correlation(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)
    parts = [
        [value for value, of in zip(second, first, strict=True) if of == each] for each in {*first}
    ]
    kruskal = stats.kruskal(*parts).statistic
    epsilon = (kruskal - len(parts) + 1) / (50 - len(parts))
    assert association(first, second) == pytest.approx(math.sqrt(epsilon))


def test_what_has_no_correlation():
    assert correlation([1, 2, 3], [1, 2, 3]) is None
    assert correlation([1, 1, 1, 1], [1, 2, 3, 4]) is None
    assert association(["a", "b", "c", "d"], [1, 2, 3, 4]) is None
    assert association(["a", "b"] * 4, [5] * 8) is None


def test_a_group_stands_below_all_of_its_children_also_in_a_circle():
    pairs = [(9, 5, 0.6), (9, 4, 0.4), (5, 4, 1.0), (4, 1, 1.0)]
    tree = tree_of(9, [Parent(child, parent, "", weight) for child, parent, weight in pairs])
    assert tree.rows == [[9], [5], [4], [1]]
    assert tree.lines == [(9, 5), (9, 4), (5, 4), (4, 1)]
    assert tree.shares == {9: 1.0, 5: 0.6, 4: 0.4, 1: 0.4}
    circle = tree_of(1, [Parent(1, 2, "", 1.0), Parent(2, 3, "", 1.0), Parent(3, 2, "", 1.0)])
    assert {number for row in circle.rows for number in row} == {1, 2, 3}
    many = tree_of(1, [Parent(1, number, "", 0.01) for number in range(2, 42)])
    assert (len(many.rows[1]), many.hidden) == (8, 32)


def test_a_label_is_short_and_has_no_tags():
    assert in_chart("<b>&lt;") == "&lt;b&gt;&amp;lt;"
    assert len(in_chart("x" * 99)) == 28
    assert in_chart("a\x1b\n") == "a\\x1b\\n"


def test_a_page_is_never_replaced_silently_and_a_question_needs_an_answer(store, tmp_path):
    def refusal(error, *arguments, **options):
        with pytest.raises(error) as caught:
            store.write_report(*arguments, **options)
        return str(caught.value)

    file = tmp_path / "r.html"
    assert refusal(MetricError, "loss", file) == (
        "no run has reported 'loss': there are no results yet"
    )
    store.load(set=BASE)
    report(store, 1, "SPY", 1.0)
    assert refusal(MetricError, "los", file) == "no run has reported 'los'; the nearest is 'loss'"
    assert refusal(MetricError, "loss", file, dataset="SP") == (
        "there is no data set 'SP'; the nearest is 'SPY'"
    )
    assert not file.exists()
    file.write_text("mine")
    assert refusal(StoreError, "loss", file) == (
        f"{file} is there already: give --force to replace it, or another name"
    )
    assert file.read_text() == "mine"


def test_the_verb(address, tmp_path, capsys):
    def call(*arguments):
        status = main(["report", "--db", address, *arguments], "clantune store")
        said = capsys.readouterr()
        return status, said.out, said.err

    with Store.create(address) as store:
        fill(store)
        best = facts_of(store, lowest=True).standings[0].group
    file = str(tmp_path / "r.html")
    assert call("loss", "-o", file, "--lowest") == (
        0,
        f"{file}: 54 runs; the best group is {best}\n",
        "",
    )
    status, out, _ = call("loss", "-o", file, "--force", "--data", "SPY", "--json")
    assert (status, json.loads(out)["runs"]) == (0, 27)
    assert call("los", "-o", file, "--force") == (
        1,
        "",
        "clantune store report: no run has reported 'los'; the nearest is 'loss'\n",
    )


def test_without_plotly_the_error_says_what_to_install(store, tmp_path):
    store.load(set=BASE)
    report(store, 1, "SPY", 1.0)
    code = (
        "import sys; from clantune_store.command import main\nsys.modules['plotly'] = None\n"
        "sys.exit(main(['report', 'loss', '--db', 's.db', '-o', 'r.html'], 'store'))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        'store report: plotly is not installed: pip install "clantune-store[report]"\n',
    )
