"""Genes of the loss, the gradients and the data, which are in the model or read by the loop."""

import math

import pytest
import torch
from torch import nn

from clantune_autobind import augmentation, gradient_clipping, label_smoothing
from clantune_core import ClanTuneError, FloatAllele, IntAllele, LogFloatAllele, LogitFloatAllele


class Transform(nn.Module):
    def __init__(self, magnitude, bins=None):
        super().__init__()
        self.magnitude = magnitude
        if bins is not None:
            self.num_magnitude_bins = bins


def found(preset, *modules, **options):
    model = nn.Sequential(nn.Linear(2, 2), *modules)
    return preset(model, torch.optim.SGD(model.parameters()), **options)


def problem_of(preset, *modules, **options):
    with pytest.raises(ClanTuneError) as caught:
        found(preset, *modules, **options)
    return str(caught.value)


def expression(allele):
    return dict(allele.metadata["expression"])


READ = {"path": {}, "is_cooperative": True, "is_competitive": True, "is_patchable": False}


# ---- Clipping ----


def test_the_largest_norm_is_read_and_each_member_uses_its_own():
    (name, gene), *others = found(gradient_clipping).items()
    assert (name, others) == ("max_grad_norm", [])
    assert (type(gene), gene.value, gene.domain) == (LogFloatAllele, 1.0, (0.01, 100.0))
    assert expression(gene) == {**READ, "role": None}
    assert gene.can_mutate


def test_the_largest_norm_has_the_given_limits():
    gene = found(gradient_clipping, start=5, smallest=1, largest=10)["max_grad_norm"]
    assert (gene.value, gene.domain) == (5.0, (1.0, 10.0))


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({"start": 0}, "smallest=0.01, start=0, largest=100.0"),
        ({"start": 500.0}, "smallest=0.01, start=500.0, largest=100.0"),
        ({"smallest": 0.0}, "smallest=0.0, start=1.0, largest=100.0"),
        ({"start": "1"}, "smallest=0.01, start='1', largest=100.0"),
        ({"largest": math.inf}, "smallest=0.01, start=1.0, largest=inf"),
    ],
)
def test_wrong_norms_are_refused(options, got):
    assert problem_of(gradient_clipping, **options) == (
        f"gradient_clipping: 0 < smallest <= start <= largest must hold; got {got}"
    )


# ---- Label smoothing ----


def test_the_label_smoothing_of_a_loss_in_the_model_is_set_there():
    losses = [nn.CrossEntropyLoss(label_smoothing=p) for p in (0.1, 0.0, 0.2)]
    gene = found(label_smoothing, *losses)["label_smoothing"]
    assert (type(gene), gene.value, gene.domain) == (LogitFloatAllele, 0.1, (0.001, 0.5))
    entry = expression(gene)
    assert [*entry["path"]] == ["model/1/label_smoothing", "model/3/label_smoothing"]
    assert (entry["is_patchable"], entry["role"]) == (True, "data_path")


@pytest.mark.parametrize(
    "options", [{"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, {"start": 0.1}]
)
def test_the_label_smoothing_of_another_loss_is_read(options):
    gene = found(label_smoothing, **options)["label_smoothing"]
    assert (type(gene), gene.value, gene.domain) == (LogitFloatAllele, 0.1, (0.001, 0.5))
    assert expression(gene) == {**READ, "role": "data_path"}
    assert gene.can_mutate


def test_a_model_without_label_smoothing_is_refused():
    assert problem_of(label_smoothing, nn.CrossEntropyLoss()) == (
        "label_smoothing: no module of the model has a label_smoothing between 0 and 1; set one, "
        "such as nn.CrossEntropyLoss(label_smoothing=0.1), or let the training loop read the gene: "
        "label_smoothing(loss=criterion) or label_smoothing(start=0.1)"
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"loss": 3, "start": 0.1}, "give loss= or start=, not both"),
        ({"start": 1.0}, "the initial value must be a number between 0 and 1; start is 1.0"),
        ({"start": "low"}, "the initial value must be a number between 0 and 1; start is 'low'"),
        (
            {"loss": nn.CrossEntropyLoss()},
            (
                "the initial value must be a number between 0 and 1; that of CrossEntropyLoss() "
                "is 0.0"
            ),
        ),
        (
            {"loss": nn.MSELoss()},
            "the initial value must be a number between 0 and 1; that of MSELoss() is None",
        ),
    ],
)
def test_wrong_label_smoothings_are_refused(options, problem):
    assert problem_of(label_smoothing, **options) == f"label_smoothing: {problem}"


# ---- Augmentation ----


def test_the_magnitude_of_a_module_is_set_there():
    gene = found(augmentation, Transform(0.25), Transform(1.0))["magnitude"]
    assert (type(gene), gene.value, gene.domain) == (FloatAllele, 0.25, (0.0, 2.0))
    assert expression(gene) == {
        "path": {"model/1/magnitude": 0.0, "model/2/magnitude": 0.75},
        "is_cooperative": True,
        "is_competitive": True,
        "is_patchable": True,
        "role": "data_path",
    }


@pytest.mark.parametrize(
    ("options", "kind", "value", "domain"),
    [
        ({"transform": Transform(9, bins=31)}, IntAllele, 9, (0, 30)),
        ({"transform": Transform(9)}, IntAllele, 9, (0, 18)),
        ({"transform": Transform(0.0)}, FloatAllele, 0.0, (0.0, 1.0)),
        ({"start": 9, "largest": 30}, IntAllele, 9, (0, 30)),
        ({"start": 0.5}, FloatAllele, 0.5, (0.0, 1.0)),
    ],
)
def test_the_magnitude_of_a_transform_is_read(options, kind, value, domain):
    gene = found(augmentation, **options)["magnitude"]
    assert (type(gene), gene.value, gene.domain) == (kind, value, domain)
    assert expression(gene) == {**READ, "role": "data_path"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {},
            (
                "no module of the model has a number as its magnitude; let the training loop read "
                "the gene: augmentation(transform=RandAugment()) or augmentation(start=9)"
            ),
        ),
        ({"transform": 3, "start": 9}, "give transform= or start=, not both"),
        ({"start": "strong"}, "the initial magnitude must be a number; start is 'strong'"),
        ({"start": True}, "the initial magnitude must be a number; start is True"),
        (
            {"transform": nn.Identity()},
            "the initial magnitude must be a number; that of Identity() is None",
        ),
        (
            {"start": 9, "largest": 5},
            "0 <= magnitude <= largest must hold; got the magnitude 9 and largest=5",
        ),
        (
            {"start": -1},
            "0 <= magnitude <= largest must hold; got the magnitude -1 and largest=1",
        ),
    ],
)
def test_wrong_magnitudes_are_refused(options, problem):
    assert problem_of(augmentation, **options) == f"augmentation: {problem}"
