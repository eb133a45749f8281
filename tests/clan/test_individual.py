"""The individual, in a clan of one: no process group, and everything works."""

import copy
import math

import pytest
import torch
from torch import nn

from clantune_clan import (
    ClanError,
    Communication,
    GenomeExpression,
    Individual,
    Member,
    Schedule,
    build_state,
)
from clantune_clan.member.phases import Phases
from clantune_clan.schedule import Round
from clantune_core import Genome, IntAllele, LogFloatAllele

LR = "optimizer/param_groups/0/lr"


def member(round_length=4, duty_cycle=0.5, *, ema=True, **options):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    genome = GenomeExpression.set_allele(Genome(), "lr", LogFloatAllele(0.05), path=LR)
    channel = Communication()
    state = build_state(genome, model, optimizer, channel, ema=ema)
    return Individual(state, channel, round_length, duty_cycle, **options)


def train(individual, steps):
    for step in range(steps):
        x = torch.arange(8.0).reshape(4, 2) + step
        with individual.sync_context():
            individual.model(x).square().mean().backward()
        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()


def test_a_round_cooperates_first_and_competes_at_its_end():
    individual = member(5, 0.4)
    modes = []
    while not individual.done:
        modes.append(individual.mode)
        train(individual, 1)
    assert modes == ["cooperative"] * 3 + ["competitive"] * 2
    assert individual.mode == "competitive"
    assert repr(individual) == "<Individual of member 0: step 5 of 5, done>"


def test_member_is_another_name():
    assert Member is Individual


def test_values_are_expressed_read_and_found_by_name_and_path():
    individual = member()
    assert individual.optimizer.param_groups[0]["lr"] == 0.05
    assert individual.get_value(LR) == individual.get_gene("lr") == 0.05
    individual._state.genome = individual.genome.with_hyperparameters(lr=0.02)
    individual.express()
    assert individual.optimizer.param_groups[0]["lr"] == 0.02
    assert individual.get_value(LR) == individual.get_gene("lr") == 0.02


def test_what_is_not_expressed_is_an_error_that_names_what_is():
    individual = member()
    with pytest.raises(ClanError) as raised:
        individual.get_gene("wd")
    assert str(raised.value) == "there is no gene 'wd'; there are lr"
    with pytest.raises(ClanError) as raised:
        individual.get_value("optimizer/wd")
    assert str(raised.value) == (
        "no gene is expressed at 'optimizer/wd'; there is optimizer/param_groups/0/lr"
    )


def test_the_context_manager_gives_the_state_and_steps():
    individual = member(2, 0.0)
    with individual as state:
        assert (state.model, state.optimizer) == (individual.model, individual.optimizer)
        state.model(torch.ones(2, 2)).sum().backward()
        state.optimizer.step()
        state.optimizer.zero_grad()
    assert individual.steps_done == 1
    with pytest.raises(ArithmeticError), individual:
        raise ArithmeticError
    assert individual.steps_done == 1  # a step that failed is none


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("step", lambda spent: spent.step()),
        ("express", lambda spent: spent.express()),
        ("sync_context", lambda spent: spent.sync_context().__enter__()),
        ("with", lambda spent: spent.__enter__()),
    ],
)
def test_a_spent_individual_says_what_to_call(what, call):
    individual = member(2)
    train(individual, 2)
    with pytest.raises(ClanError) as raised:
        call(individual)
    assert str(raised.value) == (
        f"this round is over, all 2 of its steps are done, so {what} comes too late: give the "
        "fitness with clan.step(loss), and take the next member from clan.round()"
    )


@pytest.mark.parametrize("fitness", [0.25, math.inf, math.nan])
def test_the_fitness_reaches_the_world(fitness):
    individual = member(1, 0.0)
    train(individual, 1)
    world = individual.get_world_fitness(fitness)
    assert world == {0: individual.genome}
    assert str(world[0].fitness) == str(fitness)


