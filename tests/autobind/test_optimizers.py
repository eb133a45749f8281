"""The genes of optimizers: their values, their places, and what is refused."""

import math
from itertools import pairwise

import attrs
import pytest
import torch
from torch import nn

from clantune_autobind import adamw, sgd
from clantune_core import ClanTuneError, Genome, LogFloatAllele, LogitFloatAllele


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))


def groups_of(model, *settings):
    """One param group per layer, each with settings of its own."""
    return [
        {"params": layer.parameters(), **own} for layer, own in zip(model, settings, strict=True)
    ]


def paths(allele):
    return dict(allele.metadata["expression"]["path"])


def values_at(allele):
    """What the gene as it is puts at each of its paths."""
    return {
        path: allele.with_latent(allele.latent + offset).value
        for path, offset in paths(allele).items()
    }


def message_of(preset, *arguments, **options):
    with pytest.raises(ClanTuneError) as caught:
        preset(*arguments, **options)
    return str(caught.value)


# ---- One group ----


def test_adamw_binds_its_five_genes_in_order(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    genes = adamw(model, optimizer)
    assert Genome(genes).as_hyperparameters() == {
        "lr": 1e-3,
        "weight_decay": 0.1,
        "betas/0": 0.9,
        "betas/1": 0.999,
        "eps": 1e-8,
    }
    assert [*genes] == ["lr", "weight_decay", "betas/0", "betas/1", "eps"]
    assert {name: type(allele) for name, allele in genes.items()} == {
        "lr": LogFloatAllele,
        "weight_decay": LogFloatAllele,
        "betas/0": LogitFloatAllele,
        "betas/1": LogitFloatAllele,
        "eps": LogFloatAllele,
    }
    for name, allele in genes.items():
        assert allele.metadata == {
            "expression": {
                "path": {f"optimizer/param_groups/0/{name}": 0.0},
                "is_cooperative": True,
                "is_competitive": True,
                "is_patchable": True,
                "role": None,
            }
        }


def test_sgd_binds_lr_weight_decay_and_momentum(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4, momentum=0.9)
    genes = sgd(model, optimizer)
    assert Genome(genes).as_hyperparameters() == {
        "lr": 0.1,
        "weight_decay": 1e-4,
        "momentum": 0.9,
    }
    assert type(genes["momentum"]) is LogitFloatAllele
    assert paths(genes["momentum"]) == {"optimizer/param_groups/0/momentum": 0.0}


def test_lr_and_weight_decay_evolve_and_nothing_else_does(model):
    optimizer = torch.optim.AdamW(model.parameters())
    genes = adamw(model, optimizer)
    assert [name for name, allele in genes.items() if allele.can_mutate] == ["lr", "weight_decay"]
    assert [n for n, allele in genes.items() if allele.can_crossbreed] == ["lr", "weight_decay"]
    momentum = sgd(model, torch.optim.SGD(model.parameters(), momentum=0.9))["momentum"]
    assert not momentum.can_mutate
    assert not momentum.can_crossbreed


def test_a_gene_that_does_not_evolve_can_be_switched_on(model):
    genes = adamw(model, torch.optim.AdamW(model.parameters()))
    on = attrs.evolve(genes["betas/1"], can_mutate=True, can_crossbreed=True)
    assert (on.can_mutate, on.can_crossbreed) == (True, True)
    assert on.metadata == genes["betas/1"].metadata


def test_domains(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    genes = adamw(model, optimizer)
    assert {name: allele.domain for name, allele in genes.items()} == {
        "lr": (1e-6, 1.0),
        "weight_decay": (1e-4, 10.0),
        "betas/0": (0.1, 0.9999),
        "betas/1": (0.1, 0.9999),
        "eps": (1e-8 / 1000, 1e-8 * 1000),
    }


def test_a_domain_holds_what_is_outside_the_usual_one(model):
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-307, weight_decay=30.0, betas=(0.05, 0.99995)
    )
    genes = adamw(model, optimizer)
    assert genes["lr"].domain == (LogFloatAllele.widest.min, 1e-304)
    assert genes["weight_decay"].domain == (0.03, 30.0)
    assert genes["betas/0"].domain == (0.05, 0.9999)
    assert genes["betas/1"].domain == (0.1, 0.99995)


def test_what_is_zero_is_left_out(model):
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.0, 0.99))
    assert [*adamw(model, optimizer)] == ["lr", "betas/1", "eps"]
    assert [*sgd(model, torch.optim.SGD(model.parameters(), lr=0.1))] == ["lr"]


