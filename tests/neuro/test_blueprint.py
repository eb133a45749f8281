"""Blueprints: what they read from a module, what they refuse, when two are equal."""

import pickle

import attrs
import pytest
import torch
from networks import DENSE, Bank, dense
from torch import nn

from clantune_neuro import (
    Birth,
    Blueprint,
    BlueprintError,
    Gene,
    Lineage,
    LineageAllele,
    Nursery,
    OperatorError,
    StrengthError,
)
from clantune_neuro.lineage.gene import strength_number
from clantune_neuro.lineage.tensors import TensorSpec


def test_every_floating_parameter_evolves():
    module = nn.Sequential(nn.Conv2d(3, 4, 2), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(4, 2))
    module.register_parameter("whole", nn.Parameter(torch.arange(3), requires_grad=False))
    found = {
        spec.name: (spec.shape, spec.scale, spec.birth) for spec in Blueprint.of(module).tensors
    }
    assert found == {
        "0.weight": ((4, 3, 2, 2), -2, Birth("normal", -83)),
        "0.bias": ((4,), -2, Birth("constant", 0)),
        "1.weight": ((4,), -1, Birth("constant", 2**24)),
        "1.bias": ((4,), -1, Birth("constant", 0)),
        "3.weight": ((2, 4), -1, Birth("normal", -32)),
        "3.bias": ((2,), -1, Birth("constant", 0)),
    }


def test_a_single_weight_is_born_with_a_value_that_was_not_drawn():
    blueprints = {Blueprint.of(nn.Sequential(nn.Linear(3, 1), nn.PReLU())) for _ in range(5)}
    (blueprint,) = blueprints  # torch draws another bias for each module
    born = {spec.name: spec.birth for spec in blueprint.tensors}
    assert born["0.bias"] == Birth("constant", 0)
    assert born["1.weight"] == Birth("constant", 2**22)  # 1 / 4


def test_a_bank_is_born_with_rows_of_norm_1():
    blueprint = Blueprint.of(Bank())
    assert blueprint.bank == ("features", "logits")
    assert [spec.birth.kind for spec in blueprint.tensors] == ["unit", "normal", "constant"]
    assert [spec.scale for spec in blueprint.tensors] == [0, 0, -1]
    assert "duplicate" in blueprint.operator_names
    assert "duplicate" not in DENSE.operator_names


def test_a_submodule_called_bank_is_not_a_bank():
    module = nn.Module()
    module.bank = nn.Linear(2, 2)
    assert Blueprint.of(module).bank == ()


def test_births_scales_and_units_can_be_set():
    births, scales = {"0.weight": Birth("constant", 5)}, {"0.bias": -7}
    blueprint = Blueprint.of(dense(), birth="zero", births=births, scales=scales, unit=20)
    assert [spec.birth.number for spec in blueprint.tensors] == [5, 0, 0, 0]
    assert [spec.birth.kind for spec in blueprint.tensors] == ["constant"] * 4
    assert blueprint.tensors[1].scale == -7
    assert {spec.unit for spec in blueprint.tensors} == {20}


def test_a_tied_parameter_evolves_once():
    module = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    module[1].weight = module[0].weight
    assert [spec.name for spec in Blueprint.of(module).tensors] == ["0.weight"]


def test_the_table_of_operators_can_be_chosen():
    blueprint = Blueprint.of(dense(), operators={"module": {"depth": 2}, "normal": {}})
    assert blueprint.operator_names == ["module", "normal"]
    assert blueprint.entry(blueprint.number_of("module")).parameter("depth") == 2
    assert (blueprint.number_of("module"), blueprint.number_of("normal")) == (2, 3)


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(3)


def holding(tensor, *, buffer=False):
    module = dense()
    if buffer:
        module.register_buffer("extra", tensor)
    else:
        module.register_parameter("extra", nn.Parameter(tensor))
    return module


