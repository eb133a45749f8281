"""The clan in one process: what a script is promised, whatever the number of ranks."""

import json
import math
import pickle

import attrs
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from clantune_clan import Clan, ClanError, PathError, RoundRecord
from clantune_clan.ramp import Ramp
from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    BoolAllele,
    ClanTuneError,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    PluginError,
)
from clantune_core.contracts import Expressed
from clantune_strategies import Everyone, Gaussian, as_specified, factorial, hdet


def model_and_optimizer(kind=torch.optim.AdamW, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 1))
    return model, kind(model.parameters(), **{"lr": 0.01, "weight_decay": 0.1} | options)


def clan(kind=torch.optim.AdamW, lr=0.01, **options):
    model, optimizer = model_and_optimizer(kind, lr=lr)
    given = {"model": model, "optimizer": optimizer, "autobind": ["adamw"], "round_length": 4}
    return Clan(**(given | options))


def train(member, steps=None):
    seen = []
    while not member.done and (steps is None or len(seen) < steps):
        seen.append(inner_rate(member))
        member.step()
    return seen


def inner_rate(member):
    """Take a step and return the learning rate inside it."""
    rates = []
    hook = member.optimizer.register_step_pre_hook(
        lambda optimizer, *_: rates.append(float(optimizer.param_groups[0]["lr"]))
    )
    member.model(torch.ones(1, 2)).sum().backward()
    member.optimizer.step()
    member.optimizer.zero_grad()
    hook.remove()
    return rates[0]


def run(clan, loss=lambda model: 1.0, rounds=3):
    for _ in range(rounds):
        member = clan.round()
        train(member)
        clan.step(loss)
    return member


# ---- Rounds ----


def test_a_run_goes_from_round_to_round():
    it = clan()
    losses = iter([0.5, 0.4, 0.3])
    run(it, lambda model: next(losses), rounds=1)
    assert it.round().steps_done == 4
    assert [record.round for record in it.history] == [0]


def test_fitness_is_that_of_the_averaged_weights_if_the_rule_wants_it():
    it = clan(strategies="factorial")
    member = it.round()
    train(member)
    held = member.model[0].weight.clone()
    seen = []
    it.step(lambda model: seen.append(model[0].weight.clone()) or 1.0)
    assert torch.equal(seen[0], held)  # what the model holds from `done` on
    assert not torch.equal(seen[1], held)  # the raw weights, which may have blown up
    assert torch.equal(seen[1], it.round().model[0].weight)


def test_a_number_is_a_fitness_too_and_so_is_a_tensor():
    for result in (0.5, torch.tensor(0.5)):
        it = clan()
        train(it.round())
        it.step(result)
        assert [record.metric for record in it.history] == [0.5]


def test_a_high_score_is_good_if_the_user_says_so():
    it = clan(mode="max")
    train(it.round())
    it.step(0.75)
    assert [record.metric for record in it.history] == [0.75]


def test_the_model_keeps_its_mode_of_training():
    it = clan()
    member = it.round()
    train(member)
    it.step(lambda model: float(model.eval()(torch.ones(1, 2))))
    assert it.round().model.training


def _before_the_end(it):
    train(it.round(), 2)
    it.step(1.0)


def _twice(it):
    train(it.round())
    it.step(1.0)
    it.step(1.0)


def _round_too_early(it):
    train(it.round(), 2)
    it.round()


def _round_without_fitness(it):
    train(it.round())
    it.round()


def _after_the_first_round(it):
    it.round()
    it.add_genome("eps")


def _no_number(it):
    train(it.round())
    it.step("low")