def test_the_average_is_the_exponential_one_of_weights_and_float_buffers():
    individual = member(10, 0.0)
    tensors = {
        name: tensor
        for name, tensor in individual.model.state_dict().items()
        if tensor.is_floating_point()
    }
    wanted = {name: tensor.clone() for name, tensor in tensors.items()}
    for _ in range(6):
        train(individual, 1)
        for name, tensor in tensors.items():
            wanted[name].lerp_(tensor, 1 / 4)  # 0.4 of 10 steps
    raw = {name: tensor.clone() for name, tensor in tensors.items()}
    with individual.averaged() as model:
        assert model is individual.model
        for name, tensor in tensors.items():
            assert torch.allclose(tensor, wanted[name], rtol=1e-6)
            assert "running" in name or not torch.equal(tensor, raw[name])
        with pytest.raises(ClanError, match=r"leave member\.averaged"):
            individual.step()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, raw[name])


def test_the_average_is_put_back_if_the_evaluation_fails():
    individual = member()
    train(individual, 1)
    raw = [p.clone() for p in individual.model.parameters()]
    with pytest.raises(ArithmeticError), individual.averaged():
        raise ArithmeticError
    assert all(map(torch.equal, raw, individual.model.parameters()))


def test_long_rounds_look_at_the_weights_less_often():
    individual = member(3200, 0.0)
    assert individual._state.average.every == 100


def test_half_precision_weights_are_averaged_in_full():
    model = nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    channel = Communication()
    individual = Individual(build_state(Genome(), model, optimizer, channel), channel, 30, 0.0)
    for _ in range(20):
        with torch.no_grad():
            model.weight.add_(0.0078125)
        individual.step()
    mean = individual._state.average.state_dict()["weight"]
    assert mean.dtype is torch.float32
    assert mean.item() != mean.bfloat16().item()
    with individual.averaged():
        assert model.weight.item() == mean.bfloat16().item()


def test_no_average_is_an_error_that_says_how_to_have_one():
    individual = member(ema=False)
    with pytest.raises(ClanError) as raised, individual.averaged():
        pass
    assert str(raised.value) == ("no average of the weights is kept: build_state(..., ema=True)")


def test_a_round_goes_on_from_its_saved_state():
    first = member(8)
    train(first, 3)
    saved = torch.load(save(first.state_dict()), weights_only=True)
    train(first, 5)
    second = member(8)
    second.optimizer.param_groups[0]["lr"] = 0.3  # what is loaded and expressed wins
    second._values.clear()
    second.load_state_dict(saved)
    assert (second.mode, second.steps_done) == ("cooperative", 3)
    for step in range(3, 8):
        x = torch.arange(8.0).reshape(4, 2) + step - 3
        second.model(x).square().mean().backward()
        second.optimizer.step()
        second.optimizer.zero_grad()
        second.step()
    assert second.done
    for mine, other in zip(
        [*first.model.state_dict().values(), *first._state.average.state_dict().values()],
        [*second.model.state_dict().values(), *second._state.average.state_dict().values()],
        strict=True,
    ):
        assert torch.equal(mine, other)
    assert second.genome == first.genome


def save(state):
    import io

    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    return buffer


def test_a_saved_state_of_another_round_is_refused():
    saved = member(8).state_dict()
    with pytest.raises(ClanError) as raised:
        member(9).load_state_dict(saved)
    assert str(raised.value) == (
        "this is a round of {'round_length': 9, 'duty_cycle': 0.5, 'first_step': 0}, and what is "
        "loaded one of {'round_length': 8, 'duty_cycle': 0.5, 'first_step': 0}"
    )


@pytest.mark.parametrize(
    ("size", "length", "sizes"),
    [
        (1, 3, [1, 1, 1]),
        (2, 4, [2, 2, 2, 2]),
        (2, 5, [2, 2, 2, 2, 1]),
        (4, 6, [4, 4, 4, 4, 2, 2]),
        (9, 3, [3, 3, 3]),
    ],
)
def test_windows_tile_a_phase(size, length, sizes):
    phases = Phases(Round(number=0, start=0, length=length, duty_cycle=0.0))
    for wanted in sizes:
        assert phases.window(size) == wanted
        phases.step += 1
    assert phases.window(size) == 1  # a phase that ends late


def accumulate(individual, size):
    """Accumulate over so many batches until the round is over; return the phase of each batch."""
    modes = []
    while not individual.done:
        modes.append(individual.mode)
        individual.model(torch.ones(4, 2)).sum().backward()
        if len(modes) % size == 0:
            individual.optimizer.step()
            individual.optimizer.zero_grad()
        individual.step()
    return modes


