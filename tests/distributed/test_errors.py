"""What goes wrong on one rank is an error on all, at once or within the timeout, that names it."""

import sys
import time

import pytest
import torch
import torch.distributed as dist
from torch import nn

from clantune_clan import Communication, GenomeExpression, Individual, PathError, build_state
from clantune_clan.communication import connection
from clantune_core import DataError, Genome, LogFloatAllele, StrategyError

LR = "optimizer/param_groups/0/lr"
TIMEOUT = 3.0


def member(model=None, *, optimizer=None, genome=None, length=4, duty_cycle=0.5, **options):
    model = nn.Linear(2, 1) if model is None else model
    optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1)
    genome = genome or GenomeExpression.set_allele(
        Genome(), "lr", LogFloatAllele(0.1), path="optimizer/param_groups/0/lr"
    )
    channel = Communication(timeout=TIMEOUT)
    return Individual(
        build_state(genome, model, optimizer, channel, **options), channel, length, duty_cycle
    )


def train(individual, steps):
    for _ in range(steps):
        individual.model(torch.ones(1, 2)).sum().backward()
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()


def on_one_rank():
    return dist.get_rank() == 1


def another_shape():
    member(nn.Linear(2, 2 if on_one_rank() else 1))


def another_gene():
    domain = (0.01, 2.0 if on_one_rank() else 1.0)
    member(genome=GenomeExpression.set_allele(Genome(), "lr", LogFloatAllele(0.1, domain), path=LR))


def another_order():
    names = ["left", "right"][:: -1 if on_one_rank() else 1]  # as from a set
    member(nn.ModuleDict({name: nn.Linear(2, 1) for name in names}))


def another_optimizer():
    model = nn.Linear(2, 1)
    kind = torch.optim.RMSprop if on_one_rank() else torch.optim.SGD
    member(model, optimizer=kind(model.parameters(), lr=0.1))


def another_option():
    model = nn.Linear(2, 1)
    decay = 0.1 if on_one_rank() else 0.2
    member(model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=decay))


def another_param_group():
    model = nn.Linear(2, 1)
    groups = [{"params": [p]} for p in model.parameters()][:: -1 if on_one_rank() else 1]
    member(model, optimizer=torch.optim.SGD(groups, lr=0.1))


def another_flag():
    allele = LogFloatAllele(0.1, can_mutate=not on_one_rank())
    member(genome=GenomeExpression.set_allele(Genome(), "lr", allele, path=LR))


def another_reduction():
    member(reduction="ddp" if on_one_rank() else "exact")


def of_another_model():
    model = nn.Linear(2, 1)
    member(model, optimizer=torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1))


def complex_parameters():
    member(nn.Linear(2, 1, dtype=torch.complex64))


def frozen_whole():
    member(nn.Linear(2, 1).requires_grad_(requires_grad=False))


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (
            another_shape,
            "ClanError",
            (
                "the ranks differ in the model: weight is torch.float32 of shape (1, 2) "
                "on rank 0 and "
                "torch.float32 of shape (2, 2) on rank 1; build the same on every rank"
            ),
        ),
        (
            another_order,
            "ClanError",
            (
                "the ranks differ in the model: number 1 is left.weight on rank 0 and "
                "right.weight on rank 1; build the same on every rank"
            ),
        ),
        (
            another_optimizer,
            "ClanError",
            (
                "the ranks differ in the optimizer: class is torch.optim.sgd.SGD on rank 0 and "
                "torch.optim.rmsprop.RMSprop on rank 1; build the same on every rank"
            ),
        ),
        (
            another_option,
            "ClanError",
            (
                "the ranks differ in the optimizer: param_groups/0/weight_decay is 0.2 on rank 0 "
                "and 0.1 on rank 1; build the same on every rank"
            ),
        ),
        (
            another_param_group,
            "ClanError",
            (
                "the ranks differ in the optimizer: param_groups/0/params is weight on rank 0 and "
                "bias on rank 1; build the same on every rank"
            ),
        ),
        (
            another_flag,
            "ClanError",
            (
                "the ranks differ in the genome: can_mutate of lr is True on rank 0 and False on "
                "rank 1; build the same on every rank"
            ),
        ),
        (
            another_gene,
            "ClanError",
            (
                "the ranks differ in the genome: the domain of lr is 0.01 .. 1 on rank 0 and "
                "0.01 .. 2 on rank 1; build the same on every rank"
            ),
        ),
        (
            another_reduction,
            "ClanError",
            (
                "the ranks differ in the reduction: reduction is exact on rank 0 and "
                "ddp on rank 1;"
                " build the same on every rank"
            ),
        ),
        (
            of_another_model,
            "GradientError",
            (
                "2 of the 2 parameters in group 0 of the optimizer are not the model's; make the "
                "optimizer from model.parameters(), after the model has got its last form"
            ),
        ),
        (
            complex_parameters,
            "GradientError",
            (
                "the parameter 'weight' is of torch.complex64, whose gradients cannot be averaged; "
                "give parameters real floating-point types"
            ),
        ),
        (frozen_whole, "ClanError", "the model has no parameter that learns"),
    ],
)
def test_what_cannot_be_trained_is_refused(ranks, function, kind, message):
    for raised in ranks(3).fail(function):
        assert (raised.kind, raised.message) == (kind, message)


