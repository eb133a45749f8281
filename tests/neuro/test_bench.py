"""The benchmarks measure what they say, in small sizes. How fast it was is not asked here."""

import os

import pytest
import torch

from clantune_neuro import EvaluationError, NeuroError
from clantune_neuro.benchmark import chain, evaluate, generation, networks, noise, population, turns
from clantune_neuro.evaluation import room
from clantune_neuro.evaluation.room import bytes_there, require_room
from clantune_neuro.networks import LinearPolicy
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks.memorise import Memorise

INSTALLED = generation.rival_there()
of_a_rival = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # EvoTorch's import warns


def ignore(done, total):
    """Show no progress."""


def names_of(report):
    return [gate.name for gate in report.gates]


# ---- Turns ----


def test_calls_take_turns():
    called = []
    calls = {name: lambda name=name: called.append(name) for name in "ab"}
    times = turns.in_turns(calls, 3)
    assert called == [*"abababab"]
    assert {name: len(found.all) for name, found in times.items()} == {"a": 3, "b": 3}


def test_a_call_that_changes_what_it_times_is_not_warmed():
    called = []
    turns.in_turns({"a": lambda: called.append(1)}, 2, warm=False)
    assert called == [1, 1]


def test_times_have_a_shortest_and_a_median():
    times = turns.Times((3.0, 1.0, 2.0))
    assert (times.shortest, times.median) == (1.0, 2.0)


def test_one_thread_is_used_within_the_block_alone():
    before = torch.get_num_threads()
    with turns.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


# ---- Genes and lineages ----


def test_every_operator_is_timed_beside_torch():
    report = noise.measure(weights=2_048, repeats=3, progress=ignore)
    blueprint = networks.blueprint_of(2_048)
    assert {*report.facts["milliseconds"]} == {
        *blueprint.operator_names,
        *("torch.randn", "normal, by torch"),
    }
    assert names_of(report) == [
        *("normal / torch.randn, shortest", "normal / torch.randn, medians"),
    ]


def test_a_chain_is_grown_and_replayed():
    report = chain.measure(weights=640, generations=30, cap=2**16, progress=ignore)
    figures = {gate.name: gate.value for gate in report.gates}
    assert figures.pop("a child at generation 30 / 10") > 0
    assert figures.pop("seconds of a replay without a cache") > 0
    assert 0 < figures.pop("bytes kept / cap") <= 1
    assert figures == {"characters per gene": 16, "replays to other bits": 0}
    assert report.facts["characters of the lineage"] == 16 * 31


@pytest.mark.parametrize("weights", [605_184, 4_051_968, 640, 7])
def test_networks_have_the_weights_that_were_asked_for(weights):
    network = networks.sized(weights)
    assert sum(each.numel() for each in network.module.parameters()) == weights
    with torch.inference_mode():
        assert network.module(torch.zeros(1, *network.inputs)).shape == (1, network.classes)


# ---- Evaluation ----


@of_a_rival
def test_every_form_and_a_generation_are_timed():
    report = evaluate.measure(
        population=6, inputs=8, hidden=4, batches=[4, 8], repeats=2, progress=ignore
    )
    rival = ["GeneticAlgorithm.step, EvoTorch"] if INSTALLED else []
    one = [f"evaluation, {form}" for form in ("loop", "vmap", "shared")]
    one += ["generation, normal", "generation, rank-1", *rival]
    assert [line[:2] for line in report.lines[1:]] == [
        (points, what) for points in (4, 8) for what in one
    ]
    assert {*names_of(report)} >= {"4 points: loop / shared", "8 points: loop / shared"}
    assert bool(rival) == ("4 points: EvoTorch / rank-1" in names_of(report))


def test_generations_are_compared_with_those_of_a_rival():
    found = evaluate.Found(
        8,
        {name: turns.Times((time,)) for name, time in (("loop", 6.0), ("shared", 1.0))},
        {
            name: turns.Times((time,))
            for name, time in (("normal", 2.0), ("rank-1", 1.0), ("EvoTorch", 4.1))
        },
    )
    assert [(gate.name, gate.value, gate.holds) for gate in found.gates()] == [
        ("8 points: loop / shared", 6.0, True),
        ("8 points: EvoTorch / normal", 2.05, True),
        ("8 points: EvoTorch / rank-1", 4.1, True),
    ]
    assert [*found.lines()][-1] == (
        *(8, "GeneticAlgorithm.step, EvoTorch", 4.1, 4.1, "1.00 x EvoTorch"),
    )


def test_a_rival_that_is_not_installed_is_said(monkeypatch):
    monkeypatch.setattr(generation.importlib.util, "find_spec", lambda name: None)
    assert generation.rival_said() == (
        "not installed, so generations are not compared; `pip install evotorch` installs it"
    )


