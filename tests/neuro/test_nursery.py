"""Replay with any cache gives the bits of plain replay."""

import os
import stat
from collections import Counter
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import BANK, DENSE, dense, random_chain, random_gene
from torch import nn

from clantune_neuro import (
    BirthError,
    Blueprint,
    BlueprintError,
    Gene,
    GivenBirths,
    Lineage,
    LineageError,
    NeuroError,
    Nursery,
)
from clantune_neuro.lineage.registry import find_operator
from clantune_neuro.noise.sources import NumpySource, TorchSource
from clantune_neuro.selftest.hashes import BLUEPRINTS, CASES, HASHES, hash_of

CPU = torch.device("cpu")
TWIN = TorchSource(CPU)


def plain(lineage, blueprint, source=None):
    """Return the hash of the weights, replayed from the birth without any cache."""
    return Nursery(blueprint, cap=0, source=source).state(lineage).sha256


@pytest.mark.parametrize("blueprint", [DENSE, BANK])
@settings(max_examples=15)
@given(st.integers(0, 2**32), st.sampled_from((1300, 2600, 6000, 2**20)))
def test_any_cache_and_order_gives_the_bits_of_plain_replay(blueprint, seed, cap):
    rng = Random(seed)
    lineages = [random_chain(blueprint, 1, seed)]
    for _ in range(12):  # a family tree: children of random members
        parent = rng.choice(lineages)
        lineages.append(parent.append(random_gene(blueprint, rng)))
    wanted = {lineage: plain(lineage, blueprint) for lineage in lineages}
    nursery = Nursery(blueprint, cap)
    for lineage in rng.choices(lineages, k=20):
        assert nursery.state(lineage).sha256 == wanted[lineage]
        assert nursery.nbytes <= cap
        assert +nursery._lengths == Counter(length for length, _ in nursery._kept)
        assert sum(kept.nbytes for kept in nursery._kept.values()) == nursery.nbytes


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_additive_genes_give_the_same_bits_in_any_order(seed):
    names = [n for n in BANK.operator_names if find_operator(n).additive]
    assert len(names) == 7
    lineage = random_chain(BANK, 10, seed, names)
    birth, *genes = lineage.genes()
    Random(seed).shuffle(genes)
    shuffled = Lineage.born(birth.seed)
    for gene in genes:
        shuffled = shuffled.append(gene)
    assert plain(shuffled, BANK) == plain(lineage, BANK)


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_the_twin_in_torch_gives_the_same_bits(seed):
    lineage = random_chain(BANK, 6, seed)
    assert plain(lineage, BANK, TWIN) == plain(lineage, BANK, NumpySource())


# ---- Hashes that every machine must give ----


@pytest.mark.parametrize(("size", "name"), CASES)
def test_replay_gives_the_committed_hashes(size, name):
    assert hash_of(size, name, Nursery(BLUEPRINTS[size], cap=0)) == HASHES[size, name]


@pytest.mark.parametrize(("size", "name"), CASES)
def test_the_twin_in_torch_gives_the_committed_hashes(size, name):
    nursery = Nursery(BLUEPRINTS[size], cap=0, source=TWIN)
    assert hash_of(size, name, nursery) == HASHES[size, name]


# ---- What is kept ----


def test_a_child_costs_one_gene():
    nursery = Nursery(DENSE)
    lineage = random_chain(DENSE, 20, 1)
    nursery.state(lineage)
    assert nursery.num_replayed == 21
    nursery.state(lineage)
    assert nursery.num_replayed == 21
    for seed in range(3):
        nursery.state(lineage.append(Gene(2, strength=-300, seed=seed)))
    assert nursery.num_replayed == 24


def test_siblings_share_the_replay_of_their_parent():
    parent = random_chain(DENSE, 20, 1)
    nursery = Nursery(DENSE)
    for seed in range(3):
        nursery.state(parent.append(Gene(2, strength=-300, seed=seed)))
    assert nursery.num_replayed == 22 + 2


def test_texts_begin_at_a_parent_that_is_kept():
    parent = random_chain(DENSE, 80, 1)
    nursery = Nursery(DENSE)
    nursery.state(str(parent))
    for seed in range(2):
        nursery.state(str(parent.append(Gene(2, strength=-300, seed=seed))))
    nursery.state(str(parent)[:-16])
    assert nursery.num_replayed == 81 + 2
    nursery.clear()
    nursery.state(str(parent))
    assert nursery.num_replayed == 81 + 2 + 81


def test_the_least_recently_used_is_forgotten_first():
    size = 4 * DENSE.num_weights
    nursery = Nursery(DENSE, cap=2 * size)
    for seed in (1, 2, 1, 3):
        nursery.state(Lineage.born(seed))
    assert nursery.num_replayed == 3
    nursery.state(Lineage.born(1))
    assert (nursery.num_replayed, nursery.nbytes) == (3, 2 * size)
    nursery.state(Lineage.born(2))
    assert nursery.num_replayed == 4
    nursery.clear()
    assert nursery.nbytes == 0


def test_a_cap_below_one_network_is_said_once_and_nothing_is_kept():
    nursery = Nursery(DENSE, cap=100)
    with pytest.warns(UserWarning, match="cap of the nursery") as found:
        nursery.weights(Lineage.born(1))
    nursery.weights(Lineage.born(2))  # a second warning would be an error
    (said,) = (str(each.message) for each in found)
    assert said == (
        "the cap of the nursery is 100 bytes and one network has 332, so it keeps nothing and "
        "replays every lineage from its birth; raise the cap"
    )
    assert nursery.nbytes == 0