QUANTISED = torch.ops.aten.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8)


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("make", "keywords", "message"),
    [
        (nn.ReLU, {}, "ReLU has no floating parameter, so nothing can evolve"),
        (
            Lazy,
            {},
            "'layer.weight' is lazy, so its shape is not known; run the module on one input",
        ),
        (
            lambda: holding(torch.ones(2, dtype=torch.complex64)),
            {},
            "'extra' is complex; hold its real and imaginary parts as two parameters",
        ),
        (
            lambda: holding(QUANTISED, buffer=True),
            {},
            "'extra' is quantised; evolve the module before it is quantised",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),
            {},
            (
                "the buffers of '1' change when the network is evaluated, so a score depends on "
                'earlier ones; pass buffers="keep" to use its running statistics as they are, or '
                'buffers="batch" to use the statistics of each batch'
            ),
        ),
        (dense, {"buffers": "drop"}, 'buffers must be "keep" or "batch"; got \'drop\''),
        (dense, {"birth": "hot"}, 'birth must be "he", "zero" or "given"; got \'hot\''),
        (
            dense,
            {"renamed": {"1.weight": "a"}},
            (
                "no parameter is called '1.weight'; they are ['0.weight', '0.bias', '2.weight', "
                "'2.bias']"
            ),
        ),
        (
            dense,
            {"scales": {"w": 1}},
            "no parameter is called 'w'; they are ['0.weight', '0.bias', '2.weight', '2.bias']",
        ),
        (
            dense,
            {"scales": {"0.bias": 9}},
            "the scale exponent of '0.bias' must be an integer from -30 to 8; got 9",
        ),
        (
            dense,
            {"unit": 31},
            "the unit exponent of '0.weight' must be an integer from 8 to 30; got 31",
        ),
        (
            dense,
            {"bank": ("a", "0.bias")},
            (
                "the bank names 'a', which is not one of ['0.weight', '0.bias', '2.weight', "
                "'2.bias']"
            ),
        ),
        (
            dense,
            {"operators": {"module": {"deep": 2}}},
            "the operator 'module' has no parameter 'deep'; it has ['depth']",
        ),
        (
            dense,
            {"operators": {"module": {"depth": 0.5}}},
            "the parameter 'depth' of the operator 'module' must be an integer; got 0.5",
        ),
        (
            dense,
            {"bank": ("0.weight", "2.weight")},
            (
                "a bank is two tensors with equally many rows, features and logits; ['0.weight', "
                "'2.weight'] have [8, 3]"
            ),
        ),
        (
            dense,
            {"operators": [str(number) for number in range(255)]},
            "a blueprint has at most 254 operators; got 255",
        ),
        (
            dense,
            {"operators": ["normal", "fresh"]},
            (
                "the operators of rows need a bank of rows; pass bank=(FEATURES, LOGITS) to "
                "Blueprint.of, the names of two parameters with one row for each row of the bank"
            ),
        ),
    ],
)
def test_a_module_that_cannot_evolve_as_asked_is_refused(make, keywords, message):
    with pytest.raises((BlueprintError, OperatorError)) as info:
        Blueprint.of(make(), **keywords)
    assert str(info.value) == message


@pytest.mark.parametrize("rule", ["keep", "batch"])
def test_running_statistics_need_a_rule(rule):
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert Blueprint.of(module, buffers=rule).buffers == rule
    assert Blueprint.of(dense(), buffers=rule).buffers == ""


def test_an_unknown_operator_is_named():
    with pytest.raises(OperatorError) as info:
        Blueprint.of(dense(), operators=["flop"])
    assert str(info.value).startswith("no operator is called 'flop'; the operators are normal, ")
    assert info.value.name == "flop"
    with pytest.raises(OperatorError) as info:
        Blueprint.of(dense(), operators=["normal"]).number_of("rate")
    assert str(info.value) == (
        "the blueprint has no operator 'rate'; it has normal; pass operators=[...] to Blueprint.of"
    )


def test_blueprints_are_equal_where_a_lineage_means_the_same():
    same = Blueprint.of(dense())
    assert same == DENSE
    assert hash(same) == hash(DENSE)
    others = [
        Blueprint.of(dense(), birth="zero"),
        Blueprint.of(dense(), unit=20),
        Blueprint.of(dense(), scales={"0.bias": 0}),
        Blueprint.of(dense(), operators=["normal"]),
        Blueprint.of(dense(), renamed={"0.bias": "b"}),
        Blueprint.of(nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 3))),
    ]
    assert len({DENSE, *others}) == 1 + len(others)


