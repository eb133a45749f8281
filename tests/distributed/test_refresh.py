"""Parameters and param groups that change between two rounds, announced by `clan.refresh()`."""

import math

import pytest
import torch
import torch.distributed as dist
from by_hand import mean_over
from torch import nn

from clantune_clan import Clan
from clantune_core.contracts import Expressed
from clantune_strategies import as_specified, factorial

X = torch.randn(256, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
LENGTH, STEPS = 4, 24
RECIPES = {
    "factorial": factorial,
    "calibrated": lambda: factorial(calibrate=True),
    "as specified": as_specified,
}


class Net(nn.Module):
    """A frozen backbone and a head, to which a script adds more."""

    def __init__(self):
        super().__init__()
        self.backbone, self.head = nn.Linear(4, 8), nn.Linear(8, 1)
        self.backbone.requires_grad_(False)
        self.more = nn.ModuleList()

    def forward(self, x):
        x = torch.tanh(self.backbone(x))
        for module in self.more:
            x = x + module(x)
        return self.head(x)


def make(recipe="factorial", *, reduction="exact", is_grown=False, is_scheduled=False, **options):
    torch.manual_seed(0)
    model = Net()
    if is_grown:
        unfreeze(model)
        model.more.append(nn.Linear(8, 8))
    optimizer = torch.optim.AdamW(model.head.parameters(), lr=0.01, weight_decay=0.1)
    if is_grown:
        add_groups(model, optimizer, 0.01)
    given = {"autobind": ["adamw"], "round_length": LENGTH, "total_steps": STEPS, "timeout": 20.0}
    if is_scheduled:
        given["scheduler"] = torch.optim.lr_scheduler.StepLR(optimizer, 100)
    given |= {"strategies": RECIPES[recipe](), "reduction": reduction}
    return Clan(model=model, optimizer=optimizer, **given | options)


def unfreeze(model):
    model.backbone.requires_grad_(True)


def add_groups(model, optimizer, lr):
    optimizer.add_param_group({"params": model.backbone.parameters(), "lr": 0.1 * lr})
    optimizer.add_param_group({"params": model.more.parameters(), "lr": lr, "weight_decay": 0.0})


def batch(rank, step):
    generator = torch.Generator().manual_seed(1000 * step + rank)
    places = torch.randint(0, len(X), (8,), generator=generator)
    return X[places], Y[places]


def judge(model):
    return (model(X) - Y).square().mean()


def error_of_step(member, step):
    """Make a step of the loop; return how far its gradients are from those by hand."""
    rank, size = dist.get_rank(), dist.get_world_size()
    module = getattr(member.model, "module", member.model)
    x, y = batch(rank, step)
    learning = [p for p in module.parameters() if p.requires_grad]
    own = torch.autograd.grad((module(x) - y).square().mean(), learning)
    wanted = own if member.mode == "competitive" else mean_over(own, size)
    member.optimizer.zero_grad()
    (member.model(x) - y).square().mean().backward()
    error = max(float((p.grad - w).abs().max()) for p, w in zip(learning, wanted, strict=True))
    member.optimizer.step()
    member.step()
    return error, len(learning)


def run_round(clan):
    member = clan.round()
    found = []
    while not member.done:
        found.append(error_of_step(member, member.steps_done))
    return member, found


def grow(clan, member):
    """Unfreeze the backbone, and add a module and two param groups."""
    module = clan._state.given
    unfreeze(module)
    torch.manual_seed(dist.get_rank())
    module.more.append(nn.Linear(8, 8))  # of other weights on each rank
    add_groups(module, member.optimizer, member.optimizer.param_groups[0]["lr"])
    clan.refresh()
    return module.more[0].weight.tolist()


def grown_in_the_middle(recipe, options, rounds):
    clan = make(recipe, **options)
    member, found = run_round(clan)
    clan.step(judge)
    more = grow(clan, member)
    for _ in range(rounds):
        member, errors = run_round(clan)
        found += errors
        lrs = [group["lr"] for group in member.optimizer.param_groups]
        decays = [group["weight_decay"] for group in member.optimizer.param_groups]
        clan.step(judge)
    best = clan.best()
    state = clan._state
    paths = Expressed.of("lr", clan.genome.alleles["lr"]).path
    return {
        "errors": [error for error, _ in found],
        "learning": [count for _, count in found],
        "first": more,
        "lrs": lrs,
        "decays": decays,
        "paths": dict(paths),
        "averaged": [*state.average.tensors],
        "best": sorted(name for name, _ in best.named_parameters()),
        "genes": [record.genes["lr"] for record in clan.history],
        "weights": [p.tolist() for p in getattr(state.model, "module", state.model).parameters()],
    }


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        pytest.param("factorial", {"reduction": "exact"}, id="exact"),
        pytest.param("factorial", {"reduction": "ddp"}, id="ddp"),
        pytest.param("as specified", {"duty_cycle": 0.5}, id="competing"),
    ],
)
def test_a_refresh_covers_new_groups_and_parameters(ranks, recipe, options):
    one, two = ranks(2).run(grown_in_the_middle, recipe, options, 3)
    names = ["backbone.bias", "backbone.weight", "head.bias", "head.weight"]
    names += ["more.0.bias", "more.0.weight"]
    for found in (one, two):
        assert max(found["errors"]) < 1e-6
        assert found["learning"] == [2] * LENGTH + [6] * 3 * LENGTH
        assert found["first"] == one["first"]  # all ranks have the weights of rank 0
        assert sorted(found["averaged"]) == found["best"] == names
        assert [*found["paths"]] == [f"optimizer/param_groups/{i}/lr" for i in range(3)]
        assert found["paths"] == one["paths"]
        head, backbone, more = found["lrs"]
        assert math.isclose(backbone, 0.1 * head)
        assert math.isclose(more, head)
        decays = found["decays"]
        assert math.isclose(decays[1] / decays[0], one["decays"][1] / one["decays"][0])
        assert decays[2] == 0.0
    assert one["lrs"] != two["lrs"]  # the ratios are equal, the genes are not
    assert len({*one["genes"]}) > 2