@pytest.mark.parametrize(
    ("size", "duty_cycle", "options", "cooperative", "competitive"),
    [
        (1, 0.4, {}, 6, 4),
        (4, 0.4, {}, 8, 4),  # both phases end at the next step of the optimizer
        (7, 0.4, {}, 7, 7),
        (4, 0.0, {}, 12, 0),
        (4, 1.0, {}, 0, 12),
        (1, 0.4, {"late": 3}, 3, 4),  # a round whose first steps were taken by the one before
        (1, 0.4, {"late": 8}, 1, 1),  # so many that its cooperation is over before it begins
        (2, 0.4, {"accumulate": 4}, 4, 6),  # no phase is shorter than a window
        (4, 0.4, {"accumulate": 2}, 8, 4),
        (4, 0.4, {"total_steps": 10}, 8, 2),  # what is left over then is not mixed with anything
        (10, 0.4, {"total_steps": 10}, 10, 0),
        (12, 0.4, {}, 12, 12),  # windows that are longer than a round
        (64, 0.4, {}, 64, 64),
        # The rest of a run, without a step of the optimizer.
        (12, 0.4, {"total_steps": 30, "first_step": 22, "late": 2}, 8, 0),
    ],
)
def test_a_phase_ends_where_no_gradients_wait_for_the_optimizer(
    size, duty_cycle, options, cooperative, competitive
):
    modes = accumulate(member(10, duty_cycle, **options), size)
    assert modes == ["cooperative"] * cooperative + ["competitive"] * competitive


def test_gradients_that_were_used_or_zeroed_do_not_wait():
    individual = member(2, 0.5)
    individual.model(torch.ones(4, 2)).sum().backward()
    assert individual._transitions.gradients.are_pending
    individual.optimizer.step()
    assert not individual._transitions.gradients.are_pending  # used, and not yet zeroed
    individual.model(torch.ones(4, 2)).sum().backward()
    assert individual._transitions.gradients.are_pending
    individual.optimizer.zero_grad(set_to_none=False)
    assert not individual._transitions.gradients.are_pending  # a batch that the script skips


def test_gradients_that_wait_for_ever_are_an_error():
    individual = member(3, 0.4)
    train(individual, 1)
    with pytest.raises(ClanError) as raised:
        accumulate(individual, 1000)
    assert str(raised.value) == (
        "the cooperative phase was due to end at step 2, and at step 66 gradients still wait for "
        "optimizer.step() on rank 0: call it more often, or make rounds longer"
    )


@pytest.mark.parametrize(
    ("zeroes", "steps"),
    [
        ("after", 3),
        ("before", 67),  # its gradients could be those of a long window, which ends some time
    ],
)
def test_a_round_without_a_step_of_the_optimizer_is_an_error(zeroes, steps):
    individual = member(3, 0.0)

    def step():
        if zeroes == "before":
            individual.model.zero_grad()
        individual.model(torch.ones(4, 2)).sum().backward()
        with torch.no_grad():
            for parameter in individual.model.parameters():
                parameter.sub_(0.1 * parameter.grad)
        if zeroes == "after":
            individual.model.zero_grad()
        individual.step()

    for _ in range(steps - 1):
        step()
    with pytest.raises(ClanError) as raised:
        step()
    assert str(raised.value) == (
        f"the optimizer of this member has made no step in the {steps} steps of the round, so its "
        "genes had no effect: call member.optimizer.step(); if a framework has made another "
        "optimizer, give that one to the clan; if gradients accumulate over more batches than a "
        "round has, make rounds longer"
    )


def test_a_model_that_trains_can_be_saved_whole_and_copied():
    model = member().model
    for other in (copy.deepcopy(model), torch.load(save(model), weights_only=False)):
        there, here = other.state_dict(), model.state_dict()
        assert there.keys() == here.keys()
        assert all(torch.equal(there[name], here[name]) for name in here)


