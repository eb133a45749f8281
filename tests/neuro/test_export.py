"""Members as files of weights, and their verification from the files of a run."""

import json
import re
import sys

import attrs
import pytest
import torch
from evolving import Deadly, Near, Shifting, lineages, network, run
from torch import nn

from clantune_neuro import BlueprintError, DirectoryError, NeuroError
from clantune_neuro.evaluation.record import Record
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.run.export import export
from clantune_neuro.run.verify import verify
from clantune_neuro.strategies.append import Append
from clantune_neuro.tasks import Memorise
from clantune_strategies import Dominant, KeepBest, TopN, Tournament, WhenReplaced


def test_a_file_for_torch_load_holds_the_state_of_the_network(tmp_path):
    best = run().until(3)
    assert export(best, tmp_path / "best.pt") == tmp_path / "best.pt"
    state = torch.load(tmp_path / "best.pt", weights_only=True)
    model = network()
    model.load_state_dict(state)
    with torch.no_grad():
        assert Near()(model).base == best.score


def test_a_file_of_safetensors_holds_the_state_and_the_lineage(tmp_path):
    safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
    best = run().until(3)
    file = export(best, str(tmp_path / "best.safetensors"))
    with safetensors.safe_open(file, "pt") as found:
        assert found.metadata() == {"lineage": str(best.lineage)}
        state = {name: found.get_tensor(name) for name in found.keys()}  # noqa: SIM118
    assert state.keys() == best.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in best.state_dict().items())


def test_safetensors_that_are_not_installed_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    best = run().until(0)
    with pytest.raises(NeuroError) as caught:
        export(best, tmp_path / "best.safetensors")
    assert str(caught.value) == (
        'safetensors is not installed: pip install "clantune-neuro[safetensors]"'
    )


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(NeuroError) as caught:
        export(run().until(0), tmp_path / "best.onnx")
    assert str(caught.value) == (
        f"{tmp_path / 'best.onnx'} has the ending '.onnx'; use one of .pt, .safetensors"
    )
    assert not (tmp_path / "best.onnx").exists()


@pytest.mark.parametrize(
    ("task", "given"),
    [
        (Near(), {"compact_after": 4}),
        (Shifting(), {"compact_after": 3}),
        (Shifting(), {"improvement": True}),
        (Deadly(), {}),
    ],
    ids=["compaction", "noise", "improvement", "dead members"],
)
def test_every_member_is_verified_to_the_bit(tmp_path, task, given):
    with run(task, out=tmp_path / "a", **given) as made:
        made.until(9)
        for member in made.population:
            verdict = verify(tmp_path / "a", network(), task, member.uuid)
            assert verdict.passed, verdict
            assert verdict.score == Record.of(member).base
            text = f"verified: weights {verdict.sha256}, score {verdict.score}"
            assert str(verdict) == text
    assert verify(tmp_path / "a", network(), task).score == Record.of(made.best.genome).base


@pytest.mark.parametrize("form", ["vmap", "shared"])
def test_forms_whose_last_bit_depends_on_the_chunk_are_verified_too(tmp_path, form):
    model = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))
    task = Memorise(points=64, inputs=(16,), classes=4, loss="cross_entropy")
    rules = [KeepBest(TopN(4, Tournament(1, 1)), 2), Dominant(), WhenReplaced(Append("rank-1"))]
    given = {"population": 16, "chunk": 6, "form": form, "strength": 0.1, "out": tmp_path / "a"}
    with Evolve(model, task, rules, **given) as made:
        made.until(5)
        for member in made.population:
            assert verify(tmp_path / "a", model, task, member.uuid).passed


def test_a_score_that_differs_says_what_may_be_the_reason(tmp_path):
    with run(out=tmp_path / "a") as made:
        best = made.until(4)
    verdict = verify(tmp_path / "a", network(), Near(2.5))
    assert not verdict.passed
    start = f"the weights are {verdict.sha256}, but the score {best.score} is {verdict.again} now; "
    assert str(verdict) == f"{start}the network or the task is another one than in the run"
    there = attrs.evolve(verdict, machines=("x86_64 AVX2", "aarch64 DEFAULT"))
    assert str(there) == (
        f"{start}the run was begun on x86_64 AVX2 and this is aarch64 DEFAULT, so its last bit may "
        "differ"
    )
    wrong = attrs.evolve(verdict, cached="0" * 64)
    assert str(wrong) == (
        f"the weights differ: {verdict.sha256} without a cache, {'0' * 64} with one"
    )


def test_a_damaged_lineage_is_found(tmp_path):
    with run(out=tmp_path / "a") as made:
        best = made.until(4)
    file = tmp_path / "a" / "population.json"
    lineage = str(best.lineage)
    other = "A" if lineage[-1] != "A" else "B"
    file.write_text(file.read_text().replace(lineage, lineage[:-1] + other))
    with pytest.raises(DirectoryError) as caught:
        verify(tmp_path / "a", network(), Near())
    assert str(caught.value) == (
        f"the history of {tmp_path / 'a'} does not contain the lineage of member "
        f"{best.genome.uuid} in generation {Record.of(best.genome).born}; one of its files is "
        "damaged"
    )


def test_what_cannot_be_verified_is_said(tmp_path):
    run(out=tmp_path / "a").close()
    with pytest.raises(DirectoryError, match=re.escape(f"{tmp_path / 'a'} has no generation yet")):
        verify(tmp_path / "a", network(), Near())
    with run(out=tmp_path / "b") as made:
        made.until(2)
    with pytest.raises(BlueprintError, match="differ: 'weight' "):
        verify(tmp_path / "b", nn.Linear(4, 2), Near())
    with pytest.raises(NeuroError, match="no member of the last generation is called"):
        verify(tmp_path / "b", network(), Near(), "0" * 36)
    assert json.loads((tmp_path / "b" / "population.json").read_text())["generation"] == 2
    assert len(lineages(made.population)) == 8
