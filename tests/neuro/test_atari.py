"""Games of Atari, where the package of their ROMs is installed."""

import pytest
import torch

from clantune_neuro import Nursery
from clantune_neuro.evaluation.loop import loop, prepared
from clantune_neuro.lineage.blueprint import Blueprint
from clantune_neuro.networks import ConvPolicy
from clantune_neuro.tasks import Gym, TaskContext
from clantune_neuro.tasks import gym as module

pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")
pytest.importorskip("ale_py", reason="the extra 'atari' is not installed")

GAME = Gym("ALE/Frostbite-v5", episodes=1, sample=True)


def policy():
    size = {"channels": (4, 4), "kernels": (8, 4), "strides": (8, 4), "hidden": 16}
    return prepared(ConvPolicy((3, 210, 160), classes=18, **size))


def members(network, seeds):
    blueprint = Blueprint.of(network)
    nursery = Nursery(blueprint)
    return [nursery.weights(blueprint.allele(seed)) for seed in seeds]


def test_a_network_plays_frostbite_and_equal_seeds_give_equal_scores():
    network = policy()
    one, other = members(network, (1, 2))
    first, second = loop(network, [one, other], GAME, TaskContext(1))
    assert first.base >= 0
    assert first != second
    module._environment.cache_clear()
    assert loop(network, [other, one], GAME, TaskContext(1)) == [second, first]


def test_frames_are_those_of_the_game_and_not_steps():
    steps = 0

    def network(x):
        nonlocal steps
        steps += 1
        assert x.shape == (1, 3, 210, 160)
        assert 0 <= x.min() < x.max() <= 1
        return torch.zeros(1, 18)

    frames = GAME(network).frames
    assert 4 * (steps - 1) < frames <= 4 * steps
