import json
import math

from clantune_neuro.gates import Report, at_least, at_most, none_of


def report():
    return Report(
        "The noise of a gene",
        lines=[("", "milliseconds"), ("gene", 1.23456), ("torch.randn", 2.0)],
        gates=[at_most("gene / torch.randn", 0.6173, 1.0), at_least("draws", 1000, 2000)],
        facts={"seeds": "0 to 30", "evaluations": 7040, "times": [1.2, 1.1]},
        claim="A gene takes at most the time of torch.randn.",
    )


def test_a_report_is_a_table_with_its_gates_and_facts():
    assert str(report()) == (
        "The noise of a gene\n"
        "claim: A gene takes at most the time of torch.randn.\n"
        "\n"
        "             milliseconds\n"
        "-----------  ------------\n"
        "gene         1.235\n"
        "torch.randn  2\n"
        "\n"
        "gate                figure  limit\n"
        "------------------  ------  --------------  -------------\n"
        "gene / torch.randn  0.6173  at most 1       holds\n"
        "draws               1,000   at least 2,000  DOES NOT HOLD\n"
        "\n"
        "seeds: 0 to 30\n"
        "evaluations: 7,040"
    )


def test_a_report_holds_if_every_gate_does():
    assert not report().holds
    assert Report("An experiment").holds
    assert Report("A test", gates=[none_of("mismatches", 0)]).holds
    assert not Report("A test", gates=[none_of("mismatches", 1)]).holds


def test_a_figure_that_is_not_a_number_does_not_hold():
    for gate in (at_most("r", math.nan, 1.0), at_least("r", math.nan, 1.0)):
        assert not gate.holds
        assert gate.to_plain()["value"] is None


def test_a_report_as_json_has_all_facts():
    plain = json.loads(json.dumps(report().to_plain()))
    assert plain["facts"]["times"] == [1.2, 1.1]
    assert plain["holds"] is False
    assert plain["gates"][0] == {
        "name": "gene / torch.randn",
        "value": 0.6173,
        "limit": 1.0,
        "holds": True,
        "relation": "at most",
    }


def test_an_experiment_shows_its_title_alone():
    assert str(Report("An experiment")) == "An experiment"


def test_figures_that_are_not_finite_are_none_in_json():
    endless = Report(
        "A search",
        lines=[("seed", "loss"), (0, math.nan)],
        facts={"median": math.inf, "curves": {"0": (1.0, -math.inf)}},
    )
    plain = json.loads(json.dumps(endless.to_plain(), allow_nan=False))
    assert plain["lines"] == [["seed", "loss"], [0, None]]
    assert plain["facts"] == {"median": None, "curves": {"0": [1.0, None]}}
    assert "median: inf" in str(endless)