@pytest.mark.parametrize(
    ("cap", "number"),
    [(0, 0), (5, 5), ("7", 7), ("2KiB", 2048), ("256MiB", 2**28), ("1 GiB", 2**30)],
)
def test_a_cap_is_a_number_of_bytes(cap, number):
    assert Nursery(DENSE, cap).cap == number


@pytest.mark.parametrize("cap", [-1, True, "", "many", "1MB", 1.5])
def test_another_cap_is_refused(cap):
    with pytest.raises(NeuroError) as info:
        Nursery(DENSE, cap)
    assert str(info.value) == (
        f'cap must be a number of bytes, such as 2**28 or "256MiB"; got {cap!r}'
    )


def test_weights_are_floats_by_name_that_a_module_takes():
    module = dense()
    nursery = Nursery(DENSE)
    weights = nursery.weights(DENSE.allele(7).value)
    assert {name: tensor.shape for name, tensor in weights.items()} == {
        name: parameter.shape for name, parameter in module.named_parameters()
    }
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    answer = torch.func.functional_call(module, weights, (torch.ones(1, 6),))
    module.load_state_dict(weights)
    assert torch.equal(module(torch.ones(1, 6)), answer)
    weights["0.weight"].zero_()
    assert nursery.weights(DENSE.allele(7).value)["0.weight"].any()


def test_birth_weights_have_the_deviation_of_their_inputs():
    blueprint = Blueprint.of(nn.Linear(400, 300))
    weights = Nursery(blueprint).weights(blueprint.allele(1))
    assert weights["weight"].std() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
    assert not weights["bias"].any()


def test_an_allele_of_another_blueprint_is_refused():
    with pytest.raises(BlueprintError) as info:
        Nursery(DENSE).weights(BANK.allele(1))
    assert str(info.value).startswith(
        f"the blueprints {DENSE.fingerprint} and {BANK.fingerprint} differ: '0.weight'"
    )


def test_a_text_that_the_blueprint_cannot_replay_is_refused():
    with pytest.raises(LineageError) as info:
        Nursery(DENSE).weights(Gene(0).text + Gene(40).text)
    assert info.value.gene == 1


# ---- Births of given weights ----


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_lineage_can_begin_with_any_state(on_disk, tmp_path):
    births = GivenBirths(tmp_path / "births" if on_disk else None)
    chain = random_chain(BANK, 8, 3)
    gene = Gene(BANK.number_of("rate"), strength=-300, seed=3)
    state = Nursery(BANK).state(chain.append(gene))
    given = births.add(state)
    assert given.given_name == state.sha256
    for cap in (0, "1MiB"):
        nursery = Nursery(BANK, cap, births=births)
        assert nursery.state(given).sha256 == state.sha256
        child = nursery.state(given.append(gene)).sha256
        assert child == Nursery(BANK).state(chain.append(gene).append(gene)).sha256


def test_a_module_gives_the_weights_of_a_birth():
    module = dense()
    blueprint = Blueprint.of(module, birth="given")
    births = GivenBirths()
    lineage = births.add_module(module, blueprint, NumpySource())
    weights = Nursery(blueprint, births=births).weights(lineage)
    for name, parameter in module.named_parameters():
        assert (weights[name] - parameter).abs().max() <= 2**-25
    with pytest.raises(BirthError) as info:
        Nursery(blueprint).weights(blueprint.allele(1))
    assert str(info.value) == (
        "the weights of '0.weight' are given, so no seed can draw them; begin with the lineage "
        "that GivenBirths.add returns"
    )


def test_given_weights_that_are_missing_or_damaged_are_refused(tmp_path):
    lineage = GivenBirths(tmp_path).add(Nursery(DENSE).state(Lineage.born(1)))
    name = lineage.given_name
    with pytest.raises(BirthError) as info:
        Nursery(DENSE).weights(lineage)
    assert str(info.value) == f"no given weights {name} are kept"
    with pytest.raises(BirthError) as info:
        Nursery(DENSE, births=GivenBirths(tmp_path / "else")).weights(lineage)
    assert str(info.value) == f"no given weights {name} are in {tmp_path}/else"
    with pytest.raises(BirthError) as info:
        Nursery(BANK, births=GivenBirths(tmp_path)).weights(lineage)
    assert str(info.value) == f"the given weights {name} do not fit {BANK!r}"
    (file,) = tmp_path.iterdir()
    assert stat.S_ISREG(os.stat(file).st_mode)
    other = GivenBirths(tmp_path).add(Nursery(DENSE).state(Lineage.born(2)))
    (tmp_path / f"{other.given_name}.npz").replace(file)
    with pytest.raises(BirthError) as info:
        Nursery(DENSE, births=GivenBirths(tmp_path)).weights(lineage)
    assert str(info.value) == (
        f"the given weights {name} are damaged: their SHA-256 is {other.given_name}"
    )
    whole = GivenBirths(tmp_path).data(name)
    for data, problem in (
        (whole[: len(whole) // 2], "File is not a zip file"),
        (b"", "No data left in file"),
    ):
        file.write_bytes(data)
        with pytest.raises(BirthError) as info:
            Nursery(DENSE, births=GivenBirths(tmp_path)).weights(lineage)
        assert str(info.value) == f"the given weights {name} cannot be read: {problem}"
        assert info.value.name == name
    file.write_bytes(b"none")
    with pytest.raises(BirthError) as info:
        Nursery(DENSE, births=GivenBirths(tmp_path)).weights(lineage)
    assert str(info.value).startswith(f"the given weights {name} cannot be read: ")