def _other_than_the_loader(it):
    loader = iter(it.loader(range(100)))
    member = it.round()
    for _ in range(4):
        next(loader)
        next(loader)
        member.optimizer.step()
        member.step()
    it.step(1.0)


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (
            lambda it: it.step(1.0),
            "clan.step(loss) ends a round: call it once, when member.done is true",
        ),
        (
            _before_the_end,
            "the round is not over: <Individual of member 0: step 2 of 4, cooperative>",
        ),
        (_twice, "this round has its fitness already: go on with clan.round()"),
        (
            _round_too_early,
            (
                "the last round is not over: <Individual of member 0: step 2 of 4, cooperative>; "
                "train until member.done, then call clan.step(loss)"
            ),
        ),
        (
            _round_without_fitness,
            "the last round has no fitness yet: call clan.step(loss) first",
        ),
        (
            _after_the_first_round,
            "gene 'eps' comes too late: genes are added before the first round",
        ),
        (
            _other_than_the_loader,
            (
                "the loader has given 8 batches, and the member has made 4 steps, so members "
                "got the "
                "data of other phases: call member.step() once per batch, and make one loader "
                "for the "
                "whole run"
            ),
        ),
        (
            _no_number,
            (
                "a round ends with a loss, one number, or with a function that takes the model and "
                "returns it; got 'low'"
            ),
        ),
    ],
)
def test_misuse_says_what_to_do(misuse, message):
    with pytest.raises(ClanError) as raised:
        misuse(clan(duty_cycle=0.0))
    assert str(raised.value) == message


def test_the_end_of_a_run_of_known_length():
    it = clan(total_steps=10, round_length=3)
    lengths = []
    while not it.finished:
        member = it.round()
        lengths.append(len(train(member)))
        it.step(1.0)
    assert lengths == [3, 3, 4]  # the last one takes the rest along
    after = it.round()
    assert after.done
    with pytest.raises(ClanError) as raised:
        after.step()
    assert str(raised.value) == (
        "the run of 10 steps is over, so step comes too late: give the fitness with "
        "clan.step(loss), and stop the loop when clan.finished"
    )


def test_a_loader_of_a_clan_ends_with_the_run():
    it = clan(total_steps=10, round_length=3)
    loader = it.loader(torch.utils.data.TensorDataset(torch.randn(12, 2)), 2)
    member, given = it.round(), []
    while not it.finished:  # two passes: the second one is not whole
        for (batch,) in loader:
            given.append(len(batch))
            member.optimizer.step()
            member.step()
            if member.done:
                it.step(1.0)
                member = it.round()
    assert given == [2] * 10
    assert [*loader] == []


@pytest.mark.parametrize(
    ("options", "rounds"),
    [
        # Phases are due after 8, 10, 18, 20, 28 and 30 steps, and each makes one step at least.
        ({}, [(0, 12), (12, 12), (24, 8), (32, 12)]),
        ({"accumulate": 4}, [(0, 12), (12, 12), (24, 12), (36, 12)]),
        ({"total_steps": 42, "accumulate": 4}, [(0, 12), (12, 12), (24, 18)]),
        ({"total_steps": 42}, [(0, 12), (12, 12), (24, 8), (32, 10)]),
    ],
)
def test_a_loop_that_accumulates_gradients_ends_its_rounds_with_a_step(options, rounds):
    it = clan(round_length=10, duty_cycle=0.15, **options)
    loader = iter(it.loader(torch.utils.data.TensorDataset(torch.randn(100, 2))))
    for _ in rounds:
        member = it.round()
        while not member.done:
            (batch,) = next(loader)
            (member.model(batch).sum() / 4).backward()
            if (member.steps_done + 1) % 4 == 0:
                member.optimizer.step()
                member.optimizer.zero_grad()
            member.step()
        it.step(1.0)
    assert [(record.start, record.steps) for record in it.history] == rounds
    assert it.finished is ("total_steps" in options)


# ---- Genes ----