def waiting_for_ever():
    individual = member()
    train(individual, 2)
    while not individual.done:
        individual.model(torch.ones(1, 2)).sum().backward()
        if not on_one_rank():
            individual.optimizer.step()
        individual.step()


def test_gradients_that_wait_on_one_rank_for_ever_are_an_error_on_all(ranks):
    for raised in ranks(3).fail(waiting_for_ever):
        assert (raised.kind, raised.message) == (
            "ClanError",
            (
                "the competitive phase was due to end at step 4, and at step 68 gradients still "
                "wait for optimizer.step() on rank 1: call it more often, or make rounds longer"
            ),
        )


def with_another_optimizer():
    individual = member()
    optimizer = individual.optimizer
    if on_one_rank():
        optimizer = torch.optim.SGD(individual.model.parameters(), lr=0.1)
    for _ in range(4):
        individual.model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        individual.step()


def test_another_optimizer_on_one_rank_is_an_error_on_all(ranks):
    first, second, third = ranks(3).fail(with_another_optimizer)
    assert second.message.startswith("the SGD that has made this step has parameters of the clan")
    assert first.message == third.message == f"rank 1: {second.message}"


def without_a_step():
    individual = member()
    for _ in range(4):
        individual.model(torch.ones(1, 2)).sum().backward()
        if not on_one_rank():
            individual.optimizer.step()
        individual.model.zero_grad()
        individual.step()


def test_an_optimizer_that_makes_no_step_on_one_rank_is_an_error_on_all(ranks):
    message = (
        "the optimizer of this member has made no step in the 4 steps of the round, so its genes "
        "had no effect: call member.optimizer.step(); if a framework has made another optimizer, "
        "give that one to the clan; if gradients accumulate over more batches than a round has, "
        "make rounds longer"
    )
    first, second, third = ranks(3).fail(without_a_step)
    assert (second.kind, second.message) == ("ClanError", message)
    assert first.message == third.message == f"rank 1: {message}"


def unfrozen():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model[0].weight.requires_grad_(requires_grad=False)
    individual = member(model)
    if on_one_rank():
        model[0].weight.requires_grad_(requires_grad=True)
    train(individual, 2)


def frozen():
    individual = member()
    train(individual, 1)
    if on_one_rank():
        individual.model.bias.requires_grad_(requires_grad=False)
    individual.model.zero_grad()
    train(individual, 1)


def replaced():
    individual = member()
    train(individual, 1)
    if on_one_rank():
        individual.model.weight = nn.Parameter(torch.ones(1, 2))
    individual.step()


def loaded_by_assignment():
    individual = member()
    if on_one_rank():
        individual.model.load_state_dict(individual.model.state_dict(), assign=True)
    individual.step()
    individual.step()


