"""Several optimizers of one model, in one process."""

import json

import pytest
import torch
from small_clans import loss, take_step
from torch import nn
from torch.optim import SGD, AdamW

from clantune_autobind import adam, adamw
from clantune_clan import Clan, ClanError, PathError
from clantune_clan.member.optimizers import Optimizers, split_path
from clantune_clan.member.state import State
from clantune_core import Genome
from clantune_core.contracts import Expressed


def body_and_head():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 1))
    body = AdamW(model[0].parameters(), lr=0.01, weight_decay=0.1)
    head = SGD(model[3].parameters(), lr=0.02, momentum=0.5)
    return model, body, head


def clan(optimizer=None, **options):
    model, body, head = body_and_head()
    given = {"autobind": {"body": ["adamw"], "head": ["sgd"]}, "round_length": 4} | options
    by_name = {"body": body, "head": head}
    chosen = by_name if optimizer is None else optimizer(body, head)
    return Clan(model=model, optimizer=chosen, **given)


def train(member):
    while not member.done:
        loss(member.model).backward()
        for optimizer in member.optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        member.step()


def test_each_optimizer_has_genes_of_its_own():
    made = clan()
    genes = made.genome.alleles
    assert [*genes] == [
        *("body/lr", "body/weight_decay", "body/betas/0", "body/betas/1", "body/eps"),
        *("head/lr", "head/momentum"),
    ]
    assert [*Expressed.of("lr", genes["head/lr"]).path] == ["optimizer/head/param_groups/0/lr"]
    member = made.round()
    member._state.genome = made.genome.with_hyperparameters({"body/lr": 0.5, "head/momentum": 0.25})
    member.express()
    assert member.optimizer["body"].param_groups[0]["lr"] == 0.5
    assert member.optimizer["head"].param_groups[0]["momentum"] == 0.25
    assert member.get_gene("head/lr") == member.get_value("optimizer/head/param_groups/0/lr")
    assert member.learning_rates == (0.5, member.get_gene("head/lr"))
    made.close()


def test_a_member_has_its_optimizers_as_they_were_given():
    made = clan(lambda body, head: [body, head], autobind={"0": ["adamw"], "1": ["sgd"]})
    member = made.round()
    assert [*member.optimizer] == ["0", "1"]
    assert member.optimizer[1] is member.optimizer["1"] is member.optimizers["1"]
    with pytest.raises(TypeError, match="does not support item assignment"):
        member.optimizer["1"] = member.optimizer["0"]
    made.close()
    made = clan(lambda body, head: body, autobind=["adamw"])
    member = made.round()
    assert isinstance(member.optimizer, AdamW)
    assert member.optimizer is member.optimizers[""]
    assert "lr" in made.genome.alleles
    made.close()


def test_a_run_records_both_rates_and_exports_both_schedules(tmp_path):
    made = clan(total_steps=8, round_length=4, warmup=0.5, cooldown=0.0)
    for member in made.rounds():
        train(member)
        made.step(loss)
    last = [*made.history][-1]
    assert last.learning_rates == (last.genes["body/lr"], last.genes["head/lr"])
    made.export_schedule(tmp_path / "schedule.json")
    rounds = json.loads((tmp_path / "schedule.json").read_text())["rounds"]
    assert {"body/lr", "head/lr"} <= {*rounds[0]["genes"]}
    assert "optimizer/head/param_groups/0/lr" in made.describe()


def test_a_step_of_any_optimizer_counts():
    made = clan()
    member = made.round()
    while not member.done:
        loss(member.model).backward()  # leaves gradients in the body, which nobody zeroes
        member.optimizer["head"].step()
        member.optimizer["head"].zero_grad()
        member.step()
    made.step(loss)
    record = [*made.history][-1]
    assert record.learning_rates == (0.01, record.genes["head/lr"])
    made.close()


def test_the_factor_of_the_warm_up_acts_in_the_steps_of_each_optimizer():
    made = clan(total_steps=100, warmup=0.1, cooldown=0.0)
    member = made.round()
    seen = {}
    for name, optimizer in member.optimizers.items():
        optimizer.register_step_pre_hook(
            lambda o, *_, name=name: seen.update({name: o.param_groups[0]["lr"]})
        )
    loss(member.model).backward()
    for name, optimizer in member.optimizers.items():
        optimizer.step()
        assert seen[name] == pytest.approx(0.1 * member.get_gene(f"{name}/lr"))
        assert optimizer.param_groups[0]["lr"] == member.get_gene(f"{name}/lr")
    made.close()


def test_a_scheduler_of_one_optimizer_leaves_the_genes_of_the_other():
    model, body, head = body_and_head()
    scheduler = torch.optim.lr_scheduler.StepLR(body, 1, gamma=0.5)
    made = Clan(
        model=model,
        optimizer={"body": body, "head": head},
        scheduler=scheduler,
        autobind={"body": ["adamw"], "head": ["sgd"]},
        round_length=4,
    )
    member = made.round()
    before = member.learning_rates
    take_step(member.model, body)
    head.step()
    scheduler.step()
    assert member.learning_rates == (pytest.approx(0.5 * before[0]), before[1])
    made.close()