LEARNS = "that is a parameter, which the optimizer learns"
WHOLE = (
    "gene 'it' takes fractions, and 'model/0/in_features' is the whole number 2: bind an "
    "IntAllele, or set it to 2.0 if fractions make sense there"
)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model/0/weight", f"gene 'it' cannot be expressed at 'model/0/weight': {LEARNS}"),
        (
            "optimizer/param_groups/0/params/0",
            f"gene 'it' cannot be expressed at 'optimizer/param_groups/0/params/0': {LEARNS}",
        ),
        (
            "model/0",
            (
                "gene 'it' cannot be expressed at 'model/0': that is a Linear, not a number, a "
                "text or a tensor"
            ),
        ),
        ("model/0/in_features", WHOLE),
        (
            "optimizer/param_groups/0/amsgrad",
            (
                "gene 'it' does not fit: 'optimizer/param_groups/0/amsgrad' holds the bool False; "
                "0.5 is of another kind, and kinds never change"
            ),
        ),
    ],
)
@pytest.mark.parametrize("way", ["add_gene", "genome_config", "autobind"])
def test_a_gene_is_not_bound_where_it_does_not_belong(path, message, way):
    options = {"value": 0.5, "domain": (0.1, 0.9), "path": path}
    allele = Expressed(path).added_to(FloatAllele(0.5, (0.1, 0.9)))
    ways = {
        "add_gene": lambda: clan().add_gene("it", **options),
        "genome_config": lambda: clan(genome_config={"it": options}),
        "autobind": lambda: clan(autobind=[lambda model, optimizer: {"it": allele}]),
    }
    with pytest.raises(PathError) as raised:
        ways[way]()
    assert str(raised.value) == message


def test_a_gene_that_is_refused_leaves_the_others():
    it = clan()
    genes = [*it.genome.alleles]
    with pytest.raises(PathError):
        it.add_gene("it", value=0.5, domain=(0.1, 0.9), path="model/0/in_features")
    assert [*it.genome.alleles] == genes


def test_genes_come_from_presets_config_and_by_name():
    it = clan(
        genome_config={
            "lr": {"domain": (1e-3, 0.1)},
            "betas/0": {"can_mutate": True},
            "temperature": {"type": "value", "value": 2.0, "domain": (1.0, 4.0)},
            "flag": BoolAllele(True, metadata={"expression": {"path": {}}}),
        }
    )
    it.add_genome("2/p", type="model")
    it.add_genome("patience", type="value", value=3, domain=(1, 9))
    it.add_genome("accumulate", type="gradient_accumulation", value=2)
    alleles = it.genome.alleles
    assert [*alleles] == [
        "lr",
        "weight_decay",
        "betas/0",
        "betas/1",
        "eps",
        "temperature",
        "flag",
        "2/p",
        "patience",
        "accumulate",
    ]
    assert alleles["lr"].domain == (1e-3, 0.1)
    assert alleles["betas/0"].can_mutate
    kinds = {name: type(allele) for name, allele in alleles.items()}
    assert kinds["temperature"] is LogFloatAllele
    assert kinds["2/p"] is LogitFloatAllele  # as the preset for dropout has it
    assert kinds["patience"] is kinds["accumulate"] is IntAllele
    assert kinds["betas/1"] is LogitFloatAllele
    member = it.round()
    assert member.model[2].p == member.get_gene("2/p")


def test_names_say_of_which_kind_a_gene_is():
    it = clan(torch.optim.SGD, autobind=[])
    it.add_genome("momentum", value=0.9)
    it.add_genome("dampening", value=0.0, domain=(0.0, 0.5))
    it.add_genome("lr")
    kinds = [type(allele) for allele in it.genome.alleles.values()]
    assert kinds == [LogitFloatAllele, FloatAllele, LogFloatAllele]