class Renamed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)


OLD_NAMES = {
    "first.weight": "0.weight",
    "first.bias": "0.bias",
    "second.weight": "2.weight",
    "second.bias": "2.bias",
}


def test_two_parameters_with_one_name_for_their_noise_are_refused():
    with pytest.raises(BlueprintError) as info:
        Blueprint.of(dense(), renamed={"0.weight": "2.weight"})
    assert str(info.value) == (
        "'0.weight' and '2.weight' have the same origin '2.weight', so they would have the same "
        "noise; give each a name of its own in renamed={...}"
    )
    assert info.value.tensor == "2.weight"
    swapped = Blueprint.of(dense(), renamed={"0.bias": "2.bias", "2.bias": "0.bias"})
    assert swapped != DENSE


def test_a_renamed_parameter_is_named_with_what_to_do():
    renamed = Blueprint.of(Renamed())
    with pytest.raises(BlueprintError) as info:
        renamed.require_same(DENSE)
    assert str(info.value) == (
        f"the blueprints {renamed.fingerprint} and {DENSE.fingerprint} differ: 'first.weight' "
        "(8, 6) (unit 2^-24, scale 2^-1, birth normal -51) stands where '0.weight' (8, 6) (unit "
        "2^-24, scale 2^-1, birth normal -51) stands; if the parameter 'first.weight' has another "
        "name than before, pass renamed={'first.weight': OLD_NAME} to Blueprint.of"
    )
    same = Blueprint.of(Renamed(), renamed=OLD_NAMES)
    same.require_same(DENSE)
    assert [spec.name for spec in same.tensors] == [*OLD_NAMES]


@pytest.mark.parametrize(
    ("other", "end"),
    [
        (
            Blueprint.of(dense(), operators=["normal"]),
            (
                f"their operators are {DENSE.operator_names} and ['normal'], or have other "
                "parameters; pass operators={...} to Blueprint.of"
            ),
        ),
        (Blueprint(DENSE.tensors[:1], DENSE.operators), "they have 4 and 1 tensors"),
        (
            Blueprint(DENSE.tensors, DENSE.operators, ("0.weight", "0.bias")),
            "their banks are () and ('0.weight', '0.bias')",
        ),
    ],
)
def test_other_differences_of_blueprints_are_named(other, end):
    with pytest.raises(BlueprintError) as info:
        DENSE.require_same(other)
    start = f"the blueprints {DENSE.fingerprint} and {other.fingerprint} differ: "
    assert str(info.value) == start + end


def test_a_blueprint_is_one_object_after_pickling():
    first, second = pickle.loads(pickle.dumps(DENSE)), pickle.loads(pickle.dumps(DENSE))
    assert first == DENSE
    assert first is second
    assert len(pickle.dumps(DENSE)) < 2000


def test_a_blueprint_is_shown_in_one_line():
    assert repr(DENSE) == f"<Blueprint {DENSE.fingerprint[:12]}: 4 tensors, 83 weights>"


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ((), "a blueprint needs tensors of different names; got []"),
        (
            (TensorSpec("a", (2,)), TensorSpec("a", (3,))),
            "a blueprint needs tensors of different names; got ['a', 'a']",
        ),
    ],
)
def test_a_blueprint_needs_tensors_of_different_names(tensors, message):
    with pytest.raises(BlueprintError) as info:
        Blueprint(tensors, ())
    assert str(info.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Birth("hot"),
            "'hot' is not a distribution at birth; use normal, unit, constant, given",
        ),
        (lambda: TensorSpec("", (2,)), "the name of a tensor must not be empty"),
        (
            lambda: TensorSpec("a", (2, 0)),
            "a size of 'a' must be an integer from 1 to 8589934592; got 0",
        ),
        (
            lambda: TensorSpec("a", (2**20, 2**20)),
            (
                "the number of weights of 'a' must be an integer from 1 to 8589934592; got "
                "1099511627776"
            ),
        ),
    ],
)
def test_an_impossible_tensor_is_refused(make, message):
    with pytest.raises(BlueprintError) as info:
        make()
    assert str(info.value) == message


