"""The state: one tree over genome, model and optimizer, walked, read and patched by path."""

import math
from typing import ClassVar, NamedTuple

import pytest
import torch
from torch import nn

from clantune_clan import PathError, State
from clantune_core import Genome, IntAllele, LogFloatAllele


class Pair(NamedTuple):
    low: float
    high: tuple


class Model(nn.Module):
    """A model with a bit of everything in it."""

    shared: ClassVar = {"a": 1.0}

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"first": nn.Linear(2, 2), "drop": nn.Dropout(0.5)})
        self.register_buffer("scale", torch.tensor(2.0))
        self.register_buffer("count", torch.tensor(3))
        self.table = {"a/b": 0.5, 7: 1, "_hidden": 1.0, (1, 2): 2.0}
        self.pair = Pair(0.1, (1, "two"))
        self.flag, self.name, self.nothing = True, "relu", None
        self._private = 1.0
        self.torch, self.kind, self.function = torch, Genome, math.sqrt
        self.me = [self]  # a circle

    @property
    def computed(self):
        return 1.0


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def state(model):
    genome = Genome({"lr": LogFloatAllele(0.1), "betas/0": LogFloatAllele(0.9), "n": IntAllele(4)})
    optimizer = torch.optim.AdamW(
        [
            {"params": model.layers["first"].weight, "lr": 0.1},
            {"params": model.layers["first"].bias, "lr": torch.tensor(0.2)},
        ],
        weight_decay=0.0,
    )
    return State(genome, model, optimizer)


def test_a_walk_gives_every_leaf_once_and_ends(state):
    leaves = dict(state.walk())
    assert {path: leaves[path] for path in leaves if path.startswith("genome")} == {
        "genome/lr": 0.1,
        "genome/betas/0": 0.9,
        "genome/n": 4,
    }
    assert leaves["optimizer/param_groups/0/betas/1"] == 0.999
    assert leaves["model/table/a/b"] == 0.5
    assert leaves["model/table/7"] == 1
    assert leaves["model/pair/1/1"] == "two"
    assert leaves["model/scale"] is state.model.scale
    assert leaves["model/layers/first/weight"] is state.model.layers["first"].weight
    assert not [path for path in leaves if "/_" in path or "/me/0/" in path]
    for path, leaf in leaves.items():
        found = state.get(path)
        assert found is leaf or found == leaf


def test_a_filter_keeps_what_is_asked_for(state):
    rates = state.filter(lambda path, leaf: path.endswith("/lr") and isinstance(leaf, float))
    assert rates == {
        "genome/lr": 0.1,
        "optimizer/param_groups/0/lr": 0.1,
        "optimizer/defaults/lr": 0.001,
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("optimizer/param_groups/0/lr", 0.3),
        ("optimizer/param_groups/0/betas/1", 0.9),
        ("model/layers/drop/p", 0.25),
        ("model/table/a/b", 2.0),
        ("model/table/7", 8),
        ("model/pair/0", 0.7),
        ("model/pair/1/1", "three"),
        ("model/flag", False),
        ("model/name", "tanh"),
        ("model/me/0/name", "gelu"),
        ("genome/lr", 0.05),
        ("genome/betas/0", 0.8),
        ("genome/n", 5),
    ],
)
def test_a_patch_puts_a_value_where_its_path_leads(state, path, value):
    before = dict(state.walk())
    state.patch({path: value})
    assert state.get(path) == value
    after = dict(state.walk())
    changed = [each for each in before if before[each] is not after[each]]
    alike = path.replace("/me/0", "")
    assert [each for each in changed if before[each] != after[each]] == [alike]


def test_a_number_is_given_in_the_kind_of_the_leaf(state):
    state.patch({"optimizer/param_groups/0/lr": 1, "model/table/7": 9.0})
    assert type(state.get("optimizer/param_groups/0/lr")) is float
    assert type(state.get("model/table/7")) is int


def test_a_named_tuple_stays_one(state):
    state.patch({"model/pair/1/0": 5})
    assert state.model.pair == Pair(0.1, (5, "two"))
    assert type(state.model.pair) is Pair