def with_another_param_group():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
    individual = member(model, optimizer=optimizer)
    if on_one_rank():
        optimizer.add_param_group({"params": model[0].parameters()})
    train(individual, 2)


def with_a_changed_param_group():
    individual = member()
    if on_one_rank():
        individual.optimizer.param_groups[0]["params"].pop()
    train(individual, 2)


def _group(place, how):
    return (
        f"param group {place} of the optimizer was {how} after the member was set up, so no gene "
        "governs it; make all param groups before the first round, or announce them between two "
        "rounds by clan.refresh()"
    )


def _changed(name, how):
    return (
        f"the parameter {name!r} was {how} after the member was set up, so its gradient is not "
        "averaged rightly any more; freeze, unfreeze and replace parameters before, or announce "
        "it between two rounds by clan.refresh(), and load weights in place (load_state_dict "
        "without assign=True)"
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unfrozen, _changed("0.weight", "unfrozen")),
        (frozen, _changed("bias", "frozen")),
        (replaced, _changed("weight", "replaced")),
        (loaded_by_assignment, _changed("weight", "replaced")),
        (with_another_param_group, _group(1, "added")),
        (with_a_changed_param_group, _group(0, "changed")),
    ],
)
def test_what_is_wrong_at_a_switch_is_an_error_on_every_rank(ranks, function, message):
    first, second, third = ranks(3).fail(function)
    assert {raised.kind for raised in (first, second, third)} == {"GradientError"}
    assert second.message == message
    assert first.message == third.message == f"rank 1: {message}"


def one_step_behind():
    individual = member()
    if not on_one_rank():
        individual.step()
    train(individual, 1)


def test_a_rank_that_is_one_step_behind_is_found_at_once(ranks):
    for raised in ranks(3).fail(one_step_behind):
        assert (raised.kind, raised.message) == (
            "GradientError",
            (
                "the ranks are not in the same step: rank 0 is at step 1; rank 1 is at "
                "step 0; rank 2 "
                "is at step 1; every rank calls member.step() once per batch, and "
                "backward as often as "
                "the others"
            ),
        )


def one_pass_too_few():
    individual = member()
    if on_one_rank():
        individual.step()
        individual.step()  # waits for the others at the switch, who wait for its gradients
    train(individual, 1)


def test_a_rank_that_leaves_out_a_pass_is_an_error_within_the_timeout(ranks):
    began = time.monotonic()
    first, second, third = ranks(3).fail(one_pass_too_few)
    assert time.monotonic() - began < 5 * TIMEOUT
    for raised in (first, third):
        assert raised.kind == "CommunicationError"
        assert raised.message.startswith("averaging gradients failed: rank 0 is at averaging")
        assert "every rank calls backward as often as the others" in raised.message
    assert second.kind == "CommunicationError"
    assert second.message.startswith(
        "rank 1 has waited in vain at the end of step 2; rank 0 is at averaging gradients in step "
        "0; rank 2 is at averaging gradients in step 0; "
    )


def texts_of_all_lengths(together):
    before, connection.TOGETHER = connection.TOGETHER, together
    try:
        channel = Communication(timeout=TIMEOUT)
        return [
            channel.gather(f"text of {length}", ["é\n"[dist.get_rank()] * length * dist.get_rank()])
            for length in (0, 1, 4080, 4096, 5000, 20_000)
        ]
    finally:
        connection.TOGETHER = before


@pytest.mark.parametrize("together", [connection.TOGETHER, 40, 0])  # as if there were more ranks
def test_texts_of_all_lengths_are_gathered(ranks, together):
    wanted = [[[""], ["\n" * length]] for length in (0, 1, 4080, 4096, 5000, 20_000)]
    assert ranks(2).run(texts_of_all_lengths, together) == [wanted] * 2


def at_different_places():
    channel = Communication(timeout=TIMEOUT)
    if on_one_rank():
        channel.gather("the models", None)
    else:
        channel.broadcast("handing out ones", [torch.ones(3)])