def test_numbers_may_be_tensors(model):
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=torch.tensor(1e-3, dtype=torch.float64),
        betas=(torch.tensor(0.5), torch.tensor(0.75)),
        foreach=False,
    )
    values = Genome(adamw(model, optimizer)).as_hyperparameters()
    assert values["lr"] == 1e-3
    assert (values["betas/0"], values["betas/1"]) == (0.5, 0.75)


def test_the_objects_stay_as_they_were(model):
    optimizer = torch.optim.AdamW(model.parameters())
    before = {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}
    adamw(model, optimizer)
    assert {k: v for k, v in optimizer.param_groups[0].items() if k != "params"} == before


# ---- Several groups ----


def test_one_gene_keeps_the_ratios_of_all_groups(model):
    optimizer = torch.optim.AdamW(groups_of(model, {"lr": 1e-3}, {"lr": 5e-4}))
    lr = adamw(model, optimizer)["lr"]
    assert lr.value == 1e-3
    assert paths(lr) == {
        "optimizer/param_groups/0/lr": 0.0,
        "optimizer/param_groups/1/lr": pytest.approx(math.log(0.5)),
    }
    moved = lr.with_value(0.01)
    assert values_at(moved) == {
        "optimizer/param_groups/0/lr": 0.01,
        "optimizer/param_groups/1/lr": pytest.approx(0.005),
    }


def test_the_distance_of_betas_is_one_of_logits(model):
    optimizer = torch.optim.AdamW(groups_of(model, {"betas": (0.9, 0.9)}, {"betas": (0.9, 0.99)}))
    genes = adamw(model, optimizer)
    assert [*paths(genes["betas/0"]).values()] == [0.0, 0.0]
    assert [*paths(genes["betas/1"]).values()] == [0.0, pytest.approx(math.log(99 / 9))]


def test_a_group_that_cannot_hold_the_gene_is_not_listed(model):
    optimizer = torch.optim.AdamW(groups_of(model, {"weight_decay": 0.0}, {"weight_decay": 0.1}))
    gene = adamw(model, optimizer)["weight_decay"]
    assert gene.value == 0.1
    assert paths(gene) == {"optimizer/param_groups/1/weight_decay": 0.0}


def test_no_value_is_cut_off_by_the_domain_however_far_groups_are_apart(model):
    optimizer = torch.optim.SGD(groups_of(model, {"lr": 1e-9}, {"lr": 1.0}))
    lr = sgd(model, optimizer)["lr"]
    assert lr.domain == (1e-12, 1000.0)
    assert [*values_at(lr).values()] == pytest.approx([1e-9, 1.0])


def test_each_group_may_have_genes_of_its_own(model):
    optimizer = torch.optim.AdamW(groups_of(model, {"weight_decay": 0.0}, {"lr": 0.5}))
    genes = adamw(model, optimizer, per_group=True)
    assert [*genes] == [
        "lr/0",
        "lr/1",
        "weight_decay/1",
        "betas/0/0",
        "betas/0/1",
        "betas/1/0",
        "betas/1/1",
        "eps/0",
        "eps/1",
    ]
    assert genes["lr/1"].value == 0.5
    assert paths(genes["lr/1"]) == {"optimizer/param_groups/1/lr": 0.0}
    assert paths(genes["betas/0/1"]) == {"optimizer/param_groups/1/betas/0": 0.0}


def test_groups_that_share_a_tensor_cannot_have_genes_of_their_own(model):
    optimizer = torch.optim.AdamW(groups_of(model, {}, {}), lr=torch.tensor(1e-3), foreach=False)
    assert [*paths(adamw(model, optimizer)["lr"]).values()] == [0.0, 0.0]
    assert message_of(adamw, model, optimizer, per_group=True) == (
        "adamw: param groups 0 and 1 share one tensor for lr, so they cannot have different "
        "genes; give each group its own tensor, or remove per_group"
    )


# ---- What does not fit ----


