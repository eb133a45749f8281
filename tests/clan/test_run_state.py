"""The state of a run as a value: what it takes to go on is in it, and nothing else is taken."""

import attrs
import pytest
import torch
from small_clans import clan, loss, train

from clantune_clan import ClanError, RunState
from clantune_clan.member.state import State
from clantune_clan.run.calibration import Calibration


def after_two_rounds():
    it = clan(strategies="factorial", seed=3)
    for _ in range(2):
        train(it.round())
        it.step(loss)
    return it


def loaded(state):
    made = RunState(state["seed"])
    made.load_state_dict(state)
    return made


def test_a_run_counts_its_rounds_and_steps():
    it = after_two_rounds()
    state = it.run_state
    assert (state.seed, state.round, state.step) == (3, 2, 8)
    assert not state.is_in_round
    it.round()
    assert it.run_state.is_in_round


def test_a_state_comes_back_from_what_it_saved():
    state = after_two_rounds().run_state
    back = loaded(state.state_dict())
    assert attrs.asdict(back, filter=attrs.filters.exclude("best"), recurse=False) == attrs.asdict(
        state, filter=attrs.filters.exclude("best"), recurse=False
    )
    assert (back.best.fitness, back.best.round) == (state.best.fitness, state.best.round)
    assert back.best.genome == state.best.genome
    assert back.best.tensors.keys() == state.best.tensors.keys()
    assert all(map(torch.equal, back.best.tensors.values(), state.best.tensors.values()))


def test_a_state_is_tensors_and_plain_data():
    def leaves(value):
        if isinstance(value, dict):
            for each in value.values():
                yield from leaves(each)
        elif isinstance(value, list | tuple):
            for each in value:
                yield from leaves(each)
        else:
            yield value

    kinds = {type(leaf) for leaf in leaves(after_two_rounds().run_state.state_dict())}
    assert kinds <= {int, float, str, bool, type(None), torch.Tensor}


def test_a_search_for_the_rate_comes_back_too():
    it = clan()
    draft = it._state
    search = Calibration.of(State(draft.genome, draft.model, draft.optimizer), 3, {})
    state = RunState(0, calibration=search.judged([0.3, 0.1, 0.2]))
    back = loaded(state.state_dict()).calibration
    assert (back.round, back.shift) == (1, 0.0)
    assert back.genome_of(2, 3) == state.calibration.genome_of(2, 3)
    assert not back.is_over


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"seed": 4},
            ("this run has seed 3, and the loaded one 4: make the clan with seed=4"),
        ),
        (
            {"rounds": 7},
            (
                "this is not the state of a run: rounds is unknown or missing; load what "
                "state_dict() returned"
            ),
        ),
    ],
)
def test_what_is_not_this_runs_state_is_refused_and_nothing_is_taken(change, message):
    state = RunState(3)
    with pytest.raises(ClanError) as raised:
        state.load_state_dict({**after_two_rounds().run_state.state_dict(), **change})
    assert str(raised.value) == message
    assert state.round == 0