def test_ranks_at_different_places_are_told_so(ranks):
    for rank, raised in enumerate(ranks(2).fail(at_different_places)):
        own, other = ["handing out ones", "the models"][:: 1 - 2 * rank]
        assert raised.kind == "CommunicationError"
        assert raised.message == (
            f"rank {1 - rank} is at {other}, and rank {rank} at {own}: every rank takes the same "
            "steps"
        )


def leaving():
    channel = Communication(timeout=20.0)
    channel.gather("the start", None)
    if channel.rank == 0:
        channel.announce(ValueError("no data"))
        sys.exit()
    time.sleep(1.0)
    channel.gather("the end", None)


def test_the_host_of_the_store_stays_for_those_who_read_from_it(forks):
    host, other = forks.run(leaving, ranks=2)
    assert (host.status, other.status) == (0, 1)
    assert "ClanError: rank 0: ValueError: no data" in other.printed


def absent():
    individual = member()
    train(individual, 2)
    if on_one_rank():
        time.sleep(TIMEOUT + 4)
        raise ArithmeticError
    train(individual, 2)


def test_a_rank_that_does_not_come_is_named_on_all_others(ranks):
    first, second, third = ranks(3).fail(absent)
    assert second.kind == "ArithmeticError"
    for rank, raised in ((0, first), (2, third)):
        assert raised.kind == "CommunicationError"
        assert raised.message == (
            f"rank {rank} has waited in vain at the end of step 4; rank 1 is missing, last seen at "
            "expressing the genome, competitive, at step 2; see the log of what is missing, or "
            "give "
            "slow members more than 3 s: timeout=..."
        )


def failing_alone():
    individual = member()
    if on_one_rank():
        individual.optimizer.param_groups[0]["lr"] = 0.05
        individual.step()
    train(individual, 2)


def test_who_waits_for_a_rank_that_has_failed_reads_why(ranks):
    first, second = ranks(2).fail(failing_alone)
    assert second.kind == "OverwrittenError"
    assert (first.kind, first.message) == ("OverwrittenError", f"rank 1: {second.message}")


def fails_on_one_rank(kind, *arguments):
    error = kind(*arguments)
    error.add_note("at gene 'std'")
    channel = Communication(timeout=TIMEOUT)

    def function():
        if on_one_rank():
            raise error
        return channel.rank

    channel.together("selecting", function)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ((KeyError, "std"), "ClanError", "rank 1: KeyError: 'std'"),
        ((AssertionError,), "ClanError", "rank 1: AssertionError"),
        ((PathError, "there is no lr"), "PathError", "rank 1: there is no lr"),
        ((StrategyError, "it drew nothing"), "StrategyError", "rank 1: it drew nothing"),
        ((DataError, "a list is due"), "ClanError", "rank 1: DataError: $: a list is due"),
    ],
)
def test_an_error_of_one_rank_reaches_the_others_with_class_and_notes(ranks, error, kind, message):
    raised = ranks(3).fail(fails_on_one_rank, *error)
    assert (raised[1].kind, raised[1].notes) == (error[0].__name__, ["at gene 'std'"])
    for other in (raised[0], raised[2]):
        assert (other.kind, other.message) == (kind, message)
        assert other.notes == ["at gene 'std'", "raised on rank 1, whose log has the traceback"]


def fails_on_each_rank():
    rank = dist.get_rank()
    Communication(timeout=TIMEOUT).attempt("dividing", lambda: 1 / 0 if rank else int("x"))


def test_a_rank_that_fails_raises_its_own_error_also_if_others_fail(ranks):
    assert [raised.kind for raised in ranks(2).fail(fails_on_each_rank)] == [
        "ValueError",
        "ZeroDivisionError",
    ]


def gives_no_plain_data():
    Communication(timeout=TIMEOUT).together("the rates", lambda: {1j} if on_one_rank() else [1])


def test_a_value_that_is_no_plain_data_is_an_error_on_all_ranks(ranks):
    first, second = ranks(2).fail(gives_no_plain_data)
    assert second.message == "Object of type set is not JSON serializable"
    assert first.message == f"rank 1: TypeError: {second.message}"