def test_a_tensor_is_filled_in_place(state):
    weight = state.model.layers["first"].weight
    tensors = {
        "optimizer/param_groups/1/lr": 0.5,
        "model/scale": 4,
        "model/count": 6,
        "model/layers/first/weight": torch.ones(2, 2),
        "model/layers/first/bias": 2.0,
    }
    held = {path: state.get(path) for path in tensors}
    state.patch(tensors)
    for path, tensor in held.items():
        assert state.get(path) is tensor
    assert state.model.layers["first"].weight is weight
    assert weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    assert state.model.layers["first"].bias.tolist() == [2.0, 2.0]
    assert state.optimizer.param_groups[1]["lr"] == 0.5
    assert (state.model.scale.item(), state.model.count.item()) == (4.0, 6)


def test_nothing_is_patched_if_something_does_not_fit(state):
    with pytest.raises(PathError):
        state.patch({"optimizer/param_groups/0/lr": 0.3, "model/name": 3})
    assert state.get("optimizer/param_groups/0/lr") == 0.1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "optimiser/lr",
            "'optimiser/lr' leads nowhere: a path starts with genome, model, optimizer",
        ),
        (
            "optimizer/param_groups/2/lr",
            (
                "'optimizer/param_groups/2/lr' leads nowhere: '2/lr' is not in the list at "
                "'optimizer/param_groups', which has 0, 1"
            ),
        ),
        (
            "optimizer/param_groups/0/lr/x",
            (
                "'optimizer/param_groups/0/lr/x' leads nowhere: 'x' is not in the float at "
                "'optimizer/param_groups/0/lr', which has nothing below it"
            ),
        ),
        (
            "model/layers/_modules",
            (
                "'model/layers/_modules' leads nowhere: '_modules' is not in the ModuleDict at "
                "'model/layers', which has training, first, drop"
            ),
        ),
        (
            "genome/wd",
            (
                "'genome/wd' leads nowhere: 'wd' is not in the Genome at 'genome', which has lr, "
                "betas/0, n"
            ),
        ),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(state, path, message):
    for attempt in (lambda: state.get(path), lambda: state.patch({path: 1.0})):
        with pytest.raises(PathError) as raised:
            attempt()
        assert str(raised.value) == message
        assert raised.value.path == path


@pytest.mark.parametrize(
    "path",
    [
        "model/_private",
        "model/table/_hidden",
        "model/torch/pi",
        "model/kind/alleles",
        "model/computed",
        "model/shared/a",
        "model/forward/__wrapped__",
        "model/__class__/shared/a",
        "model/layers/first/weight/data",
        "genome/lr/domain",
        "model/pair/-1",
        "model/function/__name__",
    ],
)
def test_what_is_private_or_belongs_to_others_is_out_of_reach(state, path):
    with pytest.raises(PathError):
        state.get(path)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "model/name",
            3.0,
            "'model/name' holds the str 'relu'; 3.0 is of another kind, and kinds never change",
        ),
        (
            "model/table/7",
            1.5,
            "'model/table/7' holds the int 1; 1.5 is of another kind, and kinds never change",
        ),
        (
            "model/table/7",
            math.inf,
            "'model/table/7' holds the int 1; inf is of another kind, and kinds never change",
        ),
        (
            "model/flag",
            1,
            "'model/flag' holds the bool True; 1 is of another kind, and kinds never change",
        ),
        (
            "model/count",
            1.5,
            (
                "'model/count' holds a torch.int64 tensor of shape (); 1.5 is of another kind, "
                "and kinds never change"
            ),
        ),
        (
            "model/layers/first/weight",
            torch.ones(3),
            "'model/layers/first/weight' has the shape (2, 2); a tensor of (3,) does not fit",
        ),
        ("model/layers", 1.0, "'model/layers' is a ModuleDict, not a value that can be set"),
        ("model/nothing", 1.0, "'model/nothing' is a NoneType, not a value that can be set"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(state, path, value, message):
    with pytest.raises(PathError) as raised:
        state.patch({path: value})
    assert str(raised.value) == message


def test_wrappers_are_not_in_the_way(model):
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    state = State(Genome(), compiled, optimizer)
    state.patch({"model/layers/drop/p": 0.1})
    assert model.layers["drop"].p == 0.1
    assert state.model is compiled
    model.layers["first"] = torch.compile(model.layers["first"], backend="eager")
    state.patch({"model/layers/first/bias": 1.0})
    assert model.layers["first"].bias.tolist() == [1.0, 1.0]
