"""A run that some members have saved goes on with fewer or more, or with other numbers of ranks."""

import contextlib
import json
import logging
import math
from pathlib import Path

import attrs
import pytest
import torch
from torch import nn

from clantune_clan import Clan
from clantune_clan.run.console import LOGGER
from clantune_core import AbstractCrossbreedingStrategy, Ancestry
from clantune_strategies import Dominant, Gaussian, as_specified, factorial, pbt
from clantune_strategies.designs.effects import MEAN, SQUARE, WEIGHT
from clantune_strategies.designs.placement import CENTRE

X = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
DATA = torch.utils.data.TensorDataset(X, Y)
LENGTH, STEPS = 6, 60
LOSSES = [9.5, 9.2, 9.4, 9.3]
"""Losses of the members before the change: 1 is the fittest, then 3, 2 and 0."""


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


RECIPES = {
    "factorial": factorial,
    "calibrated": lambda: factorial(calibrate=True),
    "as specified": as_specified,
    "PBT": pbt,
    "own": lambda: [KeepOwn(), Dominant(), Gaussian()],
}


def make(recipe, **options):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    given = {
        "autobind": ["adamw"],
        "total_steps": STEPS,
        "round_length": LENGTH,
        "timeout": 30.0,
    }
    if recipe != "calibrated":
        given["scheduler"] = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    clan = Clan(model=model, optimizer=optimizer, strategies=RECIPES[recipe](), **given | options)
    return clan, clan.loader(DATA, 4, drop_last=True)


def train(clan, loader, member, losses=None, until=STEPS):
    """Train to a number of steps; judge each member by its entry in `losses`, or by its model."""
    while True:
        for batch, targets in loader:
            (member.model(batch) - targets).square().mean().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            for scheduler in clan._setup.schedulers.given:
                scheduler.step()
            member.step()
            step = member.steps_done
            if member.done:
                index = clan.communicator.member_index
                clan.step(judge if losses is None else losses[index])
            if step == until:
                return
            if member.done:
                member = clan.round()


def judge(model):
    return (model(X[:64]) - Y[:64]).square().mean()


def state_of(clan):
    """Return the state that a member goes on with, in bits."""
    state = clan._state
    tensors = [*state.model.state_dict().values(), *state.average.state_dict().values()]
    tensors += [each for entry in state.optimizer.state.values() for each in entry.values()]
    steps = [scheduler.last_epoch for scheduler in clan._setup.schedulers.given]
    return [tensor.tolist() for tensor in tensors], steps


def weights(model):
    return [parameter.tolist() for parameter in model.parameters()]


def save(recipe, options, step, folder, losses=LOSSES):
    clan, loader = make(recipe, **options)
    train(clan, loader, clan.round(), losses, step)
    clan.save(folder)
    return {"state": state_of(clan), "genome": clan.genome, "best": weights(clan.best())}


