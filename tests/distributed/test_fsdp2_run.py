"""Runs of sharded members: the user's loop, results, checkpoints, and what is refused."""

import warnings

import pytest
import torch
import torch.distributed as dist
from going_on import (
    Script,
    assert_goes_on,
    growing_scaler,
    outcome,
    train_on,
    two_optimizers,
)
from safetensors.torch import load_file
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, FullyShardedDataParallel, fully_shard
from torch.distributed.tensor import Shard, distribute_tensor

from clantune_clan import Checkpoints, Clan, ClanError
from clantune_clan.member.optimizer_state import copied
from clantune_strategies import as_specified, factorial

RECIPES = {
    "factorial": factorial,
    "calibrated": lambda: factorial(calibrate=True),
    "as specified": as_specified,
    "going back": lambda: factorial(go_back_until=1.0),
}
X = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
LENGTH, ALL = 6, {"has_all": True}
DATA = torch.utils.data.TensorDataset(X, Y)


def net():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Dropout(0.1), nn.Linear(7, 1)
    )


def make(recipe, *, num_members=2, has_all=False, **options):
    given = {"total_steps": 36, "round_length": LENGTH, "timeout": 20.0, "autobind": ["adamw"]}
    if has_all:
        given |= {"autobind": {"0": ["adamw"], "1": ["sgd"]}, "scaler": growing_scaler()}
    clan = Clan(population_size=num_members, strategies=RECIPES[recipe](), **given | options)
    mesh, model = clan.member_mesh(), net()
    fully_shard(model[0], mesh=mesh)
    fully_shard(model, mesh=mesh)
    if has_all:
        optimizers, schedulers = two_optimizers(model[:-1].parameters(), model[-1].parameters())
        clan.attach(model, optimizers, scheduler=schedulers)
    else:
        clan.attach(model, torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1))
    return clan, clan.loader(DATA, 4, drop_last=True)


def loss_of(model):
    return (model(X[:64]) - Y[:64]).square().mean()


def best_of(clan):
    return [t.tolist() for t in clan.best(into=net()).state_dict().values()]


SCRIPT = Script(make, train_on, loss_of, lambda clan: [*outcome(clan), best_of(clan)])


def script(method, *arguments):
    return getattr(SCRIPT, method)(*arguments)


@pytest.mark.parametrize(
    ("recipe", "options", "steps"),
    [
        pytest.param("factorial", {}, [12, 21], id="factorial"),
        pytest.param("as specified", {"duty_cycle": 0.5}, [21], id="competing"),
        pytest.param("calibrated", {}, [5], id="calibrated"),
        pytest.param("factorial", ALL, [12, 21], id="all"),
    ],
)
def test_a_run_that_goes_on_is_the_run_that_was_never_stopped(
    ranks, tmp_path, recipe, options, steps
):
    wanted = assert_goes_on(ranks(4), script, recipe, options, steps, LENGTH, tmp_path)
    _, _, records, scale, _ = wanted[0]
    assert len({record["round"] for record in records}) == 6
    assert (scale is not None) == ("has_all" in options)


