"""The genes of each optimizer of torch and of schedulefree, and the options of their presets."""

import importlib.util

import pytest
import torch
from torch import nn

import clantune_autobind
from clantune_autobind import adafactor, adam, adamw, rprop, schedule_free, sgd
from clantune_core import ClanTuneError, FloatAllele, Genome, LogFloatAllele, load_preset

GENES = {
    "ASGD": {"lr": 0.01, "weight_decay": 0.1, "lambd": 1e-4, "alpha": 0.75, "t0": 1e6},
    "Adadelta": {"lr": 1.0, "weight_decay": 0.1, "rho": 0.9, "eps": 1e-6},
    "Adafactor": {"lr": 0.01, "weight_decay": 0.1, "beta2_decay": -0.8, "eps/1": 1e-3, "d": 1.0},
    "Adagrad": {"lr": 0.01, "weight_decay": 0.1, "eps": 1e-10},
    "Adam": {"lr": 1e-3, "weight_decay": 0.1, "betas/0": 0.9, "betas/1": 0.999, "eps": 1e-8},
    "AdamW": {"lr": 1e-3, "weight_decay": 0.1, "betas/0": 0.9, "betas/1": 0.999, "eps": 1e-8},
    "Adamax": {"lr": 2e-3, "weight_decay": 0.1, "betas/0": 0.9, "betas/1": 0.999, "eps": 1e-8},
    "Muon": {"lr": 1e-3, "weight_decay": 0.1, "momentum": 0.95, "eps": 1e-7},
    "NAdam": {
        "lr": 2e-3,
        "weight_decay": 0.1,
        "betas/0": 0.9,
        "betas/1": 0.999,
        "eps": 1e-8,
        "momentum_decay": 4e-3,
    },
    "RAdam": {"lr": 1e-3, "weight_decay": 0.1, "betas/0": 0.9, "betas/1": 0.999, "eps": 1e-8},
    "RMSprop": {"lr": 0.01, "weight_decay": 0.1, "alpha": 0.99, "eps": 1e-8},
    "Rprop": {
        "lr": 0.01,
        "etas/0": 0.5,
        "etas/1": 1.2,
        "step_sizes/0": 1e-6,
        "step_sizes/1": 50.0,
    },
    "SGD": {"lr": 1e-3, "weight_decay": 0.1},
}


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False))


def made(kind, model, **options):
    decay = {} if kind is torch.optim.Rprop else {"weight_decay": 0.1}
    return kind(model.parameters(), **decay, **options)


def two_groups(kind, model, first, second):
    first, second = (
        {**own, "params": layer.parameters()}
        for own, layer in zip((first, second), model, strict=True)
    )
    return kind([first, second])


def message_of(preset, *arguments):
    with pytest.raises(ClanTuneError) as caught:
        preset(*arguments)
    return str(caught.value)


# ---- Each optimizer ----


@pytest.mark.parametrize("name", GENES)
def test_the_preset_that_fits_binds_the_numbers_of_an_optimizer(name, model):
    optimizer = made(getattr(torch.optim, name), model)
    preset = load_preset("auto", optimizer)
    assert preset is getattr(clantune_autobind, name.lower())
    genes = preset(model, optimizer)
    assert Genome(genes).as_hyperparameters() == GENES[name]
    for gene, allele in genes.items():
        path = allele.metadata["expression"]["path"]
        assert path == {f"optimizer/param_groups/0/{gene}": 0.0}


@pytest.mark.parametrize("name", GENES)
def test_lr_and_weight_decay_evolve_or_what_stands_for_them(name, model):
    optimizer = made(getattr(torch.optim, name), model)
    genes = load_preset("auto", optimizer)(model, optimizer)
    expected = ["etas/0", "etas/1"] if name == "Rprop" else ["lr", "weight_decay"]
    assert [gene for gene, allele in genes.items() if allele.can_mutate] == expected
    assert [gene for gene, allele in genes.items() if allele.can_crossbreed] == expected


def test_structure_has_no_gene(model):
    optimizer = made(torch.optim.RMSprop, model, centered=True)
    assert "momentum" not in load_preset("auto", optimizer)(model, optimizer)
    optimizer = made(torch.optim.RMSprop, model, momentum=0.9)
    gene = load_preset("auto", optimizer)(model, optimizer)["momentum"]
    assert gene.domain == (0.1, 0.9999)  # which never becomes 0


def test_adam_has_the_genes_of_adamw(model):
    optimizer = made(torch.optim.Adam, model)
    assert adam(model, optimizer) == adamw(model, optimizer)


