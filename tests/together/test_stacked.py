"""The simulation of a clan in one process takes the steps that torch takes."""

import math
import sys
from pathlib import Path

import pytest
import torch

from clantune_clan.run.best import Best

FOLDER = str(Path(__file__).parents[1] / "benchmarks")


@pytest.fixture
def modules(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import _plain
    import _stacked
    import _tasks

    yield _plain.Start, _stacked, _tasks
    for module in [name for name in sys.modules if name in ("_plain", "_stacked", "_tasks")]:
        del sys.modules[module]


def share_gradients(task, models, drawn):
    """Give all models the mean of their gradients."""
    for model, batch in zip(models, drawn, strict=True):
        model.zero_grad()
        task.loss(model(task.train[0][batch]), task.train[1][batch]).backward()
    for pair in zip(*(model.parameters() for model in models), strict=True):
        mean = sum(each.grad for each in pair) / len(pair)
        for each in pair:
            each.grad = mean


def test_a_step_of_each_member_is_a_step_of_adamw_with_the_mean_gradient(modules):
    start, stacked, tasks = modules
    task = tasks.digits()
    rates, decays = [0.01, 0.02], [0.1, 0.5]
    run = stacked.Stacked(task, start(1.0, beta2=0.9), 2, seed=3)
    models = [task.make_model() for _ in rates]
    for member, model in enumerate(models):
        for name, parameter in model.named_parameters():
            parameter.data = run.weights[name][member].clone()
    optimizers = [
        torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay, betas=(0.9, 0.9))
        for model, lr, decay in zip(models, rates, decays, strict=True)
    ]
    batches = torch.Generator().manual_seed(3)
    run.begin_round()
    for _ in range(4):
        drawn = torch.randint(len(task.train[0]), (2, task.batch_size), generator=batches)
        share_gradients(task, models, drawn)
        for optimizer in optimizers:
            optimizer.step()
        run.train(rates, decays, decay=0.0)
    for member, model in enumerate(models):
        for name, parameter in model.named_parameters():
            assert torch.allclose(run.weights[name][member], parameter, atol=1e-6)
            assert torch.equal(run.average[name][member], run.weights[name][member])


def test_members_that_gather_have_the_mean_of_those_that_contribute(modules):
    start, stacked, tasks = modules
    task = tasks.digits()
    run = stacked.Stacked(task, start(1.0), 4, seed=0)
    run.begin_round()
    run.train([0.01, 0.02, 0.03, 0.04], [0.0] * 4, decay=0.5)
    before = {name: each.clone() for name, each in run.weights.items()}
    _, centre = run.gather([(0, 0.5), (2, 0.5)])
    for name, each in run.weights.items():
        wanted = (before[name][0] + before[name][2]) / 2
        assert torch.allclose(centre[name][0], wanted)
        assert all(torch.equal(member, centre[name][0]) for member in each)


def test_a_clan_that_goes_back_takes_the_same_step_again(modules):
    start, stacked, tasks = modules
    run = stacked.Stacked(tasks.digits(), start(1.0), 2, seed=0)
    run.begin_round()
    run.train([0.01] * 2, [0.0] * 2, decay=0.5)
    _, centre = run.gather([(0, 1.0)])
    moments, batches = run.moments(), run._batches.get_state()

    def step():
        run._batches.set_state(batches)
        run.train([0.01] * 2, [0.0] * 2, decay=0.5)
        return {name: each.clone() for name, each in run.weights.items()}

    first = step()
    for _ in range(2):
        run.go_on_from(centre)
        run.go_on_with(moments)
        second = step()
        assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("centre", "restores"), [(1.4, False), (1.6, True), (math.inf, True)])
def test_only_after_an_explosion_its_optimizer_goes_back_too(modules, centre, restores):
    start, stacked, tasks = modules
    run = stacked.Stacked(tasks.digits(), start(1.0), 2, seed=0)
    run.begin_round()
    moments = run.moments()
    run.train([0.01] * 2, [0.0] * 2, decay=0.5)
    best = Best(1.0, 3, rates={"lr": 0.01}, tensors=run.gather([(0, 1.0)])[0], first=2.0)
    run.train([0.01] * 2, [0.0] * 2, decay=0.5)
    assert stacked.went_back(run, best, centre, moments).rates == {"lr": 0.005}
    assert all(torch.equal(best.tensors[n], run.weights[n][:1]) for n in run.weights)
    assert run.moments()[2] == (0 if restores else 2)
    assert all(bool(each.any()) != restores for each in run.moments()[1].values())


def test_plain_training_takes_the_batches_of_all_ranks(modules):
    start, stacked, tasks = modules
    task = tasks.digits()
    run = stacked.Stacked(task, start(1.0), 1, seed=3, ranks=8)
    model = task.make_model()
    for name, parameter in model.named_parameters():
        parameter.data = run.weights[name][0].clone()
    batches = torch.Generator().manual_seed(3)
    drawn = torch.randint(len(task.train[0]), (1, 8 * task.batch_size), generator=batches)
    share_gradients(task, [model], drawn)
    torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1).step()
    run.begin_round()
    run.train([0.01], [0.1], decay=0.0)
    for name, parameter in model.named_parameters():
        assert torch.allclose(run.weights[name][0], parameter, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["regression", "digits", "letters", "recurrent", "windows", "shapes"]
)
def test_every_task_can_be_trained_and_judged(modules, name):
    _, _, tasks = modules
    task = tasks.TASKS[name]()
    model = task.make_model()
    x, y = (each[: task.batch_size] for each in task.train)
    task.loss(model(x), y).backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())
    few = tuple(each[:64] for each in task.judged)
    assert 0.0 < task.loss_on(model, few) < 10.0
    assert model.training
    assert min(len(task.judged[0]), len(task.test[0])) >= 256


@pytest.mark.parametrize("name", ["regression", "digits", "letters", "windows"])
def test_members_of_a_task_can_be_stacked(modules, name):
    start, stacked, tasks = modules
    task = tasks.TASKS[name]()
    run = stacked.Stacked(task, start(1.0), 4, seed=0)
    run.begin_round()
    before = run.losses(run.weights, tuple(each[:64] for each in task.judged))
    run.train([task.lr] * 4, [0.0] * 4, decay=0.0)
    after = run.losses(run.weights, tuple(each[:64] for each in task.judged))
    assert len({*after}) == 1
    assert after != before
