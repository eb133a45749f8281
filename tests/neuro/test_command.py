"""The command `clantune neuro`, called as an entry point is."""

import argparse
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from clantune_neuro import command
from clantune_neuro.command import VERBS, main, measuring, printing
from clantune_neuro.command.options import count, positive, whole
from clantune_neuro.gates import Report, at_most, timed

PROGRAM = "clantune neuro"


def neuro(*arguments):
    return main(arguments, PROGRAM)


def test_the_help_names_every_verb(capsys):
    assert neuro("--help") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(
        "usage: clantune neuro [-h] VERB ...\n\n"
        "Evolve networks whose genome is a lineage of seeds.\n"
    )
    for verb in VERBS:
        assert f"\n  {verb}" in printed.out
    assert printed.out.endswith(
        "`clantune neuro VERB --help` says more about a verb.\n"
        "Exit status: 0 done, 1 a gate is missed, 2 misuse or an error, 130 interrupted.\n"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help(verb, capsys):
    assert neuro(verb, "--help") == 0
    assert f"usage: clantune neuro {verb}" in capsys.readouterr().out


def test_the_help_does_not_import_torch():
    code = (
        "import sys; from clantune_neuro.command import VERBS, main\n"
        "for verb in ('', *VERBS): main([*verb.split(), '--help'], 'clantune neuro')\n"
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_without_a_verb_the_help_goes_to_the_errors(capsys):
    assert neuro() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: clantune neuro [-h] VERB ...\n")


def test_a_self_test_prints_its_claim_gates_seed_and_seconds(capsys):
    assert neuro("selftest", "lineage", "--chains", "1", "--genes", "3", "--seed", "5") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(
        "Replay of 1 random lineages of 3 genes and of their relatives\n"
        "claim: what is kept, the order, crossover and compaction change no bit of a weight\n"
    )
    assert "\nmismatches  0       at most 0  holds\n" in printed.out
    assert "\nseed: 5\n" in printed.out
    assert "\nprocessor seconds: " in printed.out


def test_json_is_one_object(capsys):
    assert neuro("selftest", "lineage", "--chains", "1", "--genes", "3", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() == {"title", "claim", "lines", "gates", "facts", "holds"}
    assert printed["holds"] is True
    assert printed["facts"].keys() == {
        *("operators", "seed", "replays", "seconds", "processor seconds")
    }


def test_a_gate_that_is_missed_is_status_1(capsys, monkeypatch):
    report = Report("A test", gates=[at_most("figure", 2.0, 1.0)])
    monkeypatch.setattr(measuring.Measurement, "report", lambda self, arguments: report)
    assert neuro("selftest", "inverse") == 1
    assert "DOES NOT HOLD" in capsys.readouterr().out


# ---- Misuse ----


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("bnech", "there is no verb 'bnech'; did you mean 'bench'?"),
        ("xyz", "there is no verb 'xyz'; `clantune neuro --help` lists them"),
    ],
)
def test_an_unknown_verb_is_answered_with_the_nearest(verb, message, capsys):
    assert neuro(verb) == 2
    assert capsys.readouterr().err == f"clantune neuro: {message}\n"


def test_an_unknown_argument_is_answered_with_the_usage(capsys):
    assert neuro("selftest", "lineage", "--chain", "x") == 2
    assert capsys.readouterr().err.endswith(
        "clantune neuro selftest lineage: error: argument --chains: 'x' is not an integer of 0 or "
        "more\n"
    )


def test_an_unknown_measurement_is_answered_with_those_there_are(capsys):
    assert neuro("bench", "all") == 2
    error = capsys.readouterr().err
    assert "clantune neuro bench: error: argument WHAT: invalid choice: 'all'" in error
    for name in ("noise", "chain", "evaluate", "population"):
        assert name in error


def test_an_error_of_the_package_is_one_line_without_a_traceback(capsys):
    assert neuro("selftest", "device", "--weights", "100") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "clantune neuro selftest: there are no hashes for 100 weights; there are some for 605,184 "
        "and 4,051,968\n"
    )


def test_an_interrupt_is_status_130(capsys, monkeypatch):
    def interrupted(name, arguments, program):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_run", interrupted)
    assert neuro("bench", "noise") == 130
    assert capsys.readouterr().err == "clantune neuro: interrupted\n"


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (whole, "0", 0),
        (whole, "4,051,968", 4_051_968),
        (count, "1_000", 1_000),
        (positive, "0.5", 0.5),
    ],
)
def test_numbers_are_read(reader, text, value):
    assert reader(text) == value


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (whole, "-1", "'-1' is not an integer of 0 or more"),
        (count, "0", "0 is below 1"),
        (positive, "0", "'0' is not a number above 0"),
        (positive, "inf", "'inf' is not a number above 0"),
        (positive, "x", "'x' is not a number above 0"),
    ],
)
def test_other_texts_are_refused(reader, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as info:
        reader(text)
    assert str(info.value) == message


# ---- Reports and progress ----


def test_a_report_is_timed(monkeypatch):
    clock, process = iter([5.0, 7.5]), iter([1.0, 1.25])
    monkeypatch.setattr("clantune_neuro.gates.time.perf_counter", lambda: next(clock))
    monkeypatch.setattr("clantune_neuro.gates.time.process_time", lambda: next(process))
    report = timed(lambda: Report("A test", facts={"seed": 3}))
    assert report.facts == {"seed": 3, "seconds": 2.5, "processor seconds": 0.25}


def test_progress_is_drawn_on_a_terminal_alone(monkeypatch):
    written = []
    stream = SimpleNamespace(isatty=lambda: True, write=written.append, flush=lambda: None)
    monkeypatch.setattr(printing.sys, "stderr", stream)
    printing.show_progress(1, 4)
    printing.show_progress(4, 4)
    assert written == [f"\r[{'#' * 10}{'.' * 30}] 1 of 4", "\r\x1b[K"]
    stream.isatty = lambda: False
    printing.show_progress(1, 4)
    assert len(written) == 2


def test_every_measurement_is_a_function_of_its_options():
    for verb in VERBS:
        module = command._verb(verb)
        for measurement in getattr(module, "_KNOWN", {}).values():
            measure = measuring.importlib.import_module(measurement.module).measure
            names = {option.name for option in measurement.options} | {"progress"}
            assert measure.__annotations__.keys() == names | {"return"}