class Renamed(torch.optim.AdamW):
    """An optimizer that derives from AdamW and has other settings."""

    def __init__(self, params, smoothing=0.9):
        super().__init__(params)
        for group in self.param_groups:
            del group["betas"], group["eps"]
            group["smoothing"] = smoothing


def test_a_subclass_fits(model):
    class Ours(torch.optim.Adam):
        pass

    assert adamw(model, Ours(model.parameters(), lr=0.25))["lr"].value == 0.25


@pytest.mark.parametrize(
    ("preset", "kind", "message"),
    [
        (
            adamw,
            torch.optim.SGD,
            "adamw is a preset for AdamW and Adam of torch.optim; got SGD: use the preset sgd",
        ),
        (
            sgd,
            torch.optim.Adam,
            "sgd is a preset for SGD of torch.optim; got Adam: use the preset adam",
        ),
        (
            adamw,
            torch.optim.RMSprop,
            (
                "adamw is a preset for AdamW and Adam of torch.optim; got RMSprop: use the preset "
                "rmsprop"
            ),
        ),
        (
            adamw,
            torch.optim.LBFGS,
            (
                "adamw is a preset for AdamW and Adam of torch.optim; got LBFGS: no installed "
                "preset fits it, so write one: a function of model and optimizer that returns "
                "alleles by name"
            ),
        ),
    ],
)
def test_another_optimizer_is_refused(preset, kind, message, model):
    assert message_of(preset, model, kind(model.parameters())) == message


def test_model_and_optimizer_the_wrong_way_round_are_refused(model):
    optimizer = torch.optim.SGD(model.parameters())
    assert message_of(sgd, optimizer, model) == (
        "sgd is a preset for SGD of torch.optim; got Sequential: no installed preset fits it, so "
        "write one: a function of model and optimizer that returns alleles by name"
    )


def test_a_group_without_a_setting_is_refused(model):
    message = message_of(adamw, model, Renamed(model.parameters()))
    keys = ", ".join(k for k in Renamed(model.parameters()).param_groups[0] if k != "params")
    assert message == (
        f"adamw: there is no optimizer/param_groups/0/betas/0; the group has {keys}. If Renamed "
        "has other settings than its base class, write a preset for it: a function of model and "
        "optimizer that returns alleles by name"
    )


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        ("fast", "'fast'"),
        (None, "None"),
        (torch.zeros(2), "tensor([0., 0.])"),
    ],
)
def test_what_is_no_number_is_refused(held, shown, model):
    optimizer = torch.optim.SGD(model.parameters())
    optimizer.param_groups[0]["lr"] = held
    assert message_of(sgd, model, optimizer) == (
        f"sgd: optimizer/param_groups/0/lr is {shown}; a gene needs one finite number"
    )


def test_a_warm_up_that_starts_at_zero_is_spoken_of(model):
    optimizer = torch.optim.SGD(groups_of(model, {"lr": 0.1}, {"lr": 0.2}), momentum=0.9)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 10)
    with pytest.warns(UserWarning, match="lr is 0") as caught:
        genes = sgd(model, optimizer)
    assert [*genes] == ["momentum"]
    (message,) = [str(each.message) for each in caught]
    assert message == (
        "sgd: lr is 0 in every param group, so it gets no gene; creating a scheduler whose warm-up "
        "starts at 0 sets it to 0: bind before creating the scheduler, or start above 0"
    )
    assert caught[0].filename == __file__


def test_a_frozen_group_stays_frozen(model):
    optimizer = torch.optim.SGD(groups_of(model, {"lr": 0.0}, {"lr": 0.2}))
    assert paths(sgd(model, optimizer)["lr"]) == {"optimizer/param_groups/1/lr": 0.0}


# ---- Why some settings are no genes ----


def test_a_constant_dampening_is_a_factor_of_the_lr():
    """After the first step, whose gradient is not dampened, the two take the same way."""

    def way(lr, dampening):
        weight = nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
        optimizer = torch.optim.SGD([weight], lr=lr, momentum=0.9, dampening=dampening)
        places = []
        for step in range(400):
            weight.grad = torch.tensor([0.0 if step == 0 else 1.0 / step], dtype=torch.float64)
            optimizer.step()
            places.append(weight.item())
        return [after - before for before, after in pairwise(places)]

    assert way(0.1, 0.5) == pytest.approx(way(0.05, 0.0))
