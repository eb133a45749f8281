"""The self-tests hold here, and see what they are to see."""

import math

import numpy as np
import pytest
import torch

from clantune_neuro import Lineage, NeuroError, Nursery
from clantune_neuro.selftest import device, hashes, independence, inverse, lineage
from clantune_neuro.selftest.chains import additive_names


def ignore(done, total):
    """Show no progress."""


class Progress:
    def __init__(self):
        self.seen = []

    def __call__(self, done, total):
        self.seen.append((done, total))


# ---- Lineages ----


def test_random_lineages_replay_to_the_bits_of_the_plain_replay():
    progress = Progress()
    report = lineage.measure(chains=4, genes=12, progress=progress)
    assert report.holds
    assert progress.seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert report.facts["operators"] == 14
    counts = {kind: (replays, differ) for kind, replays, differ in report.lines[1:]}
    assert counts.pop("prefixes, from what is kept") == (8, 0)
    crossed = {kind: counts.pop(kind) for kind in [*counts] if kind.startswith("children by ")}
    assert sum(replays for replays, _ in crossed.values()) == 4
    assert set(counts.values()) == {(4, 0)}


def test_a_lineage_that_a_nursery_replays_to_other_bits_is_counted(monkeypatch):
    replay = Nursery.state

    def forgetful(self, text):
        state = replay(self, text)
        if self.cap:
            state = state.copy()
            state.tensors[0].view(-1)[0] += 1
        return state

    monkeypatch.setattr(Nursery, "state", forgetful)
    monkeypatch.setattr(lineage, "_cap", lambda blueprint, rng: 2**20)
    report = lineage.measure(chains=2, genes=5, progress=ignore)
    assert not report.holds
    assert report.gates[0].value == 16  # eight lineages for each chain


def test_a_compacted_lineage_with_other_bits_is_counted(monkeypatch):
    other = Lineage.born(2**63)
    monkeypatch.setattr(
        lineage, "compacted", lambda allele, nursery, after: allele.with_value(other)
    )
    report = lineage.measure(chains=1, genes=5, progress=ignore)
    counts = {kind: differ for kind, _, differ in report.lines[1:]}
    assert counts["compacted lineages, replayed plainly"] == 1


def test_the_self_test_has_every_operator_of_the_package():
    names = {*additive_names(lineage._with_a_bank())}
    assert names == {"normal", "exponential", "uniform", "one", "tensor", "module", "rank-1"}


# ---- Devices ----


def test_the_committed_hashes_hold(monkeypatch):
    cases = [(605_184, "birth"), (605_184, "normal"), (605_184, "rank-1")]
    monkeypatch.setattr(device, "CASES", cases)  # the tests of the nursery have all of them
    progress = Progress()
    report = device.measure(weights=[605_184], progress=progress)
    assert report.holds
    assert report.lines[1:3] == (("CPU, numpy", 3, 0), ("CPU, torch", 3, 0))
    assert progress.seen[-1][0] == progress.seen[-1][1]


def test_another_hash_is_counted(monkeypatch):
    wrong = {**hashes.HASHES, (605_184, "birth"): "0" * 64}
    monkeypatch.setattr(device, "HASHES", wrong)
    monkeypatch.setattr(device, "CASES", [(605_184, "birth")])
    report = device.measure(weights=[605_184], progress=ignore)
    assert report.gates[0].value == 2 + torch.cuda.is_available()


def test_a_size_without_hashes_is_refused():
    with pytest.raises(NeuroError) as info:
        device.measure(weights=[605_184, 100], progress=ignore)
    assert str(info.value) == (
        "there are no hashes for 100 weights; there are some for 605,184 and 4,051,968"
    )


# ---- Independence ----


def test_noise_is_independent():
    report = independence.measure(weights=20_000, genes=3, progress=ignore)
    assert report.holds
    assert len(report.gates) == 20
    assert report.gates[0].limit == 4 / math.sqrt(20_000)


def test_one_gene_has_no_other_to_be_compared_with():
    report = independence.measure(weights=5_000, genes=1, progress=ignore)
    names = [gate.name for gate in report.gates]
    assert "|r| of tensors of one gene" in names
    assert "|r| of genes of one tensor" not in names


def test_too_few_weights_are_refused():
    with pytest.raises(NeuroError) as info:
        independence.measure(weights=999, genes=2, progress=ignore)
    assert str(info.value) == "999 weights are too few to correlate; take 1000 or more"


def test_noise_that_tensors_share_does_not_hold(monkeypatch):
    drawn = independence._streams

    def shared(shape, weights, seeds):
        streams = drawn(shape, weights, seeds)
        return {(seed, name): streams[seed, independence.TENSORS[0]] for seed, name in streams}

    monkeypatch.setattr(independence, "_streams", shared)
    report = independence.measure(weights=5_000, genes=2, progress=ignore)
    failed = [gate.name for gate in report.gates if not gate.holds]
    assert failed == ["|r| of tensors of one gene"]


def test_noise_of_another_shape_does_not_hold(monkeypatch):
    drawn = independence._streams
    monkeypatch.setattr(
        independence, "_streams", lambda _, weights, seeds: drawn("normal", weights, seeds)
    )
    report = independence.measure(weights=20_000, genes=2, progress=ignore)
    failed = {gate.name for gate in report.gates if not gate.holds}
    assert failed == {
        "exponential: error of the kurtosis",
        "exponential: Kolmogorov-Smirnov distance",
        "uniform: error of the kurtosis",
        "uniform: Kolmogorov-Smirnov distance",
    }


def test_the_distance_is_the_largest_difference_of_shares():
    uniform = torch.distributions.Uniform(0.0, 1.0)
    assert independence._distance(uniform, np.array([0.1, 0.2, 0.3, 0.4])) == pytest.approx(0.6)
    assert independence._distance(uniform, np.array([0.6, 0.7, 0.8, 0.9])) == pytest.approx(0.6)


# ---- The inverse ----


def test_steps_are_inverted_and_norms_stay():
    progress = Progress()
    report = inverse.measure(trials=3_001, genes=150, progress=progress)
    assert report.holds
    short, long = report.lines[1:]
    assert short[:3] == ("0 to 1", 3_001, 0)
    assert long[:2] == ("1 to 4", 3_001)
    assert long[2] == long[4] > 100  # exactly the steps whose bit is set need it
    assert progress.seen[-1] == (150, 150)


def test_a_wrong_bit_is_seen(monkeypatch):
    monkeypatch.setattr(inverse, "sign_bit", lambda before, noise: noise[:, 0] > 2)
    report = inverse.measure(trials=300, genes=2, progress=ignore)
    failed = [gate.name for gate in report.gates if not gate.holds]
    assert failed == ["error with its bit, longer noise"]


def test_a_drift_of_norms_is_seen(monkeypatch):
    norms = iter(range(1, 10))
    monkeypatch.setattr(inverse, "_norms", lambda nursery, lineage: torch.tensor([next(norms)]))
    report = inverse.measure(trials=3, genes=5, progress=ignore)
    (failed,) = [gate for gate in report.gates if not gate.holds]
    assert (failed.name, failed.value) == ("change of norms after 5 genes", 5.0)