def test_a_plain_list_binds_each_optimizer_that_a_preset_fits():
    for autobind, named in (
        (["adamw", "sgd", "dropout"], "adamw; body: dropout; head: sgd; head: dropout."),
        (
            ["auto"],
            "adamw, picked by 'auto'; head: sgd, picked by 'auto'.",
        ),
    ):
        made = clan(autobind=autobind)
        assert {"body/eps", "head/momentum"} <= {*made.genome.alleles}
        assert ("dropout" in made.genome.alleles) == ("dropout" in autobind)
        assert f"Presets: body: {named}\n" in made.describe()
        made.close()
    made = clan(lambda *both: [AdamW(each.param_groups) for each in both], autobind="auto")
    assert {"0/lr", "1/lr"} <= {*made.genome.alleles}
    made.close()


def test_a_gene_is_added_to_one_optimizer_or_to_all():
    made = clan(autobind=(), genome_config={"body/betas/0": {"domain": (0.5, 0.95)}})
    made.add_gene("head/momentum")
    made.add_gene("lr")
    path = {name: Expressed.of(name, allele).path for name, allele in made.genome.alleles.items()}
    assert path["body/betas/0"] == {"optimizer/body/param_groups/0/betas/0": 0.0}
    assert path["head/momentum"] == {"optimizer/head/param_groups/0/momentum": 0.0}
    assert path["lr"] == {
        "optimizer/body/param_groups/0/lr": 0.0,
        "optimizer/head/param_groups/0/lr": pytest.approx(0.6931471805599),
    }
    with pytest.raises(PathError, match="'optimizer/body/param_groups/0/momentum' leads nowhere"):
        made.add_gene("momentum")
    made.close()


def test_a_state_leads_into_each_optimizer():
    model, body, head = body_and_head()
    state = State(Genome(), model, {"body": body, "head": head})
    assert state.get("optimizer/head/param_groups/0/momentum") == 0.5
    state.patch({"optimizer/body/param_groups/0/betas/0": 0.8})
    assert body.param_groups[0]["betas"] == (0.8, 0.999)
    assert "optimizer/body/param_groups/0/lr" in dict(state.walk())
    assert split_path("optimizer/body/param_groups/0/betas/0") == (
        "optimizer/body/param_groups/0",
        "betas/0",
    )
    assert split_path("optimizer/body/state/0/step") is None


def test_a_state_is_loaded_only_into_the_same_optimizers():
    model, body, head = body_and_head()
    saved = State(Genome(), model, {"body": body, "head": head}).state_dict()
    with pytest.raises(ClanError) as caught:
        State(Genome(), model, [body, head]).load_state_dict(saved)
    assert str(caught.value) == (
        "the loaded state is of the optimizers body, head, and this one has the optimizers 0, 1: "
        "give optimizer= as in the run that was saved"
    )
    with pytest.raises(ClanError) as caught:
        State(Genome(), model, body).load_state_dict(saved)
    assert str(caught.value) == (
        "the loaded state is of the optimizers body, head, and this one has one optimizer: give "
        "optimizer= as in the run that was saved"
    )


def _raised(**options):
    with pytest.raises(ClanError) as caught:
        clan(**options)
    return str(caught.value)


NAMES = (
    " cannot be the name of an optimizer, which is part of paths such as "
    "'optimizer/generator/param_groups/0/lr': give a text without '/' that does not begin with '_' "
    "and is not param_groups, state, defaults"
)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (lambda *_: [], "optimizer= is empty: give at least one optimizer"),
        (
            lambda *_: 3,
            (
                "optimizer= takes an optimizer of torch, a list of optimizers, or optimizers by "
                "name; got 3"
            ),
        ),
        (
            lambda body, _: [body, None],
            "optimizer= takes optimizers of torch, and '1' is a NoneType",
        ),
        (lambda body, _: {"a/b": body}, f"'a/b'{NAMES}"),
        (lambda body, _: {"": body}, f"''{NAMES}"),
        (lambda body, _: {"state": body}, f"'state'{NAMES}"),
        (lambda body, _: {3: body}, f"3{NAMES}"),
        (
            lambda body, head: {"a": body, "b": SGD([*body.param_groups[0]["params"]])},
            (
                "the parameter '0.weight' is in the optimizers 'a' and 'b', which would both "
                "change it: give each parameter to one optimizer"
            ),
        ),
        (
            lambda body, head: {"a": body, "b": head},
            (
                "autobind has presets for the optimizer 'body', and the clan has 'a', 'b': give "
                "optimizer= by name, with the same names"
            ),
        ),
        (
            lambda body, _: body,
            (
                "autobind has presets for the optimizer 'body', and the clan has one without a "
                "name: give optimizer= by name, with the same names"
            ),
        ),
    ],
)
def test_what_is_no_set_of_optimizers_is_refused(optimizer, message):
    assert _raised(optimizer=optimizer) == message


def test_a_preset_that_fits_no_optimizer_is_refused():
    assert _raised(
        optimizer=lambda _, head: {"head": head, "other": SGD([nn.Parameter(torch.ones(1))])},
        autobind=["adamw"],
    ) == (
        "the preset 'adamw' fits none of the optimizers 'head' (SGD), 'other' (SGD): give "
        "autobind= by optimizer"
    )


def test_an_error_in_the_presets_of_one_optimizer_names_it():
    with pytest.raises(ClanError, match="adam and adamw both bind") as raised:
        clan(lambda body, head: [body, head], autobind=[adam, adamw])
    assert raised.value.__notes__ == [
        "for the optimizer '0'; autobind={'0': [...], ...} gives each optimizer presets of its own"
    ]


def test_optimizers_of_optimizers_are_the_same():
    _, body, head = body_and_head()
    made = Optimizers([body, head])
    assert dict(Optimizers(made)) == dict(made) == {"0": body, "1": head}
    assert Optimizers(Optimizers(body)).as_given is body