@contextlib.contextmanager
def logged():
    """Return the lines that are logged inside the block."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        LOGGER.removeHandler(handler)


def go_on(recipe, options, folder, losses=None):
    clan, loader = make(recipe, **options)
    with logged() as lines:
        clan.resume(folder)
    found = {"best": weights(clan.best()), "step": clan.run_state.step, "lines": lines}
    member = clan.round()
    found |= {"state": state_of(clan), "genome": clan.genome}
    train(clan, loader, member, losses)
    clan.export_schedule(f"{folder}.json")
    return {**found, "rounds": [*clan.history.rounds()], "last": weights(clan.best())}


def case(name, recipe, sizes, continues, **options):
    return pytest.param(recipe, sizes, continues, options, id=name)


@pytest.mark.parametrize("step", [24, 27, 29])  # between two rounds, and in both phases of a round
@pytest.mark.parametrize(
    ("recipe", "sizes", "continues", "options"),
    [
        case("fewer", "factorial", (4, 2), [1, 3]),
        case("more", "factorial", (2, 4), [0, 1, 1, 0]),
        case("one", "factorial", (2, 1), [1]),
        case("from one", "factorial", (1, 3), [0, 0, 0]),
        case("a score", "factorial", (4, 2), [0, 2], mode="max"),
        case("fewer copies", "own", (4, 2), [1, 3]),
        case("more copies", "own", (3, 4), [0, 1, 2, 1]),
        # Member 0 has the weights of member 1, so these two have the best weights.
        case("weights of another", "PBT", (4, 2), [0, 1]),
        case(
            "half clans",
            "factorial",
            (2, 4),
            [0, 1, 1, 0],
            genome_config={"3/p": {"type": "model"}},
        ),
    ],
)
def test_members_go_on_from_saved_ones(ranks, tmp_path, recipe, sizes, continues, options, step):
    options = {"duty_cycle": 0.5} | options
    folder = str(tmp_path / "run")
    saved = ranks(sizes[0]).run(save, recipe, options, step, folder)
    went_on = ranks(sizes[1]).run(go_on, recipe, options, folder)
    for old, new in zip(continues, went_on, strict=True):
        assert new["state"] == saved[old]["state"]
        assert new["best"] == saved[old]["best"]
        assert new["step"] == step
    assert all(new["last"] == went_on[0]["last"] for new in went_on)
    require_whole(went_on[0]["rounds"], sizes, step, continues)
    schedule = json.loads(Path(f"{folder}.json").read_text("utf-8"))
    assert len(schedule["rounds"]) == len(went_on[0]["rounds"])


def require_whole(rounds, sizes, step, continues):
    """Assert that the rounds follow one another, and say where the number of members changes."""
    assert [records[0].round for records in rounds] == [*range(len(rounds))]
    before = step // LENGTH
    for number, records in enumerate(rounds):
        assert [record.member for record in records] == [*range(sizes[number >= before])]
        change = continues if number == before else [None] * len(records)
        assert [record.continues for record in records] == change
    ends = [records[0].start + records[0].steps for records in rounds]
    starts = [records[0].start for records in rounds]
    assert starts[0] == 0
    assert starts[before] == step
    assert ends[-1] == STEPS
    starts[before] = before * LENGTH  # the steps of the interrupted round are in no record
    assert starts[1:] == ends[:-1]


# ---- Genomes ----


def lr(genome):
    return genome.alleles["lr"]


@pytest.mark.parametrize("sizes", [(4, 2), (2, 4)])
def test_a_design_keeps_its_centre_and_what_it_has_learned(ranks, tmp_path, sizes):
    folder = str(tmp_path / "run")
    saved = ranks(sizes[0]).run(save, "factorial", {}, 27, folder)
    went_on = ranks(sizes[1]).run(go_on, "factorial", {}, folder)
    genomes = [each["genome"] for each in went_on]
    assert len({genome.uuid for genome in genomes}) == len(genomes)
    before = lr(saved[0]["genome"]).metadata
    for name in (CENTRE, MEAN, SQUARE, WEIGHT):
        assert {lr(genome).metadata[name] for genome in genomes} == {before[name]}
    offsets = [lr(genome).latent - before[CENTRE] for genome in genomes]
    assert sum(offsets) == pytest.approx(0.0, abs=1e-9)
    assert [abs(offset) for offset in offsets] == pytest.approx([0.1] * len(genomes))


def test_clones_explore_and_the_saved_members_keep_their_genes(ranks, tmp_path):
    folder = str(tmp_path / "run")
    saved = ranks(2).run(save, "PBT", {}, 24, folder)
    went_on = ranks(4).run(go_on, "PBT", {}, folder)
    before = [each["genome"] for each in saved]
    after = [each["genome"] for each in went_on]
    assert [each.parents.dominant for each in after] == [0, 1, 0, 1]
    assert [each.parents.uuids[:2] for each in after] == [tuple(each.uuid for each in before)] * 4
    assert len({each.uuid for each in after}) == 4
    genes = [each.as_hyperparameters() for each in after]
    assert genes[:2] == [each.as_hyperparameters() for each in before]
    assert all(clone != genes[index] for index, clone in enumerate(genes[2:]))


# ---- Members of several ranks ----


@pytest.mark.parametrize(
    ("sizes", "members", "places"),
    [
        pytest.param((4, 2), (2, 2), [0, 2], id="fewer ranks"),
        pytest.param((2, 4), (2, 2), [0, 0, 1, 1], id="more ranks"),
        pytest.param((4, 4), (2, 4), [0, 2, 2, 0], id="smaller members"),
        pytest.param((4, 4), (4, 2), [1, 1, 3, 3], id="larger members"),
        pytest.param((4, 2), (2, 1), [2, 3], id="one of two ranks"),
    ],
)
def test_members_may_have_other_numbers_of_ranks(ranks, tmp_path, sizes, members, places):
    """`places` has the saved rank that each rank goes on from."""
    folder, (old, new) = str(tmp_path / "run"), members
    saved = ranks(sizes[0]).run(save, "own", {"population_size": old}, 27, folder)
    went_on = ranks(sizes[1]).run(go_on, "own", {"population_size": new}, folder)
    for place, each in zip(places, went_on, strict=True):
        assert each["state"] == saved[place]["state"]
        assert each["best"] == saved[0]["best"]
        if new == old:
            assert each["genome"] == saved[place]["genome"]
    if new == old:
        said = f"the run goes on with 2 members on {sizes[1]} ranks, which were {sizes[0]}"
        assert went_on[0]["lines"][0] == said
    continues = [place * old // sizes[0] for place in places[:: sizes[1] // new]]
    require_whole(went_on[0]["rounds"], members, 27, continues)


# ---- The schedule, and several changes ----


@pytest.mark.parametrize("losses", [[8.0, 7.0], [11.0, 10.0]])
def test_the_schedule_follows_the_weights_into_the_smaller_clan(ranks, tmp_path, losses):
    folder = str(tmp_path / "run")
    ranks(4).run(save, "own", {}, 24, folder)
    rounds = ranks(2).run(go_on, "own", {}, folder, losses)[0]["rounds"]
    # All members keep their weights. The best are those of member 1 after the change, which was
    # member 3, or of member 1 in the first round. Later genes do not count.
    wanted = [rounds[0][1].genes] * len(rounds)
    if losses[1] < min(LOSSES):
        wanted = [records[3].genes for records in rounds[:4]]
        wanted += [rounds[4][1].genes] * (len(rounds) - 4)
    schedule = json.loads(Path(f"{folder}.json").read_text("utf-8"))
    assert [each["genes"] for each in schedule["rounds"]] == wanted


def save_again(recipe, step, before, folder):
    clan, loader = make(recipe)
    clan.resume(before)
    train(clan, loader, clan.round(), until=step)
    clan.save(folder)
    return state_of(clan)


def test_two_changes_within_one_round_are_one_change_in_the_history(ranks, tmp_path):
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    ranks(4).run(save, "own", {}, 25, first)
    saved = ranks(2).run(save_again, "own", 27, first, second)  # members 1 and 3 of four
    went_on = ranks(3).run(go_on, "own", {}, second)
    assert [each["state"] for each in went_on] == [saved[0], saved[1], saved[0]]
    assert [record.continues for record in went_on[0]["rounds"][4]] == [1, 3, 1]
    again = ranks(2).run(go_on, "own", {}, second)  # as many as have saved it
    assert [each["state"] for each in again] == saved
    assert [record.continues for record in again[0]["rounds"][4]] == [1, 3]


def test_failed_members_come_last(ranks, tmp_path):
    folder = str(tmp_path / "run")
    ranks(4).run(save, "factorial", {}, 27, folder, [9.5, math.inf, math.nan, 9.3])
    rounds = ranks(3).run(go_on, "factorial", {}, folder)[0]["rounds"]
    assert [record.continues for record in rounds[4]] == [0, 1, 3]


def lose_all(folder):
    clan, loader = make("own")
    clan.resume(folder)
    best = weights(clan.best())
    train(clan, loader, clan.round(), [math.nan] * 2, until=30)
    lost = weights(clan._state.model)
    train(clan, loader, clan.round())
    clan.export_schedule(f"{folder}.json")
    return best, lost, [*clan.history.rounds()]


def test_the_best_weights_of_the_larger_clan_replace_those_of_members_that_fail(ranks, tmp_path):
    folder = str(tmp_path / "run")
    saved = ranks(4).run(save, "own", {}, 24, folder, [9.3, 9.2, 9.4, 9.1])
    answers = ranks(2).run(lose_all, folder)
    for best, lost, _ in answers:
        assert saved[0]["best"] == best == lost
    rounds = answers[0][-1]
    assert [record.weights_from for record in rounds[4]] == [None, None]
    assert len(json.loads(Path(f"{folder}.json").read_text("utf-8"))["rounds"]) == len(rounds)


# ---- By itself ----


def go_on_by_itself(folder, until):
    clan, loader = make("own", checkpoints=folder, history=f"{folder}.jsonl")
    with logged() as lines:
        train(clan, loader, clan.round(), LOSSES, until)
    return lines, [*clan.history.rounds()]


def test_a_run_with_checkpoints_goes_on_by_itself_and_says_so(ranks, tmp_path):
    folder = str(tmp_path / "run")
    ranks(4).run(go_on_by_itself, folder, 27)
    answers = ranks(2).run(go_on_by_itself, folder, 42)
    said, source, *_ = answers[0][0]
    assert said == (
        "the run goes on with 2 members from a checkpoint of 4: member 0 continues member 1, "
        "member 1 continues member 3"
    )
    assert source == f"the run goes on from {folder}/step-000000024-round-00004"
    assert answers[1] == ([], [])
    lines, rounds = ranks(1).run(go_on_by_itself, folder, STEPS)[0]
    assert lines[0] == (
        "the run goes on with 1 member from a checkpoint of 2: member 0 continues member 1"
    )
    assert [len(records) for records in rounds] == [4] * 4 + [2] * 3 + [1] * 3
    assert [record.start for records in rounds for record in records[:1]] == [*range(0, STEPS, 6)]


# ---- What is refused ----


def resumed(recipe, options, folder):
    make(recipe, **options)[0].resume(folder)


def refusal(ranks, folder, options=None, recipe="own"):
    raised = ranks(2).fail(resumed, recipe, options or {}, folder)
    assert {each.kind for each in raised} == {"CheckpointError"}
    return raised[0].message


def test_a_search_for_the_learning_rate_does_not_go_on(ranks, tmp_path):
    folder = str(tmp_path)
    ranks(3).run(save, "calibrated", {}, 2, folder)
    assert refusal(ranks, folder, recipe="calibrated") == (
        f"the checkpoint {folder}/step-000000002-round-00000 is of 3 ranks and 3 members that "
        "search for the learning rate, and this clan has 2 ranks and 2 members: start as many as "
        "then until the search is over, or begin another run"
    )


def test_a_run_that_is_over_in_this_clan_does_not_go_on(ranks, tmp_path):
    folder = str(tmp_path)
    ranks(4).run(save, "own", {}, 24, folder)
    assert refusal(ranks, folder, {"total_steps": 24}) == (
        f"the checkpoint {folder}/step-000000024-round-00004 is of step 24, and this run has 24 "
        "steps, so nothing is left to do: resume with as many ranks as it has, or give a larger "
        "total_steps= (epochs= means other steps with other ranks)"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"num_members": 1},
            "is damaged: it has 1 members and 3 ranks, which do not fit its files",
        ),
        (
            {"num_members": 2},
            "is damaged: it has 2 members and 3 ranks, which do not fit its files",
        ),
        (
            {"num_members": 0},
            "is damaged: it has 0 members and 3 ranks, which do not fit its files",
        ),
        ({"world_size": 6}, "names other files than it has"),
    ],
)
def test_a_damaged_manifest_is_refused(ranks, tmp_path, change, message):
    ranks(3).run(save, "own", {}, 6, str(tmp_path))
    file = tmp_path / "step-000000006-round-00001" / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    assert message in refusal(ranks, str(tmp_path))
