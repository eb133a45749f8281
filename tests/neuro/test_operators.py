"""What each operator does to integers."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import BANK, DENSE, dense
from torch import nn

from clantune_neuro import (
    Blueprint,
    Gene,
    LineageError,
    Nursery,
    OperatorError,
    RangeError,
    operator,
)
from clantune_neuro.lineage import registry
from clantune_neuro.lineage.gene import strength_number
from clantune_neuro.noise.philox import fields, key_of
from clantune_neuro.noise.shapes import table
from clantune_neuro.operators.low_rank import factors
from clantune_neuro.replay.integers import powers

seeds = st.integers(0, 2**64 - 1)


def states(blueprint, name, *, argument=0, strength=0.1, seed=5, genes=1):
    """Return the weights before and after genes of one operator."""
    allele = blueprint.allele(3)
    nursery = Nursery(blueprint)
    before = nursery.state(allele)
    for number in range(genes):
        gene = Gene(blueprint.number_of(name), argument, strength_number(strength), seed + number)
        allele = allele.append(gene)
    return before, nursery.state(allele)


def steps(blueprint, name, **keywords):
    """Return what genes add to each tensor, as float64 by name."""
    before, after = states(blueprint, name, **keywords)
    pairs = zip(blueprint.tensors, before.tensors, after.tensors, strict=True)
    return {spec.name: (b.double() - a.double()) / 2**spec.unit for spec, a, b in pairs}


@given(seeds, st.integers(-600, 100))
def test_a_step_is_the_table_times_the_strength_in_integers(seed, number):
    spec = DENSE.tensors[0]
    nursery = Nursery(DENSE)
    before, gene = nursery.state(DENSE.allele(1)), Gene(2, strength=number, seed=seed)
    after = nursery.state(DENSE.allele(1).append(gene))
    drawn = table("normal")[fields(seed, key_of(spec.name), spec.size).astype(np.int64)]
    octave, part = divmod(number, 64)
    shift = 44 - 24 - octave - spec.scale
    for got, start, entry in zip(
        after[0].flatten().tolist(), before[0].flatten().tolist(), drawn.tolist(), strict=True
    ):
        assert got == start + ((entry * powers(64)[part] + 2 ** (shift - 1)) >> shift)


@pytest.mark.parametrize("name", ["normal", "exponential", "uniform", "rank-1"])
def test_a_step_has_the_strength_times_the_scale_as_its_deviation(name):
    module = nn.Linear(300, 400)
    blueprint = Blueprint.of(module)
    found = steps(blueprint, name, strength=0.25)
    for spec in blueprint.tensors:
        deviation = 0.25 * 2.0**spec.scale
        assert found[spec.name].std() == pytest.approx(deviation, rel=0.15)


def test_large_and_small_tensors_are_scaled_alike():
    large = Blueprint.of(nn.Linear(200, 100))
    small = Blueprint.of(nn.Linear(200, 10))
    one = steps(large, "normal")["weight"].flatten()
    other = steps(small, "normal", seed=5)["weight"].flatten()
    assert torch.equal(one[:2000], other)


def test_one_changes_one_weight():
    for seed in range(83):
        found = steps(DENSE, "one", seed=seed)
        changed = torch.cat([step.flatten() for step in found.values()]).nonzero()
        assert changed.flatten().tolist() == [seed]


def test_tensor_changes_one_tensor():
    for seed in range(4):
        found = steps(DENSE, "tensor", seed=seed, argument=2)
        changed = [place for place, step in enumerate(found.values()) if step.any()]
        assert changed == [seed]


@pytest.mark.parametrize(
    ("depth", "changed"), [(1, {"nets.0.weight", "nets.0.bias", "nets.1.weight", "nets.1.bias"})]
)
def test_module_changes_one_submodule(depth, changed):
    module = nn.Module()
    module.nets = nn.ModuleList([nn.Linear(2, 3), nn.Linear(2, 3)])
    module.last = nn.Linear(3, 2)
    blueprint = Blueprint.of(module, operators={"module": {"depth": depth}})
    found = steps(blueprint, "module", seed=4)
    assert {name for name, step in found.items() if step.any()} == changed
    blueprint = Blueprint.of(module, operators={"module": {"depth": 2}})
    found = [steps(blueprint, "module", seed=seed) for seed in range(3)]
    assert [[name for name, step in each.items() if step.any()] for each in found] == [
        ["nets.0.weight", "nets.0.bias"],
        ["nets.1.weight", "nets.1.bias"],
        ["last.weight", "last.bias"],
    ]


def test_rank_1_is_the_product_of_two_vectors():
    before, _ = states(DENSE, "rank-1")
    rows, columns = factors(before, 0, Gene(DENSE.number_of("rank-1"), seed=5))
    found = steps(DENSE, "rank-1", strength=0.25)["0.weight"]
    wanted = torch.outer(rows.double(), columns.double()) / 2**28 * 0.25 * 2**-1
    assert (found - wanted).abs().max() < 1e-7
    assert torch.linalg.matrix_rank(found, tol=1e-4) == 1


def test_rank_1_counts_filters_as_rows():
    blueprint = Blueprint.of(nn.Conv2d(3, 4, 2))
    found = steps(blueprint, "rank-1")["weight"].reshape(4, 12)
    assert torch.linalg.matrix_rank(found, tol=1e-4) == 1


# ---- Rows ----


def floats(state):
    return [tensor.double() / 2**24 for tensor in state.tensors]


@pytest.mark.parametrize(
    ("name", "features", "logits"),
    [
        ("fresh", True, True),
        ("label", False, True),
        ("nudge", True, False),
        ("duplicate", True, True),
        ("remove", True, True),
    ],
)
def test_an_operator_of_rows_changes_one_row(name, features, logits):
    before, after = states(BANK, name, seed=8 * 6 + 3)
    rows = [(a != b).any(dim=1).nonzero().flatten().tolist() for a, b in _pairs(before, after)]
    assert rows == [[3] * features, [3] * logits]
    assert torch.equal(before[2], after[2])


def _pairs(before, after):
    return [*zip(before.tensors, after.tensors, strict=True)][:2]


@pytest.mark.parametrize("name", ["fresh", "label", "nudge", "duplicate"])
def test_rows_keep_the_norm_1(name):
    _, after = states(BANK, name, genes=1000, strength=0.5)
    norms = floats(after)[0].norm(dim=1)
    assert (norms - 1).abs().max() < 1e-6


def test_duplicate_copies_a_row_nudged():
    before, after = states(BANK, "duplicate", seed=8 * 6 + 3, strength=1e-4)
    assert (floats(after)[0][3] - floats(before)[0][6]).abs().max() < 1e-3
    assert not torch.equal(after[0][3], before[0][6])


def test_remove_sets_a_row_to_0():
    _, after = states(BANK, "remove", seed=3)
    assert not after[0][3].any()
    assert not after[1][3].any()


# ---- Norms and rates ----


@pytest.mark.parametrize("inner", ["normal", "rank-1", "one"])
def test_norm_keeps_the_norms_of_rows(inner):
    number = DENSE.number_of(inner)
    before, after = states(DENSE, "norm", argument=number, genes=200, strength=0.3)
    assert not torch.equal(before[0], after[0])
    for index in (0, 2):
        ratio = floats(after)[index].norm(dim=1) / floats(before)[index].norm(dim=1)
        assert (ratio - 1).abs().max() < 1e-6
    if inner != "one":
        assert not torch.equal(before[1], after[1])


def test_norm_lets_a_row_of_zeros_move():
    blueprint = Blueprint.of(nn.Linear(3, 2), birth="zero")
    _, after = states(blueprint, "norm", argument=blueprint.number_of("normal"))
    assert after[0].any()


def test_norms_grow_without_norm():
    before, after = states(DENSE, "normal", genes=200, strength=0.3)
    assert (after[0].double().norm() / before[0].double().norm()) > 2


def test_a_rate_begins_at_1_and_moves():
    found = steps(DENSE, "rate", strength=0.1)
    plain = steps(DENSE, "normal", strength=0.1)
    ratio = found["0.weight"] / plain["0.weight"]
    assert ratio.log2().abs().max() < 0.05 * 4.5
    assert ratio.log2().std() == pytest.approx(0.05, rel=0.3)
    _, after = states(DENSE, "rate", genes=100)
    latents = after.extras["rate/0"].double() / 2**24
    assert latents.std() == pytest.approx(0.5, rel=0.4)
    assert after.nbytes == 4 * 2 * DENSE.num_weights


def test_rates_are_clipped_at_16_octaves():
    blueprint = Blueprint.of(dense(), operators={"rate": {"step": 127}})
    _, after = states(blueprint, "rate", genes=40, strength=1e-8)
    latents = after.extras["rate/0"].double() / 2**24
    assert latents.abs().max() == 16


# ---- Range, and operators of others ----


def test_a_weight_out_of_range_names_tensor_and_gene():
    allele = DENSE.allele(1)
    for seed in range(200):
        allele = allele.append(Gene(2, strength=64 * 3, seed=seed))
    with pytest.raises(RangeError) as info:
        Nursery(DENSE).weights(allele)
    assert str(info.value) == (
        "a weight, step or norm of '0.weight' reaches 75.9093; a weight must be below 64; use "
        "smaller strengths, the operator 'norm', or a smaller unit"
    )
    assert (info.value.tensor, info.value.gene) == ("0.weight", 38)
    assert info.value.__notes__ == ["in gene 38, operator 'normal'"]


def test_a_state_refuses_values_and_norms_out_of_range():
    state = Nursery(DENSE).state(DENSE.allele(1)).copy()
    before = state.sha256
    refusals = {
        64: lambda: state.put(0, torch.tensor([2**30])),
        65: lambda: state.put(1, torch.tensor([1, -65 * 2**24]), start=2),
        70: lambda: state.add(0, torch.tensor([1]), 70 * 2**24),
        128: lambda: state.norms(0, torch.full((1, 6), 2**30)),
    }
    for reached, refused in refusals.items():
        with pytest.raises(RangeError) as info:
            refused()
        assert f"reaches {reached}; a weight must be below 64" in str(info.value)
    assert state.sha256 == before


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_the_range_is_checked_at_the_same_gene_with_any_cache(seed):
    allele = DENSE.allele(seed)
    found = []
    for number in range(12):
        allele = allele.append(Gene(2 + number % 2, strength=64 * 3, seed=seed + 17 * number))
    for cap in (0, "1MiB"):
        nursery = Nursery(DENSE, cap)
        if cap:
            for length in range(1, 12):
                try:
                    nursery.state(str(allele.value)[: 16 * length])
                except RangeError:
                    break
        try:
            found.append(nursery.state(allele).sha256)
        except RangeError as error:
            found.append((str(error), error.__notes__))
    assert found[0] == found[1]


def test_an_operator_of_your_own_is_replayed():
    @operator("flip-sign", additive=False)
    def flip(state, gene, blueprint):
        state[gene.argument].neg_()

    try:
        blueprint = Blueprint.of(dense(), operators=["normal", "flip-sign"])
        before, after = states(blueprint, "flip-sign", argument=2)
        assert torch.equal(after[2], -before[2])
        assert torch.equal(after[0], before[0])
        with pytest.raises(OperatorError) as info:
            operator("flip-sign", additive=True)(print)
        assert str(info.value) == (
            f"two operators are called 'flip-sign': {__name__}."
            "test_an_operator_of_your_own_is_replayed.<locals>.flip and builtins.print; rename one"
        )
    finally:
        del registry._REGISTERED["flip-sign"]


def test_an_operator_that_fails_is_named_with_its_gene():
    @operator("fails", additive=False)
    def fails(state, gene, blueprint):
        raise ZeroDivisionError("by 0")

    try:
        blueprint = Blueprint.of(dense(), operators=["normal", "fails"])
        with pytest.raises(OperatorError) as info:
            states(blueprint, "fails")
        assert str(info.value) == "the operator 'fails' failed on gene 1: ZeroDivisionError: by 0"
        assert (info.value.name, info.value.gene) == ("fails", 1)
        assert isinstance(info.value.__cause__, ZeroDivisionError)
    finally:
        del registry._REGISTERED["fails"]


def test_an_operator_is_found_by_its_entry_point(monkeypatch):
    class Point:
        name = "published"

        def load(self):
            operator("published", additive=True)(print)

    def entry_points(*, group, name=None):
        assert group == "clantune.operators"
        return [Point()] if name in (None, "published") else []

    monkeypatch.setattr(registry.metadata, "entry_points", entry_points)
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))
    assert registry.operator_names()[-1] == "published"
    assert registry.find_operator("published").apply is print


def test_norm_takes_additive_operators_alone():
    number = DENSE.number_of("norm")
    taken = [a for a in range(256) if DENSE.allows(Gene(number, a))]
    names = [DENSE.entry(a).name for a in taken]
    assert names == ["normal", "exponential", "uniform", "one", "tensor", "module", "rank-1"]
    with pytest.raises(LineageError):
        DENSE.allele(1).append(Gene(number, number))


def test_an_outer_step_that_is_too_large_is_refused():
    blueprint = Blueprint.of(nn.Linear(300, 300, bias=False), scales={"weight": 0})
    with pytest.raises(RangeError) as info:
        states(blueprint, "rank-1", argument=1, strength=7.9)
    assert "a weight must be below 64" in str(info.value)
    assert math.isfinite(float(str(info.value).split("reaches ")[1].split(";")[0]))
