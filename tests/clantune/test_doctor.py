"""`clantune doctor`, on this machine, and where something is wrong with it."""

import json
import os
import re
import socket
from importlib import metadata

import pytest

from clantune_clan.doctor import addresses, space, threads, versions, world
from clantune_clan.doctor.finding import Plan
from clantune_clan.doctor.trial import trial
from clantune_clan.launch.threads import cores
from clantune_core.command import main

PLAN = Plan(members=2, seconds=100.0)
LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """As if no launcher had started this process."""
    for name in (*LAUNCHED, "SLURM_JOB_ID", "SLURM_PROCID", "GLOO_SOCKET_IFNAME"):
        monkeypatch.delenv(name, raising=False)


def examined(capsys, *arguments):
    """Run the command; return its exit status and its findings."""
    status = main(["doctor", "--json", *arguments])
    return status, json.loads(capsys.readouterr().out)["findings"]


def problems(findings):
    return [each.text for each in findings if each.level == "problem"]


def test_all_subjects_are_examined_and_a_small_clan_runs(capsys):
    assert main(["doctor"]) in (0, 1)  # 1 where something else is wrong with this machine
    lines = capsys.readouterr().out.splitlines()
    subjects = [line for line in lines if line[:1].isalpha()]
    assert subjects[:7] == [
        *("versions", "devices", "threads", "world", "addresses", "space", "trial"),
    ]
    assert lines[-2].startswith(
        "  ok       a clan of 2 processes has met, averaged, turned over a round, in "
    )
    levels = [line.split()[0] for line in lines if line[:2] == "  " and line[2] != " "]
    assert {*levels} <= {"ok", "note", "problem"}
    assert lines[-1].endswith(f"{levels.count('ok')} ok")
    advised = [line for line in lines if line.startswith(" " * 11 + "do: ")]
    assert len(advised) == len(levels) - levels.count("ok")


def test_a_problem_ends_with_1_and_a_clan_that_fails_is_told(monkeypatch, capsys):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "nowhere0")
    status, findings = examined(capsys)
    assert status == 1
    found = {each["subject"]: each for each in findings if each["level"] == "problem"}
    assert found["world"]["text"].startswith("GLOO_SOCKET_IFNAME=nowhere0, and the interfaces of ")
    assert found["trial"]["text"].startswith("a clan of 2 processes has not met")
    assert "nowhere0" in found["trial"]["text"].partition(":")[2]
    assert all(each["advice"] for each in found.values())


def test_a_clan_that_does_not_answer_is_ended():
    (found,) = trial(Plan(members=2, seconds=0.3))
    assert found.level == "problem"
    assert found.text.startswith("a clan of 2 processes has not met within 0.3 s")


def test_without_the_clan_it_starts_no_process(capsys):
    _, findings = examined(capsys, "--skip-clan")
    assert {each["subject"] for each in findings} == {
        *("versions", "devices", "threads", "world", "addresses", "space"),
    }


# ---- Versions ----


def test_versions_that_do_not_fit_together_are_a_problem(tmp_path, monkeypatch):
    info = tmp_path / "clantune_neuro-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clantune-neuro\nVersion: 9.9\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (told,) = problems(versions.versions(PLAN))
    assert (
        told == "clantune-neuro and clantune-core have different versions, and do not fit together"
    )


def test_a_plugin_that_cannot_be_loaded_is_a_problem(tmp_path, monkeypatch):
    info = tmp_path / "gale-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: gale\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[clantune.strategies]\ngale = no_such_module:Gale\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (told,) = problems(versions.versions(PLAN))
    assert told.startswith("strategy 'gale' of gale cannot be imported: ModuleNotFoundError")


def test_it_looks_at_every_optional_package_of_a_run():
    [told] = [each.text for each in versions.versions(PLAN) if "optional packages" in each.text]
    found, _, lacking = told.removeprefix("optional packages: ").partition("; not installed: ")
    named = {each.split()[0] for part in (found, lacking) for each in part.split(", ") if each}
    extras = metadata.requires("clantune-clan") + metadata.requires("clantune-frameworks")
    optional = {re.match(r"[\w-]+", each)[0] for each in extras if "extra ==" in each}
    assert named == optional - {"clantune-core", "torchmetrics"} | {"hypothesis"}


# ---- Threads, the world, addresses, space ----


@pytest.mark.parametrize(
    ("text", "level"), [(None, "ok"), ("1", "ok"), ("4096", "note"), ("many", "problem")]
)
def test_threads_are_compared_with_the_cores(monkeypatch, text, level):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if text is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", text)
    (found,) = threads.threads(Plan(members=1, seconds=1.0))
    assert found.level == level


def test_more_members_than_cores_take_turns():
    first, *_ = threads.threads(Plan(members=cores() + 1, seconds=1.0))
    assert first.level == "note"
    assert "they take turns" in first.text


@pytest.mark.parametrize(
    ("variables", "level", "told"),
    [
        ({}, "ok", "no launcher has set"),
        ({"RANK": "0", "WORLD_SIZE": "1"}, "ok", "a world of one process"),
        ({"WORLD_SIZE": "two"}, "problem", "WORLD_SIZE must be a number"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "problem", "MASTER_ADDR and MASTER_PORT is missing"),
        (
            {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"},
            "problem",
            "waits for the other ranks",
        ),
    ],
)
def test_a_world_that_nobody_has_launched_is_a_problem(monkeypatch, variables, level, told):
    for name, held in variables.items():
        monkeypatch.setenv(name, held)
    first, *_ = world.world(PLAN)
    assert (first.level, told in first.text) == (level, True)


def test_a_master_that_does_not_exist_is_a_problem(monkeypatch):
    for name, held in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "no host"}.items():
        monkeypatch.setenv(name, held)
    assert "MASTER_ADDR=no host cannot be resolved" in problems(world.world(PLAN))[0]


def test_a_job_of_slurm_is_noted(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert "job 17 of SLURM" in [*world.world(PLAN)][1].text


@pytest.mark.parametrize(
    ("host", "level", "told"),
    [
        ("127.0.0.1", "note", "is a loopback address"),
        (
            "203.0.113.9",
            "problem",
            "resolves to 203.0.113.9, which is not an address of this machine",
        ),
        ("no host", "note", "cannot be resolved"),
    ],
)
def test_the_address_of_the_host_name_is_examined(monkeypatch, host, level, told):
    monkeypatch.setattr(socket, "gethostname", lambda: host)  # an address resolves to itself
    *_, last = addresses.addresses(PLAN)
    assert (last.level, told in last.text) == (level, True)


def test_the_interface_of_gloo_is_tried(monkeypatch):
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    *_, last = addresses.addresses(PLAN)
    assert last.text == (
        "127.0.0.1 (used by gloo: GLOO_SOCKET_IFNAME=lo) can be listened on and connected to"
    )


@pytest.mark.parametrize(("limit", "level"), [("AMPLE", "note"), ("LITTLE", "problem")])
def test_little_space_is_told(monkeypatch, limit, level):
    monkeypatch.setattr(space, limit, 1 << 80)
    here, *_ = space.space(PLAN)
    assert here.level == level
    assert os.getcwd() in here.text


# ---- Misuse ----


def test_under_a_launcher_it_says_to_run_it_by_itself(monkeypatch, capsys):
    for name, held in {"TORCHELASTIC_RUN_ID": "x", "RANK": "1", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, held)
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == (
        "clantune doctor: this is rank 1 of 4 of a launcher; run `clantune doctor` by itself, once "
        "on each machine: it starts processes of its own\n"
    )