@pytest.mark.parametrize(
    ("length", "duty_cycle", "accumulate", "rounds"),
    [
        (10, 0.15, 4, [(0, 12, 8), (12, 12, 8), (24, 12, 8)]),
        (10, 0.5, 3, [(0, 12, 6), (12, 12, 6), (24, 12, 6)]),
        (3, 0.5, 4, [(0, 8, 4), (8, 8, 4), (16, 8, 4)]),  # a window in each phase
        (3, 0.0, 4, [(0, 4, 4), (4, 4, 4), (8, 4, 4)]),
    ],
)
def test_a_schedule_has_whole_windows_of_accumulation(length, duty_cycle, accumulate, rounds):
    schedule = Schedule(length, duty_cycle, accumulate=accumulate)
    found = [schedule.round_at(start) for start, _, _ in rounds]
    assert [(each.start, each.length, each.cooperative_steps) for each in found] == rounds


def test_no_phase_of_the_last_round_is_shorter_than_a_window():
    last = Schedule(6, 0.3, total_steps=41, accumulate=3).round_at(40)
    assert (last.start, last.length, last.cooperative_steps) == (30, 11, 6)


def test_the_last_round_of_a_run_takes_the_rest():
    schedule = Schedule(10, 0.15, total_steps=42, accumulate=4, calibration=(3, 3))
    lengths, step = [], 0
    while step < 42:
        lengths.append(schedule.round_at(step).length)
        step += lengths[-1]
    assert lengths == [4, 4, 12, 22]


def test_a_gene_for_accumulation_ends_its_windows_with_the_phase():
    individual = member(9, 0.4)
    individual._state.genome = GenomeExpression.set_allele(
        individual.genome, "num_grad_accum", IntAllele(2), role="gradient_accumulation"
    )
    individual.express()
    sizes = []
    while not individual.done:
        sizes.append(individual.get_gene("num_grad_accum"))
        individual.optimizer.step()
        individual.step()
    assert sizes == [2, 2, 2, 2, 1, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("length", "duty", "cooperative"),
    [
        (1000, 0.15, 850),
        (10, 0.0, 10),
        (10, 1.0, 0),
        (3, 0.01, 2),
        (3, 0.99, 1),
        (1, 0.4, 1),
        (1, 0.6, 0),
        (1, 1.0, 0),
    ],
)
def test_a_schedule_has_some_of_each_phase_if_it_can(length, duty, cooperative):
    schedule = Schedule(length, duty)
    assert schedule.cooperative_steps == cooperative
    modes = [schedule.mode_at(2 * length + step) for step in range(length)]
    assert modes == ["cooperative"] * cooperative + ["competitive"] * (length - cooperative)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0.5), "round_length is a number of steps, 1 or more; got 0"),
        ((2.5, 0.5), "round_length is a number of steps, 1 or more; got 2.5"),
        (
            (3, 1.5),
            "duty_cycle is the share of a round in which members compete, 0 to 1; got 1.5",
        ),
        (
            (3, "half"),
            "duty_cycle is the share of a round in which members compete, 0 to 1; got 'half'",
        ),
    ],
)
def test_a_schedule_that_is_none_is_refused(arguments, message):
    with pytest.raises(ClanError) as raised:
        Schedule(*arguments)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranks_per_member": 0}, "ranks_per_member is a number of ranks, 1 or more; got 0"),
        (
            {"ranks_per_member": 2},
            "1 ranks cannot make members of 2: start a multiple of 2 processes",
        ),
        ({"timeout": 0}, "timeout is a number of seconds above 0; got 0"),
    ],
)
def test_a_channel_that_is_none_is_refused(options, message):
    with pytest.raises(ClanError) as raised:
        Communication(**options)
    assert str(raised.value) == message


def test_an_unknown_reduction_is_refused():
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ClanError) as raised:
        build_state(Genome(), model, optimizer, Communication(), reduction="mean")
    assert str(raised.value) == "reduction is auto, exact or ddp; got 'mean'"


def test_a_whole_number_that_means_a_real_one_is_no_obstacle():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1, weight_decay=1)
    genome = GenomeExpression.set_allele(Genome(), "lr", LogFloatAllele(1.0), path=LR)
    channel = Communication()
    individual = Individual(build_state(genome, model, optimizer, channel), channel, 2, 0.0)
    individual._state.genome = individual.genome.with_hyperparameters(lr=0.5)
    individual.express()
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert type(optimizer.param_groups[0]["weight_decay"]) is int  # no gene is there