def test_one_name_binds_all_groups_and_keeps_their_ratios():
    model, _ = model_and_optimizer()
    optimizer = torch.optim.SGD(
        [
            {"params": model[0].parameters(), "lr": 0.1, "weight_decay": 0.0},
            {"params": model[3].parameters(), "lr": 0.2, "weight_decay": 0.3},
        ]
    )
    it = Clan(
        model=model, optimizer=optimizer, round_length=2, strategies=[Everyone(), Gaussian(0.5)]
    )
    it.add_genome("lr")
    it.add_genome("weight_decay")
    it.round()
    first, second = optimizer.param_groups
    assert first["lr"] != 0.1
    assert second["lr"] == pytest.approx(2.0 * first["lr"])
    assert first["weight_decay"] == 0.0
    assert second["weight_decay"] == it.genome.alleles["weight_decay"].value != 0.3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"genome_config": {"lr": 0.1}},
            (
                "genome_config['lr'] is a mapping of options, such as {'domain': (1e-5, 1.0)}, "
                "or an "
                "allele; got 0.1"
            ),
        ),
        (
            {"genome_config": {"x": {"type": "value"}}},
            "gene 'x' is only read, so it needs a first value: value=...",
        ),
        (
            {"genome_config": {"x": {"type": "module"}}},
            (
                "the type of gene 'x' is one of optimizer, model, value, gradient_accumulation; "
                "got "
                "'module'"
            ),
        ),
        (
            {"genome_config": {"x": {"type": "value", "value": 0.0}}},
            (
                "gene 'x' starts at 0.0, from which no domain can be guessed: give domain=(min, "
                "max), "
                "or another value="
            ),
        ),
        (
            {"settings": {"inheritance": "average"}},
            "settings.inheritance: 'average' is not one of 'sampled', 'dominant', 'mean'",
        ),
        ({"mode": "low"}, "mode is 'min' or 'max'; got 'low'"),
        (
            {"settings": {"evaluate": "raw"}},
            "settings.evaluate: 'raw' is not one of 'weights', 'ema'",
        ),
        ({"warmup": 2.0}, "warmup is a share of the run, 0 to 1; got 2.0"),
        (
            {"settings": {"calibrate": True}},
            (
                "calibrate=True needs to know how long the run is: give total_steps=, of which it "
                "takes a fifteenth"
            ),
        ),
        (
            {"population_size": 3},
            (
                "population_size is 3, and there are 1 ranks: start a multiple of 3 processes, or "
                "leave it out for one member per rank"
            ),
        ),
        ({"optimizer": None}, "a clan needs both, model= and optimizer=, or neither for now"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ClanTuneError) as raised:
        clan(**options)
    assert str(raised.value) == message


def test_an_unknown_name_says_what_is_installed():
    with pytest.raises(
        PluginError, match=r"^no preset is called 'drpout'; did you mean 'dropout'\?"
    ):
        clan(autobind=["drpout"])
    with pytest.raises(PluginError, match=r"^no recipe is called 'best'"):
        clan(strategies="best")


def test_what_is_switched_off_is_not_used(monkeypatch):
    monkeypatch.setenv("CLANTUNE_DISABLE_PLUGINS", "clantune-autobind, clantune-strategies")
    with pytest.raises(PluginError, match=r"^preset 'adamw' of clantune-autobind is switched off"):
        clan(autobind=["adamw"], strategies=[Everyone()])
    with pytest.raises(PluginError, match=r"^recipe 'pbt' of clantune-strategies is switched off"):
        clan(strategies="pbt")


def test_a_clan_may_get_its_model_later():
    it = Clan(round_length=3, duty_cycle=0.15)
    with pytest.raises(ClanError) as raised:
        it.round()
    assert str(raised.value) == (
        "this clan has no model yet: Clan(model=..., optimizer=...), or "
        "clan.attach(model, optimizer)"
    )
    it.attach(*model_and_optimizer())
    run(it, rounds=1)
    with pytest.raises(ClanError, match="has its model and optimizer already"):
        it.attach(*model_and_optimizer())


# ---- The learning rate ----


def test_a_run_of_known_length_warms_up_and_cools_down():
    it = clan(total_steps=40, round_length=10, strategies=factorial(evolve=False))
    rates = []
    while not it.finished:
        rates += train(it.round())
        it.step(1.0)
    wanted = [0.01 * min(1.0, (t + 1) / 4, (40 - t) / 8) for t in range(40)]
    assert rates == pytest.approx(wanted)
    assert it._state.optimizer.param_groups[0]["lr"] == 0.01  # between steps it is the gene's


