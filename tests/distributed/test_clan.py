"""The clan on several ranks: rounds, one history for one seed, and the loops of the manual."""

import itertools
import json
import math
import re
from pathlib import Path

import attrs
import pytest
import torch
import torch.distributed as dist
from launchers import launch
from torch import nn

from clantune_clan import Clan
from clantune_clan.records import RunFile
from clantune_clan.records.schedule import winner_of
from clantune_strategies import as_specified, factorial, hdet, pbt

LOOPS = Path(__file__).with_name("loops.py")


def make(rule=None, *, lr=0.01, dropout=0.0, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)
    given = {"autobind": ["adamw"], "round_length": 6, "timeout": 20.0}
    return Clan(model=model, optimizer=optimizer, strategies=rule, **(given | options))


HELD_OUT = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))


def loss_of(model):
    model.eval()
    return float((model(HELD_OUT).squeeze() - HELD_OUT[:, 0]).square().mean())


def train(member, clan):
    while not member.done:
        generator = torch.Generator().manual_seed(
            1000 * member.steps_done + (dist.get_rank() if member.mode == "cooperative" else 0)
        )
        x = torch.randn(8, 4, generator=generator)
        (member.model(x).squeeze() - x[:, 0]).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()


def run(clan, rounds=4, loss=loss_of):
    for _ in range(rounds):
        member = clan.round()
        train(member, clan)
        clan.step(loss)
    clan.round()
    return clan


def weights(clan):
    module = clan._state.model
    return [tensor.tolist() for tensor in module.state_dict().values()]


RULES = {
    "factorial": factorial,
    "as specified": as_specified,
    "hdet": hdet,
    "pbt": pbt,
    "calibrated": lambda: factorial(calibrate=True),
}


def a_run(rule, options):
    if rule == "calibrated":
        options = {**options, "total_steps": 60, "round_length": 9}
    clan = run(make(RULES[rule](), **options))
    if clan.communicator.rank == 0:
        require_the_same_winner(clan)
    lines = [record.as_data() | {"seconds": None} for record in clan.history]
    return lines, weights(clan), clan.genome.serialize()


def require_the_same_winner(clan):
    """The file of the run shows which weights are the best ones."""
    found, best = RunFile.read(clan.history.path), clan.run_state.best
    rounds = [records for records in found.rounds if not records[0].calibration]
    place, member, metric = winner_of(rounds, found.start)
    assert (rounds[place][0].round, member) == (best.round, best.found_by)
    assert metric == best.fitness


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize(
    ("rule", "more"),
    [
        pytest.param("factorial", {}, id="factorial"),
        pytest.param("factorial", {"dropout": 0.3, "autobind": ["adamw", "dropout"]}, id="halves"),
        pytest.param("as specified", {}, id="as specified"),
        pytest.param("calibrated", {}, id="calibrated"),
    ],
)
def test_one_seed_is_one_history_to_the_last_bit(ranks, other_ranks, count, rule, more):
    options = {"seed": 3, "duty_cycle": 0.3, **more}
    first = ranks(count).run(a_run, rule, options)
    again = other_ranks(count).run(a_run, rule, options)
    assert first == again
    history, _, _ = first[0]
    assert len(history) == 4 * count
    assert ranks(count).run(a_run, rule, options | {"seed": 4})[0][0] != history


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_runs(ranks, rule):
    answers = ranks(4).run(a_run, rule, {})
    history = answers[0][0]
    assert len(history) == 16
    assert all(math.isfinite(float(record["metric"])) for record in history)
    assert len({record["genome"] for record in history if not record["calibration"]}) == (
        4 if rule == "calibrated" else 16
    )
    for records in zip(*[iter(history)] * 4, strict=True):
        assert [record["member"] for record in records] == [0, 1, 2, 3]
        if rule != "calibrated":
            assert all(sum(p for _, p in r["parents"]) == pytest.approx(1.0) for r in records)


def centre_and_members():
    clan = make(factorial())
    run(clan, rounds=2)
    # The next round has begun: weights are the centre's, genes are off it.
    lr = clan._state.optimizer.param_groups[0]["lr"]
    return weights(clan), lr


