import sys

import pytest
import torch
from torch import nn

from clantune_neuro.errors import NeuroError, TaskError
from clantune_neuro.evaluation.loop import loop
from clantune_neuro.tasks import Gym, TaskContext
from clantune_neuro.tasks import gym as module

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")


def always(action):
    return lambda x: torch.nn.functional.one_hot(torch.tensor([action]), 2).float()


def leans(x):
    """Push the cart to the side to which the pole falls."""
    side = x[:, 2] + 0.5 * x[:, 3]
    return torch.stack([-side, side], dim=1)


def test_a_network_that_balances_the_pole_has_a_high_mean_return():
    task = Gym("CartPole-v1", episodes=3)
    high, low = task(leans), task(always(0))
    assert high.base > 150
    assert 7 < low.base < 12
    assert (high.frames, low.frames) == (3 * high.base, 3 * low.base)
    assert high.trace is None


def test_a_generation_has_its_own_episodes_and_validation_has_the_same():
    task = Gym(episodes=2)
    scores = [task(always(1), TaskContext(generation)).base for generation in range(8)]
    assert len(set(scores)) > 1
    assert scores == [task(always(1), TaskContext(generation)).base for generation in range(8)]
    held_out = task.held_out(20)
    assert {held_out(always(1), TaskContext(generation)).base for generation in range(3)} == {
        held_out(always(1)).base
    }
    assert (task.noisy, held_out.noisy, held_out.episodes) == (True, False, 20)


def test_actions_can_be_drawn_from_the_softmax_of_the_logits():
    even = Gym(episodes=20, sample=True)
    flat = even(lambda x: torch.zeros(1, 2))
    assert 15 < flat.base < 35
    assert flat == even(lambda x: torch.zeros(1, 2))
    assert even(lambda x: 1000 * always(0)(x)).base == Gym(episodes=20)(always(0)).base


def test_members_play_with_their_own_weights():
    policy = nn.Linear(4, 2, bias=False)
    left, right = torch.zeros(2, 4), torch.tensor([[0.0, 0.0, -1.0, -0.5], [0.0, 0.0, 1.0, 0.5]])
    scores = loop(policy, [{"weight": left}, {"weight": right}], Gym(), TaskContext())
    assert scores[1].base > 10 * scores[0].base


def test_a_picture_becomes_channels_first_from_0_to_1():
    points = module._points(torch.full((4, 5, 3), 51, dtype=torch.uint8).numpy())
    assert points.shape == (1, 3, 4, 5)
    assert torch.allclose(points, torch.tensor(0.2))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "CartPol-v1",
            ("Gymnasium has no environment 'CartPol-v1'; the nearest are CartPole-v1, CartPole-v0"),
        ),
        ("zzz", "Gymnasium has no environment 'zzz'"),
        (
            "Pendulum-v1",
            (
                "the actions of 'Pendulum-v1' are Box(-2.0, 2.0, (1,), float32); "
                "only a finite number of choices can be taken from logits"
            ),
        ),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(name, message):
    with pytest.raises(TaskError) as error:
        Gym(name)(always(0))
    assert str(error.value) == message


def test_no_episode_at_all_is_refused():
    with pytest.raises(TaskError) as error:
        Gym(episodes=0)
    assert str(error.value) == "Gym: episodes is 0; it must be at least 1"


def test_a_missing_package_of_roms_is_named_with_its_extra(monkeypatch):
    module._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "ale_py", None)
    with pytest.raises(NeuroError) as error:
        Gym("ALE/Frostbite-v5")(always(0))
    assert str(error.value) == ('ale-py is not installed: pip install "clantune-neuro[atari]"')