def moments_after_rounds(losses):
    """Train rounds that are judged by given losses; return what the optimizer keeps after each."""
    clan, loader = make("going back")
    kept = []
    for member, loss in zip(clan.rounds(), losses, strict=False):
        for batch, targets in member.batches(loader):
            (member.model(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
        clan.step(loss)
        entries = copied(clan._state).values()
        kept.append([each.tolist() for entry in entries for each in entry.values()])
    clan.close()
    return kept


def test_the_optimizers_of_sharded_members_go_back(ranks):
    for first, better, restored in ranks(4).run(moments_after_rounds, [3.0, 2.0, 9.0]):
        assert first != better == restored


def number_of(model):
    with torch.no_grad():
        return loss_of(model.eval()).item()


def with_checkpoints(folder):
    clan, loader = make("as specified", checkpoints=Checkpoints(folder, background=True))
    for member in clan.rounds():
        for batch, targets in member.batches(loader):
            (member.model.train()(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
        clan.step(number_of(member.model))
    return best_of(clan), number_of(clan._state.model)  # it outlives the clan


def test_the_file_of_the_best_weights_has_whole_tensors(ranks, tmp_path):
    answers = ranks(4).run(with_checkpoints, str(tmp_path))
    assert answers[0][0] == answers[1][0] == answers[2][0] == answers[3][0]
    found = load_file(tmp_path / "best.safetensors")
    model = net()
    model.load_state_dict(found)
    assert [tensor.tolist() for tensor in model.state_dict().values()] == answers[0][0]


@pytest.mark.parametrize(("members", "size"), [((2, 1), (4, 2)), ((1, 2), (2, 4))])
@pytest.mark.parametrize("options", [{}, ALL], ids=["alone", "all"])
def test_another_number_of_members_goes_on(ranks, tmp_path, members, size, options):
    old, new = ({"num_members": number, **options} for number in members)
    ranks(size[0]).run(script, "stopped", "factorial", old, [12], str(tmp_path))
    answers = ranks(size[1]).run(script, "resumed", "factorial", new, str(tmp_path))
    _, _, records, _, _ = answers[0]
    assert [record["member"] for record in records][-members[1] :] == [*range(members[1])]
    assert len({str([scale, best]) for _, _, _, scale, best in answers}) == 1


def test_members_of_another_number_of_ranks_do_not_go_on(ranks, tmp_path):
    ranks(4).run(script, "stopped", "factorial", {}, [12], str(tmp_path))
    raised = ranks(4).fail(script, "resumed", "factorial", {"num_members": 1}, str(tmp_path))
    assert raised[0].message == (
        "the loaded state has other shards than this model: 0.weight is torch.Size([4, 4]) there "
        "and torch.Size([2, 4]) here; resume with as many ranks per member, and shard the model "
        "as then"
    )


# What is refused


def after_an_evaluation():
    """Evaluate the model, which gathers its root, and then ask for the best weights."""
    clan, loader = make("as specified")
    member = clan.round()
    for batch in member.batches(loader):
        (x, y) = batch
        (member.model(x) - y).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
    clan.step(loss_of)
    with torch.no_grad():
        loss_of(member.model)
    return best_of(clan)


def test_the_best_weights_are_there_after_an_evaluation(ranks):
    answers = ranks(4).run(after_an_evaluation)
    assert answers[0] == answers[1] == answers[2] == answers[3]


def compiled_steps(is_sharded):
    """Return how often a step of the optimizer was compiled, after each round."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of torch's own code
    clan = Clan(population_size=2, strategies=as_specified(), round_length=2, timeout=60.0)
    model = net()
    if is_sharded:
        fully_shard(model, mesh=clan.member_mesh())
    optimizer, counter = torch.optim.AdamW(model.parameters(), lr=0.01), CompileCounter()
    clan.attach(model, optimizer)
    step = torch.compile(optimizer.step, backend=counter)
    found = []
    for _ in range(4):
        member = clan.round()
        while not member.done:
            loss_of(member.model).backward()
            step()
            optimizer.zero_grad()
            member.step()
        clan.step(float(dist.get_rank() // 2))
        found.append(counter.frame_count)
    clan.close()
    return found


@pytest.mark.parametrize("is_sharded", [False, True])
def test_a_turnover_does_not_compile_the_step_again(ranks, is_sharded):
    for found in ranks(4).run(compiled_steps, is_sharded):
        assert found == found[:1] * 4


def with_a_bad_result():
    clan, loader = make("factorial", timeout=20.0)
    member = clan.round()
    for x, y in member.batches(loader):
        (member.model(x) - y).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
    clan.step("x" if dist.get_rank() == 1 else 1.0)


def test_an_error_on_one_rank_of_a_member_is_known_to_all(ranks):
    for raised in ranks(4).fail(with_a_bad_result):
        assert "a round ends with a loss" in raised.message, raised.message


def shard(model, mesh, what):
    """Shard a model, rightly or not."""
    if what == "all ranks":
        return fully_shard(model)
    if what == "two dimensions":
        return fully_shard(model, mesh=init_device_mesh("cpu", (2, 2), mesh_dim_names=("a", "b")))
    if what == "a part":
        fully_shard(model[0], mesh=mesh)
        return model
    if what == "FSDP1":
        return FullyShardedDataParallel(model, device_id=torch.device("cpu"))
    if what == "offloaded":
        return fully_shard(model, mesh=mesh, offload_policy=CPUOffloadPolicy(pin_memory=False))
    if what == "by hand":
        model[0].weight = nn.Parameter(distribute_tensor(model[0].weight, mesh, [Shard(0)]))
        return model
    return fully_shard(model, mesh=mesh)


def that_goes_wrong(what):
    clan = Clan(population_size=2, timeout=20.0, reduction="exact" if what == "exact" else "auto")
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    model = shard(model, clan.member_mesh(), what)
    if what == "a hook":
        model.set_all_reduce_hook(lambda _: None)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    clan.attach(model, optimizer)
    clan.round()
    if what == "two clans":
        other = Clan(population_size=2, timeout=20.0)
        other.attach(model, optimizer)
        other.round()
    if what == "a copy":
        clan.best()
    clan.best(into=nn.Linear(2, 2))


SHARD = "as in fully_shard(model, mesh=clan.member_mesh())"

REFUSED = {
    "all ranks": (
        "the parameter '0.weight' is sharded over the ranks [0, 1, 2, 3], and this member has "
        f"the ranks [0, 1]: shard over these, {SHARD}"
    ),
    "two dimensions": (
        "the parameter '0.weight' is on a mesh of 2 dimensions, [0, 1, 2, 3]; the clan averages "
        f"over its members itself: shard over one dimension, {SHARD}"
    ),
    "a part": (
        "the parameter '1.weight' is not sharded by fully_shard, and other parameters are: apply "
        f"it to the whole model after its layers, {SHARD}"
    ),
    "FSDP1": (
        "the model is wrapped in FullyShardedDataParallel (FSDP1), whose flat parameters a clan "
        f"cannot inherit: use fully_shard of torch.distributed.fsdp instead, {SHARD}"
    ),
    "by hand": (
        "the parameter '0.weight' is a DTensor, and fully_shard has not made it: a clan trains "
        f"models that are sharded by it alone, {SHARD}"
    ),
    "exact": (
        "reduction is 'exact', and the model is sharded by fully_shard, which averages gradients "
        "itself: leave reduction out"
    ),
    "offloaded": (
        "the model is sharded with offload_policy=CPUOffloadPolicy(), and a clan needs parameters "
        "and gradients on one device: leave offload_policy out"
    ),
    "two clans": (
        "the gradients of this model are averaged by another clan already, which would divide "
        "them twice; close that one first: clan.close()"
    ),
    "a hook": (
        "the sharded model has an all-reduce hook already, and torch allows one: leave "
        "set_all_reduce_hook out"
    ),
    "a copy": (
        "the model is sharded by fully_shard, and torch cannot copy it: build a module like it "
        "that is not sharded, and fill it by clan.best(into=module)"
    ),
    "another model": (
        "clan.best(into=...) fills a module that is built like the model, and this one differs "
        "in '0.weight': it is missing instead of the shape (2, 2)"
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_model_that_cannot_be_trained_is_refused(ranks, what):
    assert ranks(4).fail(that_goes_wrong, what)[0].message == REFUSED[what]


def refreshed():
    clan, loader = make("as specified")
    member = clan.round()
    for batch, targets in member.batches(loader):
        (member.model(batch) - targets).square().mean().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
    clan.step(loss_of)
    clan.refresh()


def test_a_sharded_model_is_not_refreshed(ranks):
    assert ranks(4).fail(refreshed)[0].message == (
        "a model that fully_shard has sharded cannot be refreshed: make all param groups, and "
        "freeze and unfreeze parameters, before the first round"
    )


def test_one_process_has_nothing_to_shard():
    with Clan() as clan, pytest.raises(ClanError) as raised:
        clan.member_mesh()
    assert str(raised.value) == (
        "there is one process, so there is nothing to shard: start several ranks per member, such "
        "as 4 processes for Clan(population_size=2), or leave fully_shard out"
    )