def test_members_start_a_round_from_one_centre_with_genes_around_it(ranks):
    answers = ranks(4).run(centre_and_members)
    assert all(held == answers[0][0] for held, _ in answers)
    rates = sorted(lr for _, lr in answers)
    assert rates[0] == pytest.approx(rates[1])
    assert rates[2] == pytest.approx(rates[3])
    assert rates[3] / rates[0] == pytest.approx(math.exp(0.2))


def with_a_dropout_gene():
    clan = make(factorial(), dropout=0.3, autobind=["adamw", "dropout"])
    member = clan.round()
    member.model.eval()  # the gradient alone, without what the gene does to it
    (member.model(torch.full((1, 4), 1.0 + dist.get_rank())).sum()).backward()
    return member.get_gene("dropout"), member.model[4].weight.grad.tolist()


def test_gradients_are_shared_with_those_on_the_same_side_of_a_gene_on_the_data_path(ranks):
    answers = ranks(4).run(with_a_dropout_gene)
    by_side = {}
    for dropout, gradient in answers:
        by_side.setdefault(dropout, []).append(gradient)
    assert len(by_side) == 2
    one, other = by_side.values()
    assert len(one) == len(other) == 2
    assert one[0] == one[1] != other[0] == other[1]


def with_one_that_is_lost():
    clan = make(pbt())
    losses = {"members": [0.3, math.nan, 0.2, 0.4]}
    member = clan.round()
    train(member, clan)
    clan.step(losses["members"][dist.get_rank()])
    clan.round()
    return weights(clan), [record.metric for record in clan.history]


def test_a_member_that_is_lost_is_replaced(ranks):
    answers = ranks(4).run(with_one_that_is_lost)
    assert answers[0][1] == [0.3, math.inf, 0.2, 0.4]
    assert answers[1][0] in (answers[0][0], answers[2][0], answers[3][0])


def all_lost():
    clan = make(factorial())
    run(clan, rounds=1)
    kept = [p.tolist() for p in clan.best().parameters()]
    train(clan._training.member, clan)
    clan.step(math.nan)
    clan.round()
    restored = [p.tolist() for p in clan._state.model.parameters()]
    train(clan._training.member, clan)
    clan.step(math.nan)
    return kept == restored


def test_the_second_time_that_all_are_lost_is_an_error(ranks):
    for raised in ranks(2).fail(all_lost):
        assert (raised.kind, raised.message) == (
            "ClanError",
            (
                "no member has a finite loss at the end of round 2, again: lower the learning "
                "rate, or "
                "look at the data and the loss"
            ),
        )


MILD_LATE = [1.0, 0.5, 0.9, 0.4, 0.58, 0.3, 0.4, 0.4]  # 0.58 has lost less than half of the gain
EXPLODED_LATE = [1.0, 0.5, 0.9, 0.4, 0.9, 0.3, 0.4, 0.4]


def a_clan_that_becomes_worse(until, path, losses=MILD_LATE):
    clan = make(factorial(go_back_until=until), lr=0.01, total_steps=60, warmup=0.5)
    centres = iter(losses)
    seen = []
    for _ in range(6):
        member = clan.round()
        found = clan.best().state_dict().values()
        seen.append((member.get_gene("lr"), weights(clan), [each.tolist() for each in found]))
        train(member, clan)
        judged = itertools.chain([0.7], itertools.repeat(next(centres)))  # the member, the centre
        clan.step(lambda _, judged=judged: next(judged))
    kept = [(r.round, r.went_back_to) for r in clan.history if r.member == 0]
    clan.export_schedule(path)
    return seen, kept, clan.run_state.best.round


