"""Checkpoints of a clan of one process: complete or not there, and nothing else is believed."""

import json
import os
import random
import re

import pytest
import torch
from small_clans import X, Y, clan, loss

from clantune_clan import ClanError, Communication
from clantune_clan.checkpoint import Checkpoint, Checkpoints, read
from clantune_clan.disk import checksum_of
from clantune_clan.errors import CheckpointError

DATA = torch.utils.data.TensorDataset(X, Y)


def begin(**options):
    given = {"total_steps": 24, "strategies": "factorial", "duty_cycle": 0.5}
    it = clan(**{**given, **options})
    return it, it.loader(DATA, 8)


def train(it, loader, until=None):
    """Train to the end, or to a number of steps; return whether that number was reached."""
    for member in it.rounds():
        for batch, targets in member.batches(loader):
            (member.model(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            if member.steps_done + 1 == until and until % 4:
                member.step()
                return
        it.step(loss)
        if it.run_state.step == until:
            return


def saved(folder, until=8, **options):
    it, loader = begin(**options)
    train(it, loader, until)
    return it.save(folder)


def name_of(step):
    """Return the name of the checkpoint at the end of a round of four steps."""
    return f"step-{step:09d}-round-{step // 4:05d}"


def state_of(it):
    return {**it._state.model.state_dict(), **dict(enumerate(it._state.optimizer.state.values()))}


def assert_equal(one, other):
    torch.testing.assert_close(state_of(one), state_of(other), rtol=0, atol=0)
    assert one.genome == other.genome
    times = {"seconds": {}}
    strip = lambda history: [{**record.as_data(), **times} for record in history]  # noqa: E731
    assert strip(one.history) == strip(other.history)


@pytest.mark.parametrize("until", [1, 2, 4, 7, 8, 22, 23])  # in each phase, and between rounds
def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(tmp_path, until):
    whole, loader = begin()
    train(whole, loader)
    saved(tmp_path, until)
    torch.manual_seed(9)
    random.seed(9)
    resumed, loader = begin()
    resumed.resume(tmp_path)
    assert resumed.run_state.step == until - until % 4
    train(resumed, loader)
    assert_equal(resumed, whole)


def test_random_streams_go_on(tmp_path):
    it, loader = begin()
    train(it, loader, 8)
    it.save(tmp_path)
    drawn = random.random(), torch.rand(3)
    random.seed(1)
    torch.manual_seed(1)
    other, _ = begin()
    other.resume(tmp_path)
    other.round()
    assert random.random() == drawn[0]
    assert torch.equal(torch.rand(3), drawn[1])


def test_records_of_later_rounds_are_cut_off(tmp_path):
    path = tmp_path / "history.jsonl"
    it, loader = begin(history=path)
    train(it, loader, 8)
    it.save(tmp_path)
    train(it, loader)
    it.close()
    other, loader = begin(history=path)
    other.resume(tmp_path)
    assert [record.round for record in other.history] == [0, 1]
    train(other, loader)
    assert [record.round for record in other.history] == [*range(6)]
    with pytest.raises(ClanError, match="there is a history at"):
        begin(history=path)[0].round()


def test_the_latest_checkpoint_counts_and_a_chosen_one_too(tmp_path):
    it, loader = begin()
    folders = []
    for until in (4, 8, 12):
        train(it, loader, until)
        folders.append(it.save(tmp_path))
    assert [each.name for each in folders] == [name_of(step) for step in (4, 8, 12)]
    latest, _ = begin()
    latest.resume(tmp_path)
    assert latest.run_state.step == 12
    first, _ = begin()
    first.resume(folders[0])
    assert first.run_state.step == 4


def test_tied_tensors_are_stored_once_and_stay_tied(tmp_path):
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Linear(2, 2)
            self.other = torch.nn.Linear(2, 2)
            self.other.weight = self.one.weight
            self.out = torch.nn.Linear(2, 1)

        def forward(self, x):
            return self.out(self.other(self.one(x)))

    def tied():
        torch.manual_seed(0)
        model = Tied()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        return begin(model=model, optimizer=optimizer)

    it, loader = tied()
    train(it, loader, 8)
    folder = it.save(tmp_path)
    structure = json.loads((folder / "rank-0.json").read_text())
    assert structure["same_as"]["rank/training/member/model/other.weight"] == (
        "rank/training/member/model/one.weight"
    )
    other, loader = tied()
    other.resume(tmp_path)
    train(other, loader)
    model = other._state.model
    assert model.one.weight is model.other.weight
    train(it, loader := it._setup.loader)
    assert_equal(other, it)


# ---- By itself ----


def test_a_run_writes_checkpoints_by_itself_and_goes_on_from_the_latest(tmp_path):
    whole, loader = begin()
    train(whole, loader)
    first, loader = begin(checkpoints=tmp_path)
    train(first, loader, 16)
    steps = [each.name for each in sorted(tmp_path.glob("step-*"))]
    assert steps == [name_of(step) for step in (8, 12, 16)]
    second, loader = begin(checkpoints=str(tmp_path))
    train(second, loader)
    assert_equal(second, whole)


def test_checkpoints_are_as_rare_and_as_few_as_asked_for(tmp_path):
    it, loader = begin(checkpoints=Checkpoints(tmp_path, every=2, keep=1))
    seen = []
    for until in (4, 8, 12, 16, 20):
        train(it, loader, until)
        seen.append([each.name for each in tmp_path.glob("step-*")])
    assert seen == [[], [name_of(8)], [name_of(8)], [name_of(16)], [name_of(16)]]


def test_what_a_killed_process_has_left_is_deleted(tmp_path):
    (tmp_path / ".unfinished-abc").mkdir()
    saved(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [name_of(8)]


def test_a_second_attempt_that_finds_no_checkpoint_begins_a_new_history(tmp_path, monkeypatch):
    path = tmp_path / "history.jsonl"
    first, loader = begin(history=path)
    train(first, loader, 4)
    with pytest.raises(ClanError, match="there is a history at"):
        begin(history=path, checkpoints=tmp_path / "run")[0].round()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    second, loader = begin(history=path, checkpoints=tmp_path / "run")
    train(second, loader, 4)
    assert [record.round for record in second.history] == [0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "checkpoints is the folder of a run, or Checkpoints(...); got 3"),
        ({"every": 0}, "every of Checkpoints is a whole number, 1 or more; got 0"),
        ({"keep": True}, "keep of Checkpoints is a whole number, 1 or more; got True"),
    ],
)
def test_checkpoints_that_make_no_sense_are_refused(tmp_path, given, message):
    with pytest.raises(ClanError) as raised:
        begin(checkpoints=Checkpoints(tmp_path, **given) if isinstance(given, dict) else given)
    assert str(raised.value) == message


# ---- What is refused ----


def refusal(folder, **options):
    it, _ = begin(**options)
    before = {name: tensor.clone() for name, tensor in it._state.model.state_dict().items()}
    with pytest.raises(ClanError) as raised:
        it.resume(folder)
    torch.testing.assert_close(it._state.model.state_dict(), before, rtol=0, atol=0)
    assert it.run_state.step == 0
    return str(raised.value)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path):
    assert refusal(tmp_path) == f"there is no checkpoint in {tmp_path}"
    assert refusal(tmp_path / "none") == f"there is no checkpoint in {tmp_path / 'none'}"