def attempts():
    channel = Communication(timeout=TIMEOUT)
    made = channel.attempt("making", lambda: {dist.get_rank()})  # a set, which JSON does not have
    return made, channel.together("telling", lambda: (channel.rank, None))


def test_an_attempt_returns_what_this_rank_has_made(ranks):
    assert ranks(2).run(attempts) == [({0}, [[0, None], [1, None]]), ({1}, [[0, None], [1, None]])]


def loading(what):
    individual = member()
    state = individual.state_dict()
    if on_one_rank():
        state = {} if what == "nothing" else state | {"place": state["place"] | {"step": 999}}
    individual.load_state_dict(state)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "nothing",
            (
                "this is not the state of a member: it lacks average, genome, model, optimizer, "
                "optimizer_steps, place, round; load what member.state_dict() returned"
            ),
        ),
        (
            "too late",
            (
                "there is no step 999 in a round of {'round_length': 4, 'duty_cycle': 0.5, "
                "'first_step': 0}"
            ),
        ),
    ],
)
def test_a_state_that_one_rank_cannot_load_is_an_error_on_all(ranks, what, message):
    first, second = ranks(2).fail(loading, what)
    assert (second.kind, second.message) == ("ClanError", message)
    assert (first.kind, first.message) == ("ClanError", f"rank 1: {message}")


def by_a_scheduler():
    individual = member()
    scheduler = torch.optim.lr_scheduler.ExponentialLR(individual.optimizer, 0.5)
    individual.model(torch.ones(1, 2)).sum().backward()
    individual.optimizer.step()
    individual.optimizer.zero_grad()
    scheduler.step()
    individual.step()


def by_an_assignment():
    individual = member(length=20)
    train(individual, 6)  # so late that it is found at the end of the phase
    if on_one_rank():
        individual.optimizer.param_groups[0]["lr"] = 0.05
    train(individual, 14)


def by_a_loaded_state():
    individual = member()
    saved = individual.optimizer.state_dict()
    saved["param_groups"][0]["lr"] = 0.05
    train(individual, 2)
    individual.optimizer.load_state_dict(saved)
    individual.step()


def of_a_tensor():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=torch.tensor(0.1))
    individual = member(model, optimizer=optimizer)
    optimizer.param_groups[0]["lr"].mul_(0.5)
    individual.step()


def before_selection():
    individual = member(length=2, duty_cycle=0.0)
    train(individual, 2)
    individual.optimizer.param_groups[0]["lr"] = 0.05
    individual.get_world_fitness(1.0)


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (by_a_scheduler, "0.05"),
        (by_an_assignment, "0.05"),
        (by_a_loaded_state, "0.05"),
        (of_a_tensor, "tensor(0.0500)"),
        (before_selection, "0.05"),
    ],
)
def test_a_gene_that_somebody_overwrites_is_an_error_that_names_both_values(ranks, function, found):
    message = (
        f"gene 'lr' set 'optimizer/param_groups/0/lr' to 0.1, and now it is {found}: something "
        "else writes there, such as a scheduler, a loop that assigns group['lr'], or a loaded "
        "optimizer state. Hand a scheduler in, Clan(..., scheduler=scheduler), and the gene "
        "multiplies what it sets (a rule of your own makes a LambdaLR); or leave it out, and give "
        "total_steps= for a warm-up and a cooldown"
    )
    first, second = ranks(2).fail(function)
    assert first.kind == second.kind == "OverwrittenError"
    assert second.message == message
    assert first.message in (message, f"rank 1: {message}")


def after_the_round():
    individual = member(length=1, duty_cycle=0.0)
    train(individual, 2)


def test_a_spent_individual_says_what_to_call(ranks):
    for raised in ranks(2).fail(after_the_round):
        assert (raised.kind, raised.message) == (
            "ClanError",
            (
                "this round is over, all 1 of its steps are done, so step comes too late: give the "
                "fitness with clan.step(loss), and take the next member from clan.round()"
            ),
        )