def test_a_clan_that_becomes_worse_early_goes_back_to_its_best_weights(ranks, tmp_path):
    path = tmp_path / "schedule.json"
    answers = ranks(4).run(a_clan_that_becomes_worse, 0.4, path)
    assert answers[0][1] == [(0, None), (1, None), (2, 1), (3, None), (4, None), (5, None)]
    for seen, _, best in answers:
        rates, held, found = zip(*seen, strict=True)
        assert best == 5
        assert held[3] == found[3] == found[2]  # after round 2, those that round 1 had found
        assert held[2] != found[2]  # the best weights are averaged ones
        assert rates[2] == pytest.approx(0.01, rel=0.6)
    means = [math.exp(sum(math.log(seen[n][0]) for seen, *_ in answers) / 4) for n in range(6)]
    # Round 1 ends in step 12 of 30 of the warm-up; its rates are those of the next step, halved.
    assert means[3] == pytest.approx(0.5 * means[1] * 13 / 30, rel=0.02)
    scheduled = [each["genes"] for each in json.loads(path.read_text())["rounds"]]
    assert scheduled[2] == scheduled[3] != scheduled[1]  # round 2 was undone


def test_a_clan_goes_back_late_if_it_has_exploded(ranks, tmp_path):
    answers = ranks(4).run(
        a_clan_that_becomes_worse, 0.4, tmp_path / "schedule.json", EXPLODED_LATE
    )
    assert [back for _, back in answers[0][1]] == [None, None, 1, None, 3, None]
    for seen, *_ in answers:
        assert seen[5][1] == seen[4][2]  # the weights after round 4 are the best before it


def test_a_clan_does_not_go_back_unless_it_is_asked_to(ranks, tmp_path):
    answers = ranks(2).run(a_clan_that_becomes_worse, 0.0, tmp_path / "schedule.json")
    assert {back for _, back in answers[0][1]} == {None}


def a_schedule_of_copies(path):
    """The genes of those whose weights the best member has got, round by round."""
    clan = make(as_specified(), seed=5)
    run(clan, rounds=4)
    clan.export_schedule(path)
    if dist.get_rank():
        return None
    rounds = list(clan.history.rounds())
    member = clan.run_state.best.found_by
    last = clan.run_state.best.round
    wanted = [rounds[last][member].genes]
    for records in reversed(rounds[:last]):
        member = records[member].weights_from
        wanted.insert(0, records[member].genes)
    found = json.loads(Path(path).read_text("utf-8"))
    bodies = [record.weights_from for records in rounds for record in records]
    return [part["genes"] for part in found["rounds"]][: last + 1] == wanted, len({*bodies}) > 1


def test_the_schedule_of_copies_follows_the_weights(ranks, tmp_path):
    assert ranks(4).run(a_schedule_of_copies, str(tmp_path / "schedule.json"))[0] == (True, True)


class Count:
    def __init__(self):
        self.value = torch.tensor([1.0 + dist.get_rank()])

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


def with_something_of_the_users():
    clan = make(pbt())
    count = Count()
    clan.inherits("count", count)
    member = clan.round()
    train(member, clan)
    clan.step([0.1, 0.4, 0.3, 0.5][dist.get_rank()])
    return count.value.item()


def test_what_the_user_registers_is_inherited_too(ranks):
    assert ranks(4).run(with_something_of_the_users) == [1.0, 2.0, 3.0, 1.0]


def the_best_of_all():
    clan = make(as_specified())
    member = clan.round()
    train(member, clan)
    mine = [p.tolist() for p in member.model.parameters()]
    clan.step([0.3, 0.4, 0.1, 0.5][dist.get_rank()])
    clan.round()
    return mine, [p.tolist() for p in clan.best().parameters()]


def test_the_best_member_is_handed_to_all(ranks):
    answers = ranks(4).run(the_best_of_all)
    assert all(best == answers[2][0] for _, best in answers)


def different_settings():
    make(factorial(), seed=dist.get_rank()).round()


def different_first_values():
    make(factorial(), genome_config={"lr": {"value": 0.01 * (1 + dist.get_rank())}}).round()


def different_data():
    make(factorial()).loader(range(100 - dist.get_rank()), 2)


def different_batches():
    make(factorial()).loader(range(100), 2 + dist.get_rank())