@of_a_rival
@pytest.mark.skipif(not INSTALLED, reason="EvoTorch is not installed")
def test_a_rival_steps():
    step = generation.rival(LinearPolicy(8, classes=3), Memorise(4, (8,), 3, 4), population=4)
    begun = step.__self__.step_count
    step()
    assert step.__self__.step_count == begun + 1
    assert len(step.__self__.population) == 4


# ---- Memory ----


def test_a_generation_is_bred_in_its_own_process():
    report = population.measure(
        members=6, weights=640, parents=2, points=2, limit_gb=4.0, progress=ignore
    )
    assert report.holds
    assert report.facts["evaluations"] == 6
    assert report.facts["all weights at once"] == "fits into 4,000,000,000 bytes"
    assert 10**7 < report.lines[2][1] < 4 * 10**9


def test_all_weights_at_once_are_refused_with_the_numbers():
    asked = population.Asked(1_000, 4_051_968, 20, 2, 0)
    assert population._refusal(asked, 4 * 10**9) == (
        "refused: the weights of 1,000 members at once need 16,240,287,744 bytes, with 4,051,968 "
        "weights each, and 4,000,000,000 bytes are there; take chunks of 244 members or fewer"
    )


def test_a_process_that_fails_is_said(monkeypatch):
    monkeypatch.setattr(population, "__name__", "no.such.module")
    with pytest.raises(NeuroError) as info:
        population._in_a_process(population.Asked(1, 1, 1, 1, 0))
    message = str(info.value)
    assert message.startswith("the process of the generation ended with status 1: ")
    assert message.endswith("(ModuleNotFoundError: No module named 'no')")


def test_the_process_evaluates_every_member_once():
    spent = population.spent(population.Asked(5, 640, 2, 2, 0))
    assert spent.evaluations == 5
    assert spent.peak > 10**7
    assert spent.seconds > 0


def test_the_peak_of_memory_is_known_without_a_file_of_the_kernel(monkeypatch):
    monkeypatch.setattr(population.Path, "is_file", lambda path: False)
    assert population.peak_memory() > 10**7


def test_the_peak_of_memory_grows_with_what_is_kept():
    before = population.peak_memory()
    kept = torch.ones(40_000_000)
    assert population.peak_memory() >= before
    assert population.peak_memory() > kept.nbytes


# ---- Room ----


def test_weights_that_fit_are_not_refused():
    require_room(1_000, 8, there=40_000)
    require_room(1_000, 8)
    with pytest.raises(EvaluationError) as info:
        require_room(1_000, 9, there=40_000)
    assert str(info.value) == (
        "the weights of 9 members at once need 44,000 bytes, with 1,000 weights each, and 40,000 "
        "bytes are there; take chunks of 8 members or fewer"
    )


def test_a_single_member_that_does_not_fit_is_said():
    with pytest.raises(EvaluationError) as info:
        require_room(1_000, 1, there=11_000)
    assert str(info.value) == (
        "the weights of 1 member at once need 12,000 bytes, with 1,000 weights each, and 11,000 "
        "bytes are there; take a smaller network, or a machine with more memory: a single member "
        "does not fit"
    )


def test_a_device_that_does_not_say_refuses_nothing(monkeypatch):
    monkeypatch.setattr(room, "_available", lambda: None)
    monkeypatch.setattr(room, "_below_the_limit", lambda: None)
    assert bytes_there() is None
    require_room(10**9, 10**9)
    assert bytes_there("meta") is None


def test_a_run_refuses_a_chunk_whose_weights_do_not_fit_at_once(monkeypatch):
    monkeypatch.setattr(room, "bytes_there", lambda device: 100_000)
    arguments = networks.sized(640).module, Memorise(2, (10,), 64, 2), [Append("normal")]
    with pytest.raises(EvaluationError) as info:
        Evolve(*arguments, form="vmap", chunk=64)
    assert str(info.value) == (
        "the weights of 64 members at once need 168,960 bytes, with 640 weights each, and 100,000 "
        "bytes are there; take chunks of 37 members or fewer"
    )
    Evolve(*arguments, form="vmap", chunk=37)
    Evolve(*arguments, form="vmap", chunk=64, population=30)
    Evolve(*arguments, form="loop", chunk=64)


def test_the_smaller_of_two_limits_counts(monkeypatch):
    files = {
        "/proc/meminfo": ["MemTotal: 9 kB", "MemAvailable:  8 kB"],
        "/sys/fs/cgroup/memory.max": ["5000"],
        "/sys/fs/cgroup/memory.current": ["1000"],
    }
    monkeypatch.setattr(room, "_lines", lambda file: files.get(file, []))
    assert bytes_there() == 4_000
    files["/sys/fs/cgroup/memory.max"] = ["max"]
    assert bytes_there() == 8 * 1024
    files["/proc/meminfo"] = []
    assert bytes_there() == os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
