"""The page that shows a run, as text and in a real browser."""

import json
import math
import re
import webbrowser
from pathlib import Path
from urllib.parse import unquote

import attrs
import browser
import plotly.graph_objects
import pytest
import small_clans
from run_shapes import GENES, HOSTILE, SCRIPT, Shape, start

from clantune_clan.ramp import Ramp
from clantune_clan.records import RunFile, schedule_of
from clantune_report.command.report import main
from clantune_report.facts import Facts
from clantune_report.page import effect_sentences, scales
from clantune_report.page.costs import costs_of
from clantune_report.page.effect import Effect, student
from clantune_report.page.effects import effects_of, outcomes
from clantune_report.page.page import page
from clantune_report.page.text import in_chart
from clantune_report.page.times import times
from clantune_report.page.tree import edges_of, founders, survivors
from clantune_report.page.writing import write_page

RUNS = Path(__file__).parent / "runs"
WIDTHS = (360, 1400)

CHARTS = """
return [...document.querySelectorAll('.plotly-graph-div')].map(chart => ({
  name: chart.id,
  drawn: [...chart.querySelectorAll(
    '.scatterlayer .point, .scatterlayer .js-line, .barlayer .point path'
  )].map(each => each.getBoundingClientRect()).filter(box => box.width || box.height).length,
  values: Math.min(...chart.data.map(trace =>
    Array.from(trace.y).filter(value => value !== null && value !== undefined).length)),
  width: chart.querySelector('.main-svg').getBoundingClientRect().width,
  figure: JSON.stringify({data: chart.data, layout: chart.layout}),
}))
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    started = browser.start(tmp_path_factory.mktemp("chromium"))
    yield started
    started.close()


def shaped(folder, shape, **options):
    """Write the file of a shape; return its content."""
    path = folder / "run.jsonl"
    path.write_text(shape.text(**options))
    return RunFile.read(path)


def opened(chromium, run, folder, width):
    """Open the page of a run, which is sound; return what the browser saw, and its charts."""
    path = write_page(run, folder / "page.html")
    seen = chromium.open(path, width)
    assert seen.said == []
    assert {each for each in seen.requests if not each.startswith("data:")} == {path.as_uri()}
    assert seen.too_wide == 0
    assert seen.run("return window.hacked") is None
    charts = {each["name"]: each for each in seen.run(CHARTS)}
    for name, chart in charts.items():
        assert chart["drawn"] > 0, name
        assert chart["values"] > 0, name
        assert plotly.graph_objects.Figure(json.loads(chart["figure"])), "not valid"
        assert 250 < chart["width"] <= width, name
    return seen, charts


COMMON = ["learning-rate", "fitness", "family", "spread-0", "descent", "effects-all"]
TIME = ["time", "cost"]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("rule", "genes"), [("factorial", 2), ("as_specified", 3)])
def test_every_chart_of_a_real_run_has_data(rule, genes, width, chromium, tmp_path):
    seen, charts = opened(chromium, RunFile.read(RUNS / f"{rule}.jsonl"), tmp_path, width)
    each = range(genes)
    expected = {*COMMON, *TIME, *(f"gene-{at}" for at in each), *(f"effect-{at}" for at in each)}
    assert charts.keys() == expected
    for said in (
        "The run in a few facts",
        "120 of 120",
        "The same in all members and rounds: betas/0, betas/1 and eps.",
        "Against plain data-parallel training",
        "Save schedule.json",
    ):
        assert said in seen.text
    assert ("there is no tree" in seen.text) == (rule == "factorial")
    assert_shows_the_result(Facts(RunFile.read(RUNS / f"{rule}.jsonl")), charts)


def assert_shows_the_result(facts, charts):
    """The thick lines and the star are those of the schedule, the lineage and the best result."""
    winner, best = facts.winner, "best round"
    end = facts.ends(facts.rounds[winner.place])
    assert drawn(charts, "fitness", best) == ([end], [pytest.approx(winner.metric)])
    assert drawn(charts, "gene-0", best)[0] == [end]
    name = "centre" if facts.is_mean else "way to the best weights"
    steps, values = drawn(charts, "gene-0", name)
    assert steps[::2] == [facts.begins(records) for records in facts.rounds[: len(steps[::2])]]
    shown = facts.values[: len(steps[::2])]
    assert values[::2] == pytest.approx([each["lr"] for each in shown], rel=1e-5)
    if facts.lineage:
        rounds, members = drawn(charts, "family", name)
        assert rounds[::3] == [*range(winner.place)]
        assert [*members[::3], members[-1]] == facts.lineage


def drawn(charts, chart, name):
    """Return the places of a trace in a chart."""
    data = json.loads(charts[chart]["figure"])["data"]
    [trace] = [each for each in data if each.get("name") == name]
    return trace["x"], trace["y"]


def test_the_page_prints_on_paper(chromium, tmp_path):
    seen, _ = opened(chromium, RunFile.read(RUNS / "factorial.jsonl"), tmp_path, 1400)
    before = seen.run(CHARTS)
    seen.run("dispatchEvent(new Event('beforeprint'))")
    assert all(chart["width"] <= 680 for chart in seen.run(CHARTS))
    seen.run("dispatchEvent(new Event('afterprint'))")
    assert [chart["width"] for chart in seen.run(CHARTS)] == [each["width"] for each in before]


def test_a_clan_of_one_process_says_what_it_has_not(chromium, tmp_path):
    with small_clans.clan(history=tmp_path / "run.jsonl", total_steps=12) as clan:
        for member in clan.rounds():
            small_clans.train(member)
            clan.step(small_clans.loss)
    seen, charts = opened(chromium, RunFile.read(tmp_path / "run.jsonl"), tmp_path, 360)
    assert charts.keys() == {"learning-rate", "fitness", *TIME}
    for said in (
        "With one member nothing is compared, so no gene changes.",
        "A clan of one member has no family tree.",
        "A clan of one member has no diversity.",
        "Nothing was measured: the members had equal genes.",
    ):
        assert said in seen.text


def test_hostile_names_are_shown_and_never_run(chromium, tmp_path):
    lost = {(3, 1), (4, 0)}
    shape = Shape().rounds(8, fails=lambda round_, member: (round_, member) in lost or round_ == 6)
    for width in WIDTHS:
        seen, charts = opened(chromium, shaped(tmp_path, shape), tmp_path, width)
    assert len([name for name in charts if name.startswith("gene-")]) == len(GENES) - 1
    assert {"minority-0", "effect-9"} <= charts.keys()
    assert seen.run("return document.querySelectorAll('img').length") == 0
    assert HOSTILE in seen.text
    assert "A round with so few members cannot separate all genes" in seen.text
    assert SCRIPT.replace("\u202e", "\\u202e") in seen.text
    assert "\u202e" not in seen.text
    assert "All members failed in round 6: the run went back to its best weights." in seen.text
    assert "not a finite number: member 1 in round 3 and member 0 in round 4." in seen.text
    assert "Left out 2 times, because a member had failed or was far behind" in seen.text


def test_a_large_run_is_drawn_in_part(chromium, tmp_path):
    genes = {"lr": GENES["lr"]}
    settings = start(members=64, ranks=64, inheritance="sampled", genes=genes, total_steps=400)
    seen, _ = opened(chromium, shaped(tmp_path, Shape(settings).rounds(40)), tmp_path, 360)
    assert "Of 64 members, 24 are drawn." in seen.text
    assert "Only lines of descent that reach the last round are drawn." in seen.text


def test_a_run_that_went_on_with_other_members(chromium, tmp_path):
    first = start(inheritance="sampled")
    fewer = attrs.evolve(first, members=2, ranks=2, step=40, time=2000.0)
    more = attrs.evolve(first, members=6, ranks=6, step=70, time=3000.0)
    shape = Shape(first).rounds(4).again(fewer).rounds(3, continues=[3, 1]).again(more)
    run = shaped(tmp_path, shape.rounds(4, continues=[0, 1, 0, 1, 0, 1]))
    seen, _ = opened(chromium, run, tmp_path, 1400)
    assert "The run was resumed 2 times. The number of members was 4, 2 and 6." in seen.text
    facts = Facts(run)
    assert [len(records) for records in facts.rounds] == [4] * 4 + [2] * 3 + [6] * 4
    edges = edges_of(facts)
    parent = facts.rounds[3][3].weights_from
    assert [edge.parent for edge in edges if (edge.place, edge.child) == (3, 0)] == [parent]
    assert len(survivors(facts, edges)[4]) <= 2
    assert founders(facts, edges)[0] == 4


def test_a_score_without_an_end_and_a_run_of_unknown_length(chromium, tmp_path):
    score = shaped(tmp_path, Shape(start(mode="max", inheritance="dominant")).rounds(5), ends=False)
    seen, _ = opened(chromium, score, tmp_path, 360)
    assert "A higher score is better." in seen.text
    assert "The file has no end: the run is not over, or its process was killed." in seen.text
    best = max(each.metric for records in score.rounds for each in records)
    assert f"{best:.4g}" in seen.text
    endless = Shape(start(genes={}, total_steps=None, ramp=Ramp())).rounds(3)
    seen, charts = opened(chromium, shaped(tmp_path, endless), tmp_path, 360)
    assert charts.keys() == {"fitness", "family", *TIME}
    assert "This run has no genes." in seen.text


def test_a_run_that_has_just_begun(chromium, tmp_path):
    half = Shape().rounds(1).text(ends=False)[:-700]
    (tmp_path / "run.jsonl").write_text(half)
    seen, charts = opened(chromium, RunFile.read(tmp_path / "run.jsonl"), tmp_path, 360)
    assert charts == {}
    assert "No round is complete yet, so there is nothing to draw." in seen.text
    assert "There is no schedule before the first complete round." in seen.text


def test_a_run_in_which_all_failed_and_one_that_calibrated(tmp_path):
    lost = Shape(start(inheritance="dominant")).rounds(2, fails=lambda *_: True, centre=None)
    text = page(shaped(tmp_path, lost))
    assert "No loss was a finite number, so there is no best result." in text
    assert "No member has a finite loss yet." in text
    search = Shape(start(ramp=Ramp(30, 230, 20.0, 40.0))).rounds(3, calibration=True, centre=None)
    run = shaped(tmp_path, search.rounds(4))
    assert "4, of 10 steps, after 3 rounds that searched for the learning rate" in page(run)
    facts = Facts(run)
    assert [facts.begins(records) for records in facts.rounds] == [0, 10, 20, 30]
    assert (facts.steps, facts.total_steps) == (40, 170)


def test_a_run_that_went_back_says_when_and_its_schedule_is_without_the_rounds(tmp_path):
    shape = Shape().rounds(3).rounds(1, went_back_to=1).rounds(2)
    run = shaped(tmp_path, shape)
    assert "worse after round 3: it went back to the weights of round 1." in page(run)
    values = [each["lr"] for each in Facts(run).values]
    assert values[2] == values[3] == values[4]
    assert len({*values}) == 4


# ---- what is computed ----


def with_slopes(run, slopes):
    """Return a run whose losses are exactly log-linear in the latents of its genes."""

    def judged(record):
        latents = ((name, run.start.genes[name].to_latent(record.genes[name])) for name in slopes)
        loss = math.exp(sum(slopes[name] * latent for name, latent in latents))
        return attrs.evolve(record, metric=loss)

    return attrs.evolve(run, rounds=tuple(tuple(map(judged, each)) for each in run.rounds))


def test_effects_are_the_slopes_of_the_log_loss(tmp_path):
    genes = {name: GENES[name] for name in ("lr", "beta", "plain")}
    run = shaped(tmp_path, Shape(start(genes=genes, members=8, ranks=8)).rounds(6))
    known = {"lr": -0.3, "beta": 0.2, "plain": 0.05}
    effects = effects_of(Facts(with_slopes(run, known)))
    assert [effect.gene for effect in effects] == [*genes]
    for effect, unit in zip(effects, (0.1, 0.1, 0.1), strict=True):
        assert effect.slopes == pytest.approx([known[effect.gene] * unit] * 6)
        assert effect.mean() == pytest.approx(known[effect.gene] * unit)
        assert effect.is_certain
    assert [effect.lowered for effect in effects] == [6, 0, 0]
    facts = Facts(run)
    said = [effect_sentences.sentence(facts, effect, is_log=True) for effect in effects]
    assert "the loss changed by \N{MINUS SIGN}3&nbsp;%, 95&nbsp;% interval" in said[0]
    assert "In 6 of 6 rounds a higher value lowered the loss. Chance alone is" in said[0]
    assert "In 6 of 6 rounds a higher value raised the loss." in said[1]


def test_effects_of_a_real_experiment_are_those_that_its_recipe_sees():
    contrasts = pytest.importorskip(
        "clantune_strategies.designs.contrasts", reason="clantune-strategies is not installed"
    )
    facts = Facts(RunFile.read(RUNS / "factorial.jsonl"))
    for place, records in enumerate(facts.rounds):
        genes = {name: facts.start.genes[name] for name in ("lr", "weight_decay")}
        offsets = {
            name: [allele.to_latent(each.genes[name]) for each in records]
            for name, allele in genes.items()
        }
        expected = contrasts.slopes(offsets, [math.log(each.metric) for each in records])
        found = {effect.gene: effect.slopes[place] / 0.1 for effect in effects_of(facts)}
        assert found == pytest.approx(expected)


def test_a_choice_is_compared_with_the_others(tmp_path):
    genes = {name: GENES[name] for name in ("flag", "mode")}
    facts = Facts(shaped(tmp_path, Shape(start(genes=genes, members=8, ranks=8)).rounds(4)))
    steps = [effect.step for effect in effects_of(facts)]
    others = f"fast instead of another choice,slow instead of another choice,{SCRIPT} instead of"
    assert steps[0] == "True instead of False"
    assert ",".join(steps[1:]) == f"{others} another choice"
    effect = Effect("flag", "True instead of False", [0, 1], [0.5, 0.25], [1.0, 1.0])
    assert effect_sentences.sentence(facts, effect, is_log=True).startswith(
        "<strong>flag</strong>, True instead of False: the loss changed by +38&nbsp;%, "
    )
    said = "In 2 of 2 rounds this raised the loss. 2 rounds are too few to tell this from chance."
    assert effect_sentences.sentence(facts, effect, is_log=True).endswith(said)


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (10, 2.228), (100, 1.984)],
)
def test_a_quantile_of_students_t_is_that_of_the_tables(freedom, quantile):
    assert student(freedom) == pytest.approx(quantile, rel=0.003)


def test_a_margin_is_that_of_students_t(tmp_path):
    stats = pytest.importorskip("scipy.stats", reason="SciPy is not installed")
    for freedom in (*range(1, 40), 199):
        assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.003)
    slopes = [0.1, 0.3, 0.2, 0.4, 0.1, 0.2]
    effect = Effect("lr", "", [*range(6)], slopes, [2.0] * 6)
    low, high = stats.t.interval(0.95, 5, loc=sum(slopes) / 6, scale=stats.sem(slopes))
    assert effect.mean() == pytest.approx((low + high) / 2)
    assert effect.margin() == pytest.approx((high - low) / 2, rel=0.01)
    assert effect.margin(1) is None


def test_a_failed_member_counts_as_the_worst_of_the_others(tmp_path):
    run = shaped(tmp_path, Shape().rounds(1, fails=lambda _, member: member == 2))
    records = run.rounds[0]
    worst = max(each.metric for each in records if each.member != 2)
    assert outcomes(records, is_log=True, sign=1.0)[2] == math.log(worst)


def test_the_time_of_a_round_is_divided_into_its_parts(tmp_path):
    facts = Facts(shaped(tmp_path, Shape().rounds(3)))
    for cost in costs_of(facts):
        assert cost.seconds == pytest.approx(
            {
                "cooperation": 0.08,
                "competition": 0.04,
                "validation": 0,
                "turnover": 0.01,
                "rest": 0.02,
            }
        )
        assert cost.plain == pytest.approx(0.1)
        assert cost.ratio == pytest.approx(1.5)
    limits = (Path(__file__).parents[2] / "docs/limits.md").read_text("utf-8")
    [measured] = re.findall(r"\| a step \| (\S+ to \S+) times", limits)
    assert f"on two cores it took {measured} times as long" in times(facts)


def test_the_export_of_the_page_is_the_schedule(chromium, tmp_path):
    run = RunFile.read(RUNS / "as_specified.jsonl")
    seen, _ = opened(chromium, run, tmp_path, 360)
    expected = schedule_of(run.rounds, run.start)
    link = seen.run("return document.querySelector('a[download]').href")
    assert json.loads(unquote(link.partition(",")[2])) == expected
    assert (
        json.loads(seen.run("return document.querySelectorAll('pre')[1].textContent")) == expected
    )


def test_a_page_says_that_rates_lack_the_factor_of_a_scheduler(tmp_path):
    run = RunFile.read(RUNS / "factorial.jsonl")
    ramp = Ramp(0, None, 0.0, 0.0)
    start = attrs.evolve(run.start, ramp=ramp, schedulers=["LinearLR", "StepLR"])
    text = write_page(attrs.evolve(run, starts=(start,)), tmp_path / "page.html").read_text("utf-8")
    assert (
        "<p>Note that the learning rates lack the factors of the run&#x27;s own schedulers, "
        "LinearLR and StepLR: multiply them by these in each step.</p>"
    ) in text
    assert (
        "The line is the value of the gene. The optimizer uses it times the factor of LinearLR and "
        "StepLR, which the run has as scheduler."
    ) in text
    assert '<th scope="row">schedulers</th><td>LinearLR, StepLR</td>' in text
    other = write_page(run, tmp_path / "other.html").read_text("utf-8")
    assert "the learning rates lack" not in other
    assert '<th scope="row">schedulers</th><td>none</td>' in other


def test_a_label_of_a_chart_is_short_and_has_no_tags():
    assert in_chart("<b>\x1b") == "&lt;b&gt;\\x1b"
    assert len(in_chart("x" * 99)) == 30


def test_a_logarithmic_axis_has_labels_that_are_easy_to_read():
    def labels(*values):
        return scales.logarithmic(values)["ticktext"]

    assert {"0.001", "0.002", "0.005"} <= {*labels(0.0009, 0.006)}
    assert labels(0.0029, 0.0041) == ["0.0029", "0.0033", "0.0037", "0.0041"]
    assert {"1e-06", "0.01"} <= {*labels(1e-6, 1e-1)}
    assert labels(0.5, 0.5) == ["0.5"]


# ---- the command, and input that cannot be used ----


def call(capsys, *arguments):
    try:
        status = main([*map(str, arguments)], "clantune report")
    except SystemExit as error:
        status = error.code
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_command_writes_the_page_beside_the_file(tmp_path, capsys, monkeypatch):
    file = tmp_path / "run.jsonl"
    file.write_bytes((RUNS / "factorial.jsonl").read_bytes())
    written = (0, f"{tmp_path / 'run.html'}\n", "")
    assert call(capsys, file) == written
    assert call(capsys, tmp_path) == written, "a report is replaced"
    mine = tmp_path / "mine.html"
    mine.write_text("mine")
    refusal = f"{mine} exists and is not a report: give another name, or --force to replace it"
    assert call(capsys, file, "--out", mine) == (2, "", f"clantune report: {refusal}\n")
    assert call(capsys, file, "--out", mine, "--force") == (0, f"{mine}\n", "")
    assert mine.read_bytes() == (tmp_path / "run.html").read_bytes()
    monkeypatch.setattr(webbrowser, "_tryorder", None)
    monkeypatch.setattr(webbrowser, "_browsers", {})
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(opener))
    assert call(capsys, file, "--open") == written
    assert (tmp_path / "opened").read_text() == f"{(tmp_path / 'run.html').as_uri()}\n"
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    said = f"clantune report: no browser was found: open {tmp_path / 'run.html'} in one\n"
    assert call(capsys, file, "--open") == (1, written[1], said)


def test_help_says_what_the_page_shows(capsys):
    status, out, _ = call(capsys, "--help")
    assert status == 0
    assert "usage: clantune report" in out
    assert "one file of HTML" in out


def test_misuse_says_what_to_do(tmp_path, capsys):
    def refusal(*arguments):
        status, out, err = call(capsys, *arguments)
        assert (status, out) == (2, "")
        return err.removeprefix("clantune report: ").rstrip("\n")

    real = RUNS / "factorial.jsonl"
    empty, other, damaged = (tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl"))
    empty.touch()
    other.write_text('{"loss": 1}\n')
    lines = real.read_text().splitlines(keepends=True)
    damaged.write_text("".join((*lines[:4], lines[4][:50] + "\n", *lines[5:])))
    unfit = tmp_path / "d.jsonl"
    unfit.write_text("".join(line for line in lines if '"member": 2' not in line))
    names = "a.jsonl, c.jsonl and d.jsonl"
    name_it = "give the file that Clan(history=...) names"
    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'} does not exist: {name_it}"
    assert refusal(tmp_path) == f"{tmp_path} has several files of runs: {names}; give one of them"
    assert refusal(empty) == f"{empty} has no run that has begun: {name_it}"
    assert refusal(other).startswith(f"{other}, line 1: this is not a line of the file of a run: ")
    assert refusal(damaged).startswith(f"{damaged}, line 5: this is not a line of JSON: ")
    assert refusal(unfit) == (
        f"{unfit}, line 5: round 0 lacks the record of member 2; the file is damaged"
    )
    assert refusal(real, "--out", tmp_path) == (
        f"{tmp_path} is a folder: give the name of a file in it"
    )
    nowhere = tmp_path / "no" / "page.html"
    assert refusal(real, "--out", nowhere) == (
        f"the folder {nowhere.parent} does not exist: make it, or choose another path"
    )
    full = Path("/proc/page.html")
    assert refusal(real, "--out", full).startswith(f"{full} cannot be written: ")
    assert "the following arguments are required: RUN" in refusal()


def test_a_history_that_grows_is_read_at_any_moment(tmp_path):
    text = Shape(start(genes={"lr": GENES["lr"]})).rounds(2).text()
    pages = {
        len(Facts(RunFile.of(tmp_path / "run.jsonl", text[:length])).rounds)
        for length in (*range(text.index("\n") + 1, len(text), 97), len(text))
    }
    assert pages == {0, 1, 2}