def no_data():
    make(factorial()).loader(range(100) if dist.get_rank() == 0 else iter(()))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (different_settings, "the settings: seed is 0 on rank 0 and 1 on rank 1"),
        (
            different_first_values,
            "the first values of genes: lr is 0.01 on rank 0 and 0.02 on rank 1",
        ),
        (different_data, "the data: samples is 100 on rank 0 and 99 on rank 1"),
        (different_batches, "the data: batch_size is 2 on rank 0 and 3 on rank 1"),
    ],
)
def test_ranks_that_are_set_up_differently_are_an_error(ranks, function, message):
    for raised in ranks(3).fail(function):
        assert raised.kind == "ClanError"
        assert raised.message == f"the ranks differ in {message}; build the same on every rank"


def test_a_dataset_that_is_wrong_on_one_rank_is_an_error_on_all(ranks):
    first, second = ranks(2).fail(no_data)
    assert first.message == f"rank 1: {second.message}"


def a_loss_that_fails(time):
    clan = make(factorial())
    train(clan.round(), clan)
    calls = itertools.count(1)

    def loss(model):
        if dist.get_rank() == 1 and next(calls) == time:
            raise ValueError("no data")
        return 1.0

    clan.step(loss)


@pytest.mark.parametrize("time", [1, 2, 3])  # averaged weights, raw ones, the centre
def test_a_loss_that_fails_on_one_rank_is_an_error_on_all(ranks, time):
    first, second = ranks(2).fail(a_loss_that_fails, time)
    assert (second.kind, second.message) == ("ValueError", "no data")
    assert (first.kind, first.message) == ("ClanError", "rank 1: ValueError: no data")


def recipe(inheritance):
    made = factorial()
    return attrs.evolve(made, settings=attrs.evolve(made.settings, inheritance=inheritance))


def members_of_two_ranks(inheritance):
    clan = make(recipe(inheritance), population_size=2)
    run(clan, rounds=2)
    learned = [p.tolist() for p in clan._state.model.parameters()]
    bodies = [record.weights_from for record in clan.history]
    return clan.communicator.num_members, learned, bodies


@pytest.mark.parametrize("inheritance", ["mean", "sampled", "dominant"])
def test_more_ranks_than_members(ranks, inheritance):
    answers = ranks(4).run(members_of_two_ranks, inheritance)
    assert [members for members, _, _ in answers] == [2] * 4
    weights = [learned for _, learned, _ in answers]
    assert weights[0] == weights[1]
    assert weights[2] == weights[3]
    bodies = answers[0][2]
    assert [len(bodies) for _, _, bodies in answers] == [4, 0, 0, 0]
    if inheritance == "mean":
        assert bodies == [None] * 4
    else:
        assert {*bodies} <= {0, 1}
    is_one = inheritance == "mean" or bodies[2] == bodies[3]
    assert (weights[0] == weights[2]) == is_one


def as_the_specification_begins():
    """The first lines of the specification, without a model yet."""
    clan = Clan(
        genome_config={},  # Dict of hyperparameter genes to evolve
        round_length=1000,  # Steps per round
        duty_cycle=0.15,  # Fraction of round in competitive phase
        population_size=8,  # Number of clan members
    )
    train_dataset = range(640)
    # Clan loader handles phase-appropriate data distribution
    loader = clan.loader(train_dataset, batch_size=32)
    return clan.communicator.num_members, [batch.tolist() for batch in loader]


def test_a_clan_of_eight_without_a_model_has_its_loader(ranks):
    answers = ranks(8).run(as_the_specification_begins)
    assert {members for members, _ in answers} == {8}
    given = [sample for _, batches in answers for batch in batches for sample in batch]
    assert sorted(given) == list(range(640))


def test_the_loops_of_the_specification_run_under_torchrun(forks):
    [ended] = forks.run(launch, "torchrun", 4, 0, str(LOOPS), ranks=1)
    assert ended.status == 0, ended.printed
    [line] = re.findall(r"^{.*}$", ended.printed, re.MULTILINE)
    found = json.loads(line)
    assert found.keys() == {"optimizer", "by hand", "accumulation", "explicit", "context"}
    for name, loop in found.items():
        is_long = name in ("optimizer", "accumulation")
        assert (loop["rounds"], loop["members"]) == (1 if is_long else 2, 4)
        assert {"lr", "weight_decay", "betas/0", "betas/1"} <= {*loop["genes"]}
        assert loop["steps"] == (105 if is_long else 103)