def frozen_in_the_middle():
    clan = make()
    _, found = run_round(clan)
    clan.step(judge)
    head = clan._state.given.head
    head.bias.requires_grad_(False)
    before = head.bias.tolist()
    clan.refresh()
    found += run_round(clan)[1]
    clan._state.average.swap_out()
    after = head.bias.tolist()
    clan.close()
    return max(error for error, _ in found), [count for _, count in found], before == after


def test_a_frozen_parameter_stays_as_it_is_after_a_refresh(ranks):
    for error, learning, is_same in ranks(2).run(frozen_in_the_middle):
        assert error < 1e-6
        assert learning == [2] * LENGTH + [1] * LENGTH
        assert is_same


def saved_after_a_refresh(folder):
    clan = make()
    for number in range(STEPS // LENGTH):
        member, _ = run_round(clan)
        clan.step(judge)
        if number == 1:  # by then the genes have moved, so the ratios are not those of the start
            grow(clan, member)
        if number == 2:
            clan.save(folder)
    return rest_of(clan)


def rest_of(clan):
    state = clan._state
    tensors = [*state.model.state_dict().values()]
    tensors += [t for entry in state.optimizer.state.values() for t in entry.values()]
    return [tensor.tolist() for tensor in tensors], clan.genome.serialize()


def resumed_with_the_groups(folder):
    clan = make(is_grown=True)
    clan.resume(folder)
    while not clan.finished:
        run_round(clan)
        clan.step(judge)
    return rest_of(clan)


def resumed_without_the_groups(folder):
    clan = make()
    clan._setup.draft.model.more.append(nn.Linear(8, 8))
    clan.resume(folder)
    clan.round()


def test_a_checkpoint_after_a_refresh_goes_on_with_the_same_groups(ranks, tmp_path):
    wanted = ranks(4).run(saved_after_a_refresh, str(tmp_path))
    assert ranks(4).run(resumed_with_the_groups, str(tmp_path)) == wanted
    for raised in ranks(2).fail(resumed_without_the_groups, str(tmp_path)):
        assert raised.message.endswith(
            "the loaded state of the optimizer has param groups of 2, 2, 2 parameters, and this "
            "one of 2: make the same groups, with those that clan.refresh() announced, before the "
            "clan"
        )


def before_the_first_round(clan):
    clan.refresh()


def in_a_round(clan):
    clan.round()
    clan.refresh()


def after_one_rank_has_unfrozen(clan):
    run_round(clan)
    clan.step(judge)
    if dist.get_rank() == 1:
        unfreeze(clan._state.given)
    clan.refresh()


def after_a_group_is_gone(clan):
    run_round(clan)
    clan.step(judge)
    clan._state.optimizer.param_groups.pop()
    clan.refresh()


def with_a_scheduler(clan):
    run_round(clan)
    clan.step(judge)
    grow(clan, clan._training.member)


def without_a_refresh(clan):
    run_round(clan)
    clan.step(judge)
    unfreeze(clan._state.given)
    clan.round()


def in_a_search(clan):
    run_round(clan)
    clan.step(judge)
    clan.refresh()


def refused(function):
    recipe = "calibrated" if function == "in_a_search" else "factorial"
    is_scheduled = function == "with_a_scheduler"
    globals()[function](make(recipe, is_scheduled=is_scheduled, total_steps=60))


NOT_BETWEEN = (
    "clan.refresh() comes between two rounds, after clan.step(loss) and before the next "
    "clan.round(); before the first round change the model first, and then make the clan"
)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (before_the_first_round, NOT_BETWEEN),
        (in_a_round, NOT_BETWEEN),
        (
            in_a_search,
            (
                "calibrate=True goes back to the first weights several times, and they do not fit "
                "a changed model: call clan.refresh() after the search for the learning rate, when "
                "clan.run_state.calibration is None"
            ),
        ),
        (
            after_one_rank_has_unfrozen,
            (
                "the ranks differ in the model: backbone.weight is torch.float32 of shape (8, 4), "
                "frozen on rank 0 and torch.float32 of shape (8, 4) on rank 1; build the same on "
                "every rank"
            ),
        ),
        (
            after_a_group_is_gone,
            (
                "optimizer/param_groups/0 was removed, and genes find param groups by their "
                "number: keep the group, and freeze its parameters (requires_grad_(False)) instead"
            ),
        ),
        (
            with_a_scheduler,
            (
                "optimizer/param_groups/1 was added, and a scheduler of torch sets only the param "
                "groups that it was made with: make all groups before the scheduler, or leave out "
                "scheduler="
            ),
        ),
        (
            without_a_refresh,
            (
                "the parameter 'backbone.weight' was unfrozen after the member was set up, so its "
                "gradient is not averaged rightly any more; freeze, unfreeze and replace "
                "parameters before, or announce it between two rounds by clan.refresh(), and load "
                "weights in place (load_state_dict without assign=True)"
            ),
        ),
    ],
)
def test_a_refresh_that_is_not_possible_is_an_error_on_all_ranks(ranks, function, message):
    for raised in ranks(2).fail(refused, function.__name__):
        assert raised.message.removeprefix("rank 0: ") == message
