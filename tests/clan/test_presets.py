"""The presets of a clan, as text or as objects: they compose, and bind like genes by name."""

import functools
import importlib
import logging
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from clantune_autobind import adamw, dropout, sgd
from clantune_clan import Clan, ClanError
from clantune_core import Genome, PluginError
from clantune_core.contracts import Expressed
from clantune_strategies import Everyone, Gaussian


def model_of(*modules):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.1), nn.Linear(4, 1), *modules)


def clan(kind=torch.optim.AdamW, *, settings=None, **options):
    model = model_of()
    optimizer = kind(model.parameters(), **({"lr": 0.01} if settings is None else settings))
    return Clan(**({"model": model, "optimizer": optimizer, "round_length": 4} | options))


def genes(**options):
    return dict(clan(**options).genome.alleles)


def message_of(**options):
    with pytest.raises(ClanError) as caught:
        clan(**options)
    return str(caught.value)


# ---- Text and objects ----


@pytest.mark.parametrize(
    "given",
    [
        ["adamw(per_group=True, exclude=('betas', 'eps'))"],
        "adamw(per_group=True, exclude=('betas', 'eps'))",
        [adamw(per_group=True, exclude=("betas", "eps"))],
        [functools.partial(adamw, per_group=True, exclude=("betas", "eps"))],
        "auto(per_group=True, exclude=('betas', 'eps'))",
        ["auto(per_group=True, exclude=('betas', 'eps'))"],
    ],
)
def test_options_are_given_as_text_or_by_a_call(given):
    assert [*genes(autobind=given)] == ["lr/0", "weight_decay/0"]


def test_presets_compose():
    both = [adamw(exclude=("betas", "eps")), "dropout(per_module=True)", "gradient_clipping"]
    assert [*genes(autobind=both)] == ["lr", "weight_decay", "model/1/p", "max_grad_norm"]


def test_auto_says_which_preset_it_has_picked(caplog):
    it = clan(torch.optim.RMSprop, autobind=["auto", dropout(per_module=True)])
    picked = "rmsprop, picked by 'auto'"
    assert f"Presets: {picked}; dropout(per_module=True)." in it.describe().splitlines()
    caplog.set_level(logging.INFO, "clantune")
    it.round()
    assert f"preset: {picked}" in caplog.messages


def test_a_clan_without_presets_names_none():
    assert "Presets:" not in clan().describe()