def test_without_a_length_there_is_no_pace():
    assert Ramp().factor(10**9) == 1.0
    it = clan(strategies=factorial(evolve=False))
    assert set(train(it.round())) == {0.01}


def test_a_step_that_fails_leaves_no_trace():
    it = clan(total_steps=8, round_length=4)
    member = it.round()
    lr = member.optimizer.param_groups[0]["lr"]

    def fail(*_):
        raise ArithmeticError

    hook = member.optimizer.register_step_pre_hook(fail)
    with pytest.raises(ArithmeticError):
        member.optimizer.step()
    hook.remove()
    train(member, 1)
    assert member.optimizer.param_groups[0]["lr"] == lr


def test_a_tensor_rate_is_paced_in_place():
    rate = torch.tensor(0.01)
    model, _ = model_and_optimizer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    it = Clan(
        model=model,
        optimizer=optimizer,
        autobind=["adamw"],
        total_steps=8,
        round_length=4,
        strategies=factorial(evolve=False),
        warmup=1.0,
    )
    assert train(it.round(), 2) == pytest.approx([0.01 / 8, 0.02 / 8])
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.01)


def test_groups_may_share_a_tensor_rate():
    model, _ = model_and_optimizer()
    rate = torch.tensor(0.01)
    groups = [{"params": model[0].parameters()}, {"params": model[3].parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    assert optimizer.param_groups[0]["lr"] is optimizer.param_groups[1]["lr"]
    it = Clan(
        model=model,
        optimizer=optimizer,
        autobind=["adamw"],
        total_steps=8,
        round_length=4,
        warmup=1.0,
        strategies=factorial(evolve=False),
    )
    assert train(it.round(), 2) == pytest.approx([0.01 / 8, 0.02 / 8])
    assert rate.item() == pytest.approx(0.01)


# ---- What a run leaves behind ----


def test_a_history_is_not_mixed_with_another(tmp_path):
    path = tmp_path / "history.jsonl"
    run(clan(history=path), rounds=1)
    with pytest.raises(ClanError) as raised:
        clan(history=path).round()
    assert str(raised.value) == (
        f"there is a history at {path} already: move it, give another path, or go on with its run "
        "by clan.resume(folder)"
    )


def test_weights_that_are_lost_lose_though_their_average_looks_well():
    for result in (1.0, lambda model: float(model(torch.ones(1, 2)).sum() ** 2)):
        it = clan(strategies="factorial", round_length=200)
        member = it.round()
        train(member, 199)
        with torch.no_grad():
            member.model[0].weight.fill_(math.nan)
        member.step()
        with pytest.raises(ClanError, match="no member has a finite loss"):
            it.step(result)


def test_a_centre_that_cannot_be_measured_is_none():
    it = clan(strategies="factorial")
    train(it.round())
    losses = iter([0.5, 0.5, math.nan])
    it.step(lambda model: next(losses))
    assert [record.centre for record in it.history] == [None]
    it.round()


def test_layers_that_are_frozen_in_their_mode_stay_so():
    it = clan()
    member = it.round()
    member.model[2].eval()
    train(member)
    it.step(lambda model: float(model.eval()(torch.ones(1, 2))))
    assert not it.round().model[2].training
    assert it._state.model[0].training


def test_a_run_that_is_too_short_for_a_calibration_is_refused():
    with pytest.raises(ClanError) as raised:
        clan(strategies=factorial(calibrate=True), total_steps=18, round_length=None)
    assert str(raised.value) == (
        "18 steps are too few for a calibration of 18 and a round of 1: train longer, or leave "
        "calibrate out"
    )


def test_a_misspelt_option_of_a_gene_is_named():
    with pytest.raises(
        ClanError, match=r"genome_config\['lr'\] has no option 'domian'; there are "
    ):
        clan(genome_config={"lr": {"domian": (1e-5, 1e-1)}})


def test_an_empty_history_is_no_other_run(tmp_path):
    path = tmp_path / "history.jsonl"
    path.touch()  # as a run leaves it that ends in its first round
    assert clan(history=path).round().mode == "cooperative"


def test_what_is_registered_after_the_first_round_is_refused():
    it = clan()
    it.round()
    with pytest.raises(
        ClanError, match=r"'ema' comes too late: call inherits\(\) before the first"
    ):
        it.inherits("ema", torch.nn.Linear(1, 1))


def test_a_model_that_is_compiled_in_one_graph_competes_from_the_first_step():
    model, optimizer = model_and_optimizer()
    model.compile(backend="eager", fullgraph=True)
    it = clan(model=model, optimizer=optimizer, duty_cycle=1.0)
    train(it.round())
    it.step(1.0)
    assert it.run_state.round == 1


def test_a_calibration_beside_a_scheduler_is_refused():
    model, optimizer = model_and_optimizer()
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    with pytest.raises(ClanError, match="leave out calibrate= or scheduler="):
        Clan(
            model=model,
            optimizer=optimizer,
            autobind=["adamw"],
            total_steps=180,
            strategies=factorial(calibrate=True),
            scheduler=scheduler,
        )


def test_a_preset_without_a_return_is_named():
    def forgetful(model, optimizer):
        """Bind nothing."""

    with pytest.raises(ClanError, match=r"forgetful.* returned None, .* is a return missing\?"):
        clan(autobind=[forgetful])


def test_the_history_has_a_line_for_each_round_and_member(tmp_path):
    path = tmp_path / "runs" / "history.jsonl"
    it = clan(history=path)
    run(it, rounds=2)
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    of_rounds = [line for line in lines if "event" not in line]
    records = [*it.history]
    assert [RoundRecord.from_data(line) for line in of_rounds] == records
    assert len(it.history) == 2
    first, second = records
    assert (first.round, first.member, first.start, first.steps) == (0, 0, 0, 4)
    assert first.genes.keys() == it.genome.alleles.keys()
    assert {"fitness", "selection", "inheritance"} <= first.seconds.keys()
    assert second.genome != first.genome


def test_the_history_does_not_grow_a_rank(tmp_path):
    it = clan(history=tmp_path / "history.jsonl")
    sizes = set()
    for _ in range(3):
        run(it, rounds=1)
        sizes.add(len(pickle.dumps(vars(it.history))))
    assert len(sizes) == 1


def test_best_is_the_best_there_was():
    it = clan(strategies="factorial")
    losses = [0.5, 0.2, 0.9]
    weights = []
    for loss in losses:
        train(it.round())
        it.step(lambda model, loss=loss: weights.append(model[0].weight.clone()) or loss)
    best = it.best()
    assert isinstance(best, nn.Sequential)
    centres = weights[2::3]  # averaged, raw, and centre
    assert torch.equal(best[0].weight, centres[1])
    assert best is not it.round().model


def test_a_schedule_is_exported_and_replayed_without_the_library(tmp_path):
    it = clan(total_steps=40, round_length=10, seed=3)
    rates = []
    while not it.finished:
        rates += train(it.round())
        it.step(1.0)
    it.export_schedule(tmp_path / "schedule.json")
    _, optimizer = model_and_optimizer(lr=1.0)

    schedule = json.loads((tmp_path / "schedule.json").read_text("utf-8"))

    def rate(step):
        total, value = schedule["total_steps"], 0.0
        for part in schedule["rounds"]:
            if part["step"] <= step:
                value = part["genes"]["lr"]
        up = (step + 1) / (schedule["warmup"] * total)
        down = (total - step) / (schedule["cooldown"] * total)
        return value * min(1.0, up, down)

    scheduler = lr_scheduler.LambdaLR(optimizer, rate)
    replayed = []
    for _ in range(40):
        replayed.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert replayed == pytest.approx(rates)


def test_a_clan_describes_itself():
    it = clan(total_steps=200, round_length=None, strategies="factorial")
    said = it.describe()
    for part in (
        "A clan of one member with the recipe 'factorial'.",
        "Rounds of 10 steps: ",
        "a running average of its weights",
        "rises in the first 10% and falls to zero in the last 20%",
        "MainEffects(step=0.5",
        "lr = 0.01 in ",
        "betas/0 = 0.9 in 0.1 .. 0.9999, stays: optimizer/param_groups/0/betas/0",
    ):
        assert part in said
    assert "Genes: none" in clan(autobind=[]).describe()


@pytest.mark.parametrize("rule", ["factorial", as_specified(), hdet(), [Everyone()]])
def test_every_rule_runs_in_a_clan_of_one(rule):
    it = clan(strategies=rule)
    run(it, lambda model: float(model(torch.ones(1, 2)) ** 2))
    assert len(it.history) == 3


def test_a_run_that_is_lost_goes_back_once_and_then_says_so():
    it = clan()
    train(it.round())
    it.step(0.5)
    kept = [p.clone() for p in it.run_state.best.model(it._state, it.communicator).parameters()]
    train(it.round())
    it.step(math.nan)
    assert all(map(torch.equal, kept, it.round().model.parameters()))
    train(it._training.member)
    it.step(0.4)
    train(it.round())
    it.step(math.inf)
    train(it.round())
    with pytest.raises(ClanError) as raised:
        it.step(math.nan)
    assert str(raised.value) == (
        "no member has a finite loss at the end of round 4, again: lower the learning rate, or "
        "look at the data and the loss"
    )


def test_an_allele_in_the_config_takes_the_places_of_the_presets_gene():
    it = clan(genome_config={"lr": LogFloatAllele(1e-3, (1e-5, 1e-1))})
    member = it.round()
    assert it.genome.alleles["lr"].domain == (1e-5, 1e-1)
    assert member.optimizer.param_groups[0]["lr"] == member.get_gene("lr")
    assert member.get_gene("lr") == it.genome.alleles["lr"].value


def test_an_allele_of_another_kind_keeps_the_ratio_of_groups():
    model, _ = model_and_optimizer()
    optimizer = torch.optim.AdamW(
        [{"params": model[0].parameters(), "lr": 0.01}, {"params": model[3].parameters()}], lr=0.03
    )
    it = Clan(
        model=model,
        optimizer=optimizer,
        autobind=["adamw"],
        genome_config={"lr": FloatAllele(0.05, (0.0, 1.0), can_mutate=False)},
        round_length=2,
    )
    it.round()
    rates = [group["lr"] for group in optimizer.param_groups]
    assert rates == pytest.approx([0.05, 0.07])  # on a linear scale, groups keep their distance


def test_an_allele_without_a_preset_is_found_by_its_name():
    it = clan(genome_config={"weight_decay": LogFloatAllele(0.2)}, autobind=[])
    it.add_gene("2/p", type="model", allele=LogitFloatAllele(0.3, can_mutate=False))
    member = it.round()
    assert member.optimizer.param_groups[0]["weight_decay"] == member.get_gene("weight_decay")
    assert member.model[2].p == 0.3
    assert not it.genome.alleles["2/p"].can_mutate


def test_what_a_strategy_draws_by_name_is_one_number_for_one_child():
    drawn = []

    @attrs.frozen
    class DrawsEverywhere(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
        def select_ancestry(self, population_genomes, draw, shared_draw):
            drawn.append((draw("x"), shared_draw("x")))
            return Ancestry.sole(0, population_genomes)

        def handle_crossbreeding(self, my_allele, draw, shared_draw):
            drawn.append((draw("x"), shared_draw("x")))
            return my_allele

        def handle_mutating(self, allele, draw, shared_draw):
            drawn.append((draw("x"), shared_draw("x")))
            return allele

        apply_strategy = AbstractMutationStrategy.apply_strategy

    it = clan(strategies=[DrawsEverywhere()])
    train(it.round())
    drawn.clear()  # the first genome is mutated too
    it.step(1.0)
    assert len(drawn) > 3
    assert len({*drawn}) == 1