def test_the_factors_of_rprop_stay_on_their_sides_of_one(model):
    kind = torch.optim.Rprop
    genes = rprop(model, kind(model.parameters(), etas=(0.5, 1.2)))
    assert genes["etas/0"].domain == (0.1, 0.99)
    assert genes["etas/1"].domain == (1.01, 2.0)
    genes = rprop(model, two_groups(kind, model, {"etas": (0.5, 1.2)}, {"etas": (0.5, 1.1)}))
    low, high = genes["etas/1"].domain
    assert low * 1.1 / 1.2 == pytest.approx(1.01)
    assert high == pytest.approx(2.0)


def test_adafactor_binds_numbers_of_its_own_kinds(model):
    optimizer = torch.optim.Adafactor(model.parameters(), eps=(1e-30, 1e-3))
    genes = adafactor(model, optimizer)
    assert type(genes["beta2_decay"]) is FloatAllele
    assert genes["beta2_decay"].domain == (-1.0, -0.5)
    assert type(genes["d"]) is LogFloatAllele
    assert genes["d"].domain == (1.0, 10.0)
    assert genes["eps/0"].value == 1e-30


def test_a_group_without_an_optional_value_is_left_out(model):
    kind = torch.optim.Adafactor
    optimizer = two_groups(kind, model, {"eps": (None, 1e-3)}, {"eps": (1e-30, 1e-3)})
    path = adafactor(model, optimizer)["eps/0"].metadata["expression"]["path"]
    assert path == {"optimizer/param_groups/1/eps/0": 0.0}
    assert "eps/0/1" in adafactor(model, optimizer, per_group=True)


def test_a_derived_class_gets_the_preset_of_the_nearest_class(model):
    class Ours(torch.optim.AdamW):
        pass

    class Other(torch.optim.Adam):
        pass

    assert load_preset("auto", made(Ours, model)) is adamw
    assert load_preset("auto", made(Other, model)) is adam


# ---- Options ----


def test_genes_are_excluded_by_name(model):
    optimizer = made(torch.optim.AdamW, model)
    assert [*adamw(model, optimizer, exclude=("betas", "eps"))] == ["lr", "weight_decay"]
    assert [*adamw(model, optimizer, exclude=["betas/0", "lr"])] == [
        "weight_decay",
        "betas/1",
        "eps",
    ]
    assert "eps" not in adamw(model, optimizer, exclude="eps")


def test_a_gene_of_one_group_is_excluded(model):
    optimizer = two_groups(torch.optim.SGD, model, {}, {"momentum": 0.9})
    genes = sgd(model, optimizer, per_group=True, exclude=("lr/0",))
    assert [*genes] == ["lr/1", "momentum/1"]
    assert [*sgd(model, optimizer, per_group=True, exclude=("lr",))] == ["momentum/1"]


def test_a_gene_that_is_off_may_be_excluded(model):
    assert [*sgd(model, torch.optim.SGD(model.parameters()), exclude=("momentum",))] == ["lr"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"exclude": ("ep",)},
            (
                "exclude names 'ep', and there is no such gene; there are lr, weight_decay, "
                "betas/0, betas/1, eps"
            ),
        ),
        (
            {"exclude": ("lr/0",)},
            (
                "exclude names 'lr/0', and there is no such gene; there are lr, weight_decay, "
                "betas/0, betas/1, eps"
            ),
        ),
        (
            {"exclude": 3},
            "exclude is a tuple of names of genes, such as ('eps',); got 3",
        ),
        ({"per_group": 1}, "per_group is True or False; got 1"),
    ],
)
def test_wrong_options_are_refused(options, problem, model):
    optimizer = made(torch.optim.AdamW, model)
    assert message_of(adamw(**options), model, optimizer) == f"adamw: {problem}"


def test_a_preset_is_shown_by_its_name():
    assert repr(adamw) == "<preset 'adamw'>"
    assert adamw.__name__ == "adamw"


# ---- schedulefree ----

installed = pytest.mark.skipif(
    importlib.util.find_spec("schedulefree") is None, reason="schedulefree is not installed"
)


@installed
@pytest.mark.parametrize(
    ("name", "genes"),
    [
        ("AdamW", ["lr", "weight_decay", "betas/1", "eps"]),
        ("RAdam", ["lr", "weight_decay", "betas/1", "eps"]),
        ("SGD", ["lr", "weight_decay"]),
    ],
)
def test_schedule_free_optimizers_keep_what_their_weights_are_made_with(name, genes, model):
    schedulefree = importlib.import_module("schedulefree")
    kind = getattr(schedulefree, f"{name}ScheduleFree")
    optimizer = kind(model.parameters(), weight_decay=0.1)
    preset = load_preset("auto", optimizer)
    assert preset is schedule_free
    assert [*preset(model, optimizer)] == genes


def test_schedule_free_refuses_another_optimizer(model):
    assert message_of(schedule_free, model, made(torch.optim.SGD, model)) == (
        "schedule_free is a preset for AdamWScheduleFree and RAdamScheduleFree and "
        "SGDScheduleFree of schedulefree; got SGD: use the preset sgd"
    )