def test_auto_for_an_unknown_optimizer_lists_what_there_is():
    class Own(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

    with pytest.raises(PluginError) as caught:
        clan(Own, autobind="auto")
    assert str(caught.value) == (
        "preset 'auto': no installed preset fits Own; there are adadelta, adafactor, adagrad, "
        "adam, adamax, adamw, asgd, muon, nadam, radam, rmsprop, rprop, sgd. Add its genes by "
        'name, clan.add_gene("lr"), or write a preset: a function of model and optimizer that '
        "returns alleles by name"
    )


# ---- What is refused ----


def test_two_presets_of_one_path_are_refused_with_both_names():
    assert message_of(autobind=["adamw", adamw(exclude=("eps",))]) == (
        "the presets adamw and adamw(exclude=('eps',)) both bind 'optimizer/param_groups/0/lr': "
        "leave one of them out, or exclude the gene from a preset for optimizers, as in "
        "\"adamw(exclude=('lr',))\""
    )
    per_module = [dropout, "dropout(per_module=True)"]  # the genes have other names
    assert message_of(autobind=per_module).startswith(
        "the presets dropout and dropout(per_module=True) both bind 'model/1/p': "
    )


def test_two_presets_of_one_gene_that_is_read_are_refused():
    both = ["gradient_accumulation", "batch_size(micro_batch=8)"]
    assert message_of(autobind=both).startswith(
        "the presets gradient_accumulation and batch_size(micro_batch=8) both bind the gene "
        "'num_grad_accum': "
    )


def test_a_preset_without_a_return_is_named():
    def forgetful(model, optimizer):
        sgd(model, optimizer)

    assert message_of(kind=torch.optim.SGD, autobind=[forgetful]) == (
        "the preset forgetful returned None, and not a mapping of gene names to alleles: is a "
        "return missing?"
    )


@pytest.mark.parametrize("presets", [(), "auto"])
def test_optimizers_that_cannot_be_averaged_are_refused(presets):
    assert message_of(kind=torch.optim.LBFGS, autobind=presets) == (
        "a clan cannot train with LBFGS: its step calls a closure several times, and other times "
        "on each rank, so members could not average their gradients"
    )
    assert message_of(kind=torch.optim.SparseAdam, autobind=presets) == (
        "a clan cannot train with SparseAdam: it needs sparse gradients, which members cannot "
        "average; make the embedding with sparse=False and use Adam"
    )


# ---- Genes by name ----


def test_the_equivalent_of_the_specification_is_equivalent():
    settings = {"lr": 1e-5, "weight_decay": 0.01}
    it = clan(settings=settings)
    it.add_genome(name="lr", type="optimizer")
    it.add_genome(name="weight_decay", type="optimizer")
    it.add_genome(name="betas/0", type="optimizer")
    it.add_genome(name="betas/1", type="optimizer")
    bound = genes(settings=settings, autobind=["adamw"])
    assert bound.pop("eps")  # the fifth gene, of which the specification speaks too
    assert dict(it.genome.alleles) == bound


@pytest.mark.parametrize("name", ["ASGD", "Adadelta", "Adafactor", "Adagrad", "NAdam", "RMSprop"])
def test_a_gene_by_name_is_the_gene_of_the_preset(name):
    kind = getattr(torch.optim, name)
    bound = genes(kind=kind, autobind="auto")
    it = clan(kind)
    for gene in bound:
        it.add_gene(gene)
    assert dict(it.genome.alleles) == bound


def test_a_gene_of_the_model_by_name_is_the_gene_of_the_preset():
    it = clan()
    it.add_gene("1/p", type="model")
    (bound,) = genes(autobind=["dropout"]).values()
    assert it.genome.alleles["1/p"] == bound


def test_groups_are_bound_alike():
    model = model_of()
    groups = [
        {"params": model[0].parameters(), "lr": 1e-3, "weight_decay": 0.0},
        {"params": model[2].parameters(), "lr": 1e-4, "betas": (0.8, 0.99)},
    ]
    given = {"model": model, "optimizer": torch.optim.AdamW(groups), "round_length": 4}
    bound = dict(Clan(**given, autobind=["adamw"]).genome.alleles)
    it = Clan(**given)
    for gene in bound:
        it.add_gene(gene)
    assert dict(it.genome.alleles) == bound


def test_what_is_asked_for_goes_before_what_a_preset_would_do():
    it = clan()
    it.add_gene("betas/0", can_mutate=True)
    it.add_gene("betas/1", domain=(0.9, 0.9999))
    it.add_gene("lr", value=0.5, can_crossbreed=False)
    beta, other, lr = it.genome.alleles.values()
    assert (beta.can_mutate, beta.can_crossbreed) == (True, True)
    assert (other.can_mutate, other.can_crossbreed) == (False, False)
    assert other.domain == (0.9, 0.9999)
    assert (lr.value, lr.can_mutate, lr.can_crossbreed) == (0.5, True, False)
    assert lr.domain == (0.01 / 1000, 0.5 * 1000)


def test_a_config_that_lets_a_gene_evolve_lets_it_evolve():
    config = {"betas/0": {"can_mutate": True}, "lr": {"can_mutate": False}}
    found = genes(autobind=["adamw"], genome_config=config)
    assert (found["betas/0"].can_mutate, found["betas/0"].can_crossbreed) == (True, True)
    assert (found["lr"].can_mutate, found["lr"].can_crossbreed) == (False, False)


def test_a_value_to_read_has_no_rule_of_an_optimizer():
    it = clan()
    it.add_gene("alpha", type="value", value=0.4)
    gene = it.genome.alleles["alpha"]
    assert gene.can_mutate
    assert Expressed.of("alpha", gene).role == "data_path"


def test_genes_of_presets_are_saved_and_read_back():
    genome = clan(torch.optim.Adafactor, autobind="auto").genome
    assert Genome.deserialize(genome.serialize()) == genome


@pytest.mark.skipif(find_spec("schedulefree") is None, reason="schedulefree is not installed")
@pytest.mark.parametrize("name", ["AdamW", "RAdam", "SGD"])
def test_a_schedule_free_optimizer_is_trained_and_judged_on_its_average(name):
    kind = getattr(importlib.import_module("schedulefree"), f"{name}ScheduleFree")
    optimizer = kind((model := model_of()).parameters(), lr=0.01, weight_decay=0.1)
    x = torch.ones(4, 2)

    def judge(module):
        optimizer.eval()
        loss = module(x).square().mean().item()
        optimizer.train()
        return loss

    optimizer.train()
    with Clan(
        model=model,
        optimizer=optimizer,
        autobind="auto",
        round_length=4,
        strategies=[Everyone(), Gaussian(0.5)],
        settings={"evaluate": "weights"},
    ) as it:
        for _ in range(2):
            member = it.round()
            (group,) = optimizer.param_groups
            assert group["lr"] == it.genome.alleles["lr"].value != 0.01
            while not member.done:
                member.model(x).square().mean().backward()
                optimizer.step()
                optimizer.zero_grad()
                member.step()
            it.step(judge)
        assert group["k"] == 8