def test_an_allele_begins_with_a_birth_and_a_strength():
    allele = DENSE.allele(seed=7, strength=0.5)
    assert allele.value.genes() == [Gene(0, seed=7)]
    assert allele.metadata["neuro/strength"].value == 0.5
    assert allele.domain is DENSE


@pytest.mark.parametrize("strength", [100, 0, -1.0, 4.01, float("nan"), "0.1"])
def test_an_allele_does_not_begin_with_a_strength_out_of_range(strength):
    with pytest.raises(StrengthError) as info:
        DENSE.allele(7, strength)
    assert str(info.value) == (
        f"the strength {strength!r} is not usable; use a number from 2^-20 to 4, such as 0.02"
    )
    assert info.value.strength is strength


@pytest.mark.parametrize(
    ("changes", "strength", "message"),
    [
        (
            {"scales": {"2.weight": 8}},
            4,
            (
                "the strength 4 is not usable for '2.weight', whose unit is 2^-24 and whose scale "
                "is 2^8; use a strength from 9.53674e-07 to below 0.03125, "
            ),
        ),
        (
            {"unit": 30, "birth": "zero"},
            0.4,
            (
                "the strength 0.4 is not usable for '0.weight', whose unit is 2^-30 and whose "
                "scale is 2^-1; use a strength from 9.53674e-07 to below 0.25, "
            ),
        ),
        (
            {"unit": 8, "scales": {"0.bias": -10}},
            0.00001,
            (
                "the strength 1e-05 is not usable for '0.bias', whose unit is 2^-8 and whose scale "
                "is 2^-10; use a strength from 1.52588e-05 to below 4, "
            ),
        ),
    ],
)
def test_a_tensor_that_cannot_represent_a_strength_is_named(changes, strength, message):
    blueprint = Blueprint.of(dense(), **changes)
    with pytest.raises(StrengthError) as info:
        blueprint.allele(7, strength)
    assert str(info.value) == f"{message}or another unit or scale in Blueprint.of"
    assert info.value.tensor in message
    nursery = Nursery(blueprint)
    step = Gene(blueprint.number_of("normal"), strength=strength_number(strength))
    with pytest.raises(StrengthError) as info:
        nursery.weights(LineageAllele(Lineage.born(1), blueprint).append(step))
    usable = strength_number(0.015)
    nursery.weights(blueprint.allele(1, 0.015).append(attrs.evolve(step, strength=usable)))


def test_a_birth_that_a_tensor_cannot_represent_is_refused():
    blueprint = Blueprint.of(dense(), unit=30)
    with pytest.raises(StrengthError) as info:
        blueprint.allele(7)
    assert str(info.value) == (
        "'0.weight' has the standard deviation 0.575595 at birth, and its unit 2^-30 allows one "
        "from 3.55271e-15 to below 0.125; choose another unit or births={...} in Blueprint.of"
    )
    assert info.value.tensor == "0.weight"
    with pytest.raises(StrengthError):
        Nursery(blueprint).weights(Lineage.born(7))
    small = {name: Birth("normal", -64 * 3 - 1) for name in ("0.weight", "2.weight")}
    blueprint = Blueprint.of(dense(), unit=30, births=small)
    Nursery(blueprint).weights(blueprint.allele(7))
    Blueprint.of(dense(), unit=30, birth="given").allele(7)


def test_the_usable_range_of_a_strength_is_said():
    from clantune_neuro.replay.steps import shift_of

    spec = DENSE.tensors[0]
    assert shift_of(spec, 0) == 21
    assert (shift_of(spec, 64 * 4 - 1), shift_of(spec, -64 * 41)) == (18, 62)
    for strength in (64 * 4, -64 * 41 - 1):
        with pytest.raises(StrengthError) as info:
            shift_of(spec, strength)
        assert str(info.value) == (
            f"the strength {2 ** (strength / 64):.6g} is not usable for '0.weight', whose scale is "
            "2^-1: use a strength from 4.54747e-13 to below 16"
        )
        assert info.value.tensor == "0.weight"