def test_a_checkpoint_of_another_seed_is_refused(tmp_path):
    saved(tmp_path)
    assert refusal(tmp_path, seed=1) == (
        "this run has seed 1, and the loaded one 0: make the clan with seed=0"
    )


def test_a_checkpoint_without_what_the_clan_has_is_refused(tmp_path):
    it = clan(total_steps=24, strategies="factorial")
    member = it.round()
    it.save(tmp_path)
    assert member.steps_done == 0
    assert refusal(tmp_path) == "the checkpoint has no loader: make the clan without one"


def test_a_moment_that_cannot_be_saved_is_named(tmp_path):
    it, loader = begin()
    with pytest.raises(ClanError, match="nothing to save before the first round"):
        it.save(tmp_path)
    member = it.round()
    batch, targets = next(iter(loader))
    (member.model(batch) - targets).square().mean().backward()
    with pytest.raises(ClanError, match=r"gradients wait for optimizer.step\(\)"):
        it.save(tmp_path)
    member.optimizer.step()
    member.optimizer.zero_grad()
    with pytest.raises(ClanError, match=r"the batch of step 0 was read, and member.step\(\) has"):
        it.save(tmp_path)
    while not member.done:
        member.step()
    with pytest.raises(ClanError, match=r"save after clan.step\(loss\)"):
        it.save(tmp_path)
    it.close()
    with pytest.raises(ClanError, match="this clan is closed, so save comes too late"):
        it.save(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_a_second_checkpoint_of_one_step_is_refused(tmp_path):
    it, loader = begin()
    train(it, loader, 8)
    folder = it.save(tmp_path)
    with pytest.raises(CheckpointError, match=f"there is a checkpoint at {folder} already"):
        it.save(tmp_path)
    assert [*tmp_path.iterdir()] == [folder]


def test_a_crash_before_the_end_leaves_no_checkpoint(tmp_path, monkeypatch):
    it, loader = begin()
    train(it, loader, 8)

    def crash(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "rename", crash)
    with pytest.raises(CheckpointError, match="cannot be written: no space left"):
        it.save(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_each_of_500_damages_is_refused_or_harmless(tmp_path):
    folder, channel = saved(tmp_path), Communication()
    whole = read(Checkpoint.at(tmp_path), channel)["training"]["member"]["model"]
    files, rng, refused = sorted(folder.iterdir()), random.Random(0), 0
    for _ in range(500):
        file = rng.choice(files)
        content = file.read_bytes()
        damaged = bytearray(content)
        if rng.random() < 0.2:
            del damaged[rng.randrange(len(damaged)) :]
        else:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        try:
            found = read(Checkpoint.at(tmp_path), channel)["training"]["member"]["model"]
        except CheckpointError:
            refused += 1
        else:  # in a part of the manifest on which nothing depends, such as a version
            assert file.name == "manifest.json"
            torch.testing.assert_close(found, whole, rtol=0, atol=0)
        file.write_bytes(content)
    assert refused > 400


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "rank-1.json"])
def test_a_manifest_that_names_other_files_is_refused(tmp_path, name):
    folder = saved(tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"].pop("rank-0.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "names other files than it has" in refusal(tmp_path)


def forge(file):
    """Give a file that was changed the checksum that the manifest expects."""
    manifest = json.loads((file.parent / "manifest.json").read_text())
    manifest["files"][file.name] = checksum_of(file.read_bytes())
    (file.parent / "manifest.json").write_text(json.dumps(manifest))


def test_nothing_is_unpickled(tmp_path):
    file = saved(tmp_path) / "rank-0.safetensors"
    torch.save({"model": torch.ones(3)}, file)
    forge(file)
    assert "is not the state of a rank" in refusal(tmp_path)


@pytest.mark.parametrize("path", ["optimizer/__class__", "model/_modules/0", "model/0/__init__"])
def test_a_genome_with_a_path_that_is_out_of_reach_is_refused(tmp_path, path):
    file = saved(tmp_path) / "rank-0.json"
    text, lr = file.read_text(), "optimizer/param_groups/0/lr"
    assert lr in text
    file.write_text(text.replace(lr, path))
    forge(file)
    it, _ = begin()
    before = {name: tensor.clone() for name, tensor in it._state.model.state_dict().items()}
    it.resume(tmp_path)
    with pytest.raises(ClanError, match=f"expresses gene 'lr' at {re.escape(path)}, and this one"):
        it.round()
    torch.testing.assert_close(it._state.model.state_dict(), before, rtol=0, atol=0)
