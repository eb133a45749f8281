"""A run on several ranks: judging on the same data, competing on the same data, and its end."""

import contextlib
import copy
import logging
import math
import pickle
import random

import pytest
import torch
import torch.distributed as dist
from torch import nn

from clantune_clan import Clan, ClanError
from clantune_core import AbstractMutationStrategy
from clantune_strategies import Everyone, as_specified, factorial

X = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
VALUE = {"type": "value", "value": 2.0, "domain": (1.0, 4.0)}


def make(recipe=None, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    given = {"autobind": ["adamw"], "round_length": 4, "timeout": 20.0}
    return Clan(model=model, optimizer=optimizer, strategies=recipe, **(given | options))


def loss(model, x=X):
    return (model(x).squeeze() - x[:, 0]).square().mean()


def train(member, *, same=True):
    while not member.done:
        competes = member.mode == "competitive" and same
        seed = 1000 * member.steps_done + (0 if competes else 1 + dist.get_rank())
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
        loss(member.model, x).backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()


# ---- Judging ----


def judged_on_shards(options):
    clan = make(factorial(), **options)
    train(clan.round())
    shard = X[dist.get_rank() :: dist.get_world_size()]
    clan.step(lambda model: loss(model, shard))
    return [record.centre for record in clan.history], clan.run_state.best.fitness


def test_members_that_are_judged_on_different_data_are_named(ranks):
    for raised in ranks(3).fail(judged_on_shards, {}):
        assert raised.kind == "ClanError"
        assert raised.message.startswith(
            "the ranks judge on different data: with the same weights, those of the clan's centre, "
            "rank 0 measured "
        )
        assert raised.message.endswith(
            ". Give all ranks the same validation data, without a sampler that shards it; or, if "
            "each rank judges on its own part on purpose, Clan(judge='per rank') takes the mean"
        )


def test_ranks_may_judge_on_parts_of_their_own(ranks):
    answers = ranks(4).run(judged_on_shards, {"judge": "per rank"})
    assert len({fitness for _, fitness in answers}) == 1
    centres, fitness = answers[0]
    assert centres == [fitness] * 4


def a_member_of_two_ranks_by_parts():
    clan = make(as_specified(), population_size=2, judge="per rank")
    train(clan.round())
    clan.step(float(dist.get_rank()))
    return [record.metric for record in clan.history]


def test_the_mean_over_the_ranks_of_a_member_counts(ranks):
    assert ranks(4).run(a_member_of_two_ranks_by_parts)[0] == [0.5, 2.5]


# ---- Competing ----


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []
        logging.getLogger("clantune").addHandler(self)

    def emit(self, record):
        self.lines.append(record.getMessage())


def competed(same):
    log = Lines()
    try:
        clan = make(as_specified(), duty_cycle=0.5)
        for _ in range(2):
            train(clan.round(), same=same)
            clan.step(loss)
    finally:
        logging.getLogger("clantune").removeHandler(log)
    return log.lines


def test_members_that_compete_on_different_data_are_warned_once(ranks):
    assert ranks(3).run(competed, False) == [
        [
            (
                "members got different batches in the first competitive step, so their losses also "
                "differ by luck, and selection is less sure: take the batches from "
                "clan.loader(...), which gives all members the same ones while they compete, and "
                "give Clan(accumulate=...) if gradients accumulate, so that phases end in time"
            )
        ],
        [],
        [],
    ]
    assert ranks(3).run(competed, True) == [[]] * 3


def competed_by_the_clans_loader():
    log = Lines()
    try:
        clan = make(as_specified(), duty_cycle=0.5, population_size=2)
        loader = clan.loader(torch.utils.data.TensorDataset(X), 4)
        for member, _ in zip(clan.rounds(), range(2), strict=False):
            for (x,) in member.batches(loader):
                loss(member.model, x).backward()
                member.optimizer.step()
                member.optimizer.zero_grad()
            clan.step(loss)
    finally:
        logging.getLogger("clantune").removeHandler(log)
    return log.lines


def test_the_clans_loader_gives_no_reason_for_a_warning(ranks):
    assert ranks(4).run(competed_by_the_clans_loader) == [[]] * 4


# ---- The end ----


def the_best_member_after_the_end():
    clan = make(as_specified(), total_steps=8)
    found = []
    for member in clan.rounds():
        train(member)
        found.append([p.tolist() for p in member.model.parameters()])
        clan.step([0.3, 0.1, 0.5][dist.get_rank()] if len(found) == 1 else 0.9)
    return found[0], [p.tolist() for p in clan.best().parameters()]


def test_a_run_of_known_length_shares_its_best_weights_before_it_ends(ranks):
    answers = ranks(3).run(the_best_member_after_the_end)
    assert all(best == answers[1][0] for _, best in answers)


def closed_too_early():
    clan = make(as_specified())
    train(clan.round())
    clan.step([0.3, 0.1][dist.get_rank()])
    clan.close()
    return clan.best()


def test_best_weights_of_another_rank_are_asked_for_before_the_end(ranks):
    for raised in ranks(2).fail(closed_too_early):
        assert raised.message == (
            "the best weights are on member 1, and this clan is closed: call clan.best() before "
            "clan.close()"
        )


def an_observer_that_fails():
    def fail(records):
        raise OSError("disk full")

    clan = make(factorial(), observers=[fail], timeout=5.0)
    for _ in range(2):
        train(clan.round())
        clan.step(loss)


def test_an_observer_that_fails_on_rank_0_is_named_on_all(ranks):
    first, *others = ranks(3).fail(an_observer_that_fails)
    assert (first.kind, first.message) == ("OSError", "disk full")
    for raised in others:
        assert raised.message == "rank 0: OSError: disk full"


@pytest.mark.parametrize("judge", ["shared", "per rank"])
def test_a_member_without_a_finite_loss_is_lost_not_different(ranks, judge):
    metrics = ranks(2).run(one_is_lost, judge)[0]
    assert metrics == [0.5, math.inf]


def one_is_lost(judge):
    clan = make(factorial(), judge=judge)
    train(clan.round())
    clan.step([0.5, math.nan][dist.get_rank()])
    return [record.metric for record in clan.history]


def copies_of_the_model():
    clan = make(as_specified(), duty_cycle=0.5)
    member = clan.round()
    while member.mode == "cooperative":
        loss(member.model).backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()
    copied = pickle.loads(pickle.dumps(copy.deepcopy(member.model)))
    copied(X)
    return [type(hook).__name__ for hook in copied._forward_pre_hooks.values()]


def test_a_model_in_a_clan_can_be_copied_and_pickled(ranks):
    for hooks in ranks(2).run(copies_of_the_model):
        assert {*hooks} == {"_IdleHook"}


class Elsewhere(AbstractMutationStrategy):
    """Draws numbers from the stream of the process."""

    def handle_mutating(self, allele):
        random.seed(dist.get_rank())
        return allele.with_latent(allele.latent + 0.01 * random.random())


def a_member_that_drifts_apart():
    clan = make([Everyone(), Elsewhere()], population_size=1)
    train(clan.round())
    clan.step(loss)


def test_ranks_of_one_member_that_breed_differently_are_named(ranks):
    for raised in ranks(2).fail(a_member_that_drifts_apart):
        assert raised.message.startswith("ranks 0 and 1 train one member ")


class FailsOnRank1(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        if dist.get_rank() == 1:
            raise ValueError("no luck")
        return allele


def a_start_that_fails_on_one_rank():
    make([Everyone(), FailsOnRank1()]).round()


def test_a_start_that_fails_on_one_rank_fails_on_all(ranks):
    first, second = ranks(2).fail(a_start_that_fails_on_one_rank)
    assert (second.kind, second.message) == ("ValueError", "no luck")
    assert first.message == "rank 1: ValueError: no luck"


def a_function_and_a_number():
    clan = make(factorial())
    train(clan.round())
    clan.step(loss if dist.get_rank() == 0 else 0.5)


def test_a_function_on_one_rank_and_a_number_on_another_are_told_apart(ranks):
    for raised in ranks(2).fail(a_function_and_a_number):
        assert raised.message == (
            "clan.step got a function on rank 0 and a number on rank 1: give all ranks a function "
            "of the model, or all a number"
        )


def a_step_that_is_tried_again():
    clan = make(factorial())
    member = clan.round()
    train(member)
    held = [p.tolist() for p in member.model.parameters()]
    with contextlib.suppress(ClanError):
        clan.step("high" if dist.get_rank() else 0.5)
    return held == [p.tolist() for p in member.model.parameters()]


def test_a_step_that_failed_on_one_rank_can_be_tried_again(ranks):
    assert ranks(2).run(a_step_that_is_tried_again) == [True, True]


def meetings_between_rounds(genes):
    clan, counts = make(), []
    for name, given in genes.items():
        clan.add_gene(name, **given)
    member = clan.round()
    for _ in range(3):
        while not member.done:
            loss(member.model).backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            member.step()
        before = clan.communicator.meetings
        clan.step(loss)
        member = clan.round()
        counts.append(clan.communicator.meetings - before)
    return counts


@pytest.mark.parametrize("count", [2, 4])
def test_ranks_meet_five_times_between_two_rounds(ranks, count):
    assert ranks(count).run(meetings_between_rounds, {}) == [[5, 5, 5]] * count


def test_ranks_meet_once_more_to_form_half_clans(ranks):
    assert ranks(4).run(meetings_between_rounds, {"noise": VALUE}) == [[6, 6, 6]] * 4


# ---- After the end ----


def after_a_run(recipe, steps):
    """Return the values of the optimizer on this rank after a run, and of a second run's genes."""
    first = make(recipe(), total_steps=12 if steps is None else None)
    model, optimizer = first._state.model, first._state.optimizer
    member = first.round()
    while not first.finished:
        train(member)
        first.step(loss)
        if steps is not None:
            break
        member = first.round()
    first.close()
    values = [(group["lr"], group["weight_decay"]) for group in optimizer.param_groups]
    second = Clan(model=model, optimizer=optimizer, autobind=["adamw"], round_length=4)
    train(second.round())
    second.step(loss)
    return values


@pytest.mark.parametrize("recipe", [factorial, as_specified])
@pytest.mark.parametrize("steps", [None, 4])
def test_all_ranks_go_on_alike_after_a_run(ranks, recipe, steps):
    first, second = ranks(2).run(after_a_run, recipe, steps)
    assert first == second
    assert first != [(0.01, 0.1)] or recipe is as_specified


def unmeasured(options, genes):
    log = Lines()
    try:
        clan = make(factorial(), **options)
        for name, given in genes.items():
            clan.add_gene(name, **given)
        clan.round()
    finally:
        logging.getLogger("clantune").removeHandler(log)
    return [line for line in log.lines if "no loss shows" in line]


@pytest.mark.parametrize(
    ("size", "options", "genes", "named"),
    [
        (2, {}, {"temperature": VALUE}, "gene 'temperature' changes"),
        (4, {}, {"temperature": VALUE}, None),
        (4, {}, {"temperature": VALUE, "noise": VALUE}, "gene 'noise' changes"),
        (2, {"duty_cycle": 0.5}, {"temperature": VALUE}, None),
    ],
)
def test_a_gene_whose_effect_no_loss_shows_is_named_once(ranks, size, options, genes, named):
    first, *others = ranks(size).run(unmeasured, options, genes)
    assert [line.startswith(named) for line in first] == ([True] if named else [])
    assert others == [[]] * (size - 1)
