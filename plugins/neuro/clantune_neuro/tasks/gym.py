"""Episodes of an environment of Gymnasium."""

from __future__ import annotations

import difflib
from functools import lru_cache
from random import Random
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from clantune_neuro.draws import integers
from clantune_neuro.errors import TaskError
from clantune_neuro.extras import extra
from clantune_neuro.networks.answer import answer_of
from clantune_neuro.tasks.base import Network, Task, TaskContext
from clantune_neuro.tasks.score import Score

_SEEDS = 2**31


@attrs.frozen
class Gym(Task):
    """The mean return of some episodes.

    The seed of each episode derives from the task's seed, the generation and the number of the
    episode. All members of a generation play the same episodes.

    Attributes:
        environment: Name of the environment, such as `CartPole-v1`. One that begins with `ALE/`
            needs the extra `atari`. Its actions must be a finite number of choices.
        episodes: Number of episodes.
        sample: Whether an action is drawn from the softmax of the logits. Otherwise the action of
            the largest logit is taken.
        seed: Seed of the episodes.
        validation: Whether the episodes are those of validation, the same in every generation.
    """

    environment: str = "CartPole-v1"
    episodes: int = attrs.field(default=3)
    sample: bool = False
    seed: int = 0
    validation: bool = False

    @episodes.validator
    def _at_least_one(self, _attribute: attrs.Attribute[int], value: int) -> None:
        if value < 1:
            raise TaskError(f"Gym: episodes is {value}; it must be at least 1")

    @property
    def noisy(self) -> bool:
        """Whether the episodes change from generation to generation."""
        return not self.validation

    @property
    def sizes(self) -> tuple[tuple[int, ...], int]:
        """The shape of an observation, channels first, and the number of actions."""
        environment = _environment(self.environment)
        observation = _points(environment.observation_space.sample())
        return tuple(observation.shape[1:]), int(environment.action_space.n)

    def held_out(self, episodes: int = 50) -> Gym:
        """Return the task of validation, whose episodes no selection sees.

        Args:
            episodes: Number of episodes.
        """
        return attrs.evolve(self, episodes=episodes, validation=True)

    def score(self, network: Network, context: TaskContext) -> Score:
        """Return the mean return of one network, and the number of game frames.

        Raises:
            NeuroError: Gymnasium, or the package of the environment, is not installed.
            TaskError: The environment is unknown, or its actions are not a finite number of
                choices.
        """
        environment = _environment(self.environment)
        stage = "validation" if self.validation else context.generation
        seeds = integers((self.seed, "gym", stage), self.episodes, _SEEDS).tolist()
        played = [self._play(environment, network, seed) for seed in seeds]
        returns = [reward for reward, _ in played]
        return Score(sum(returns) / len(returns), frames=sum(frames for _, frames in played))

    def _play(self, environment: Any, network: Network, seed: int) -> tuple[float, int]:
        """Return the return of one episode and its number of game frames."""
        rng = Random(f"clantune/neuro/gym/{seed}")
        observation, _ = environment.reset(seed=seed)
        reward, steps, over = 0.0, 0, False
        while not over:
            logits = answer_of(network(_points(observation))).logits[0]
            action = _drawn(logits, rng) if self.sample else int(logits.argmax())
            observation, gained, ended, cut_short, info = environment.step(action)
            reward += float(gained)
            steps += 1
            over = ended or cut_short
        # A step of an Atari environment is several game frames, and it counts them itself.
        return reward, int(info.get("episode_frame_number", steps))


def _drawn(logits: Tensor, rng: Random) -> int:
    """Return an action drawn from the softmax of the logits."""
    return rng.choices(range(len(logits)), logits.softmax(0).tolist())[0]


def _points(observation: Any) -> Tensor:
    """Return an observation as one point. A picture becomes channels first, from 0 to 1."""
    values = np.asarray(observation)
    if values.dtype == np.uint8 and values.ndim == 3:
        values = values.transpose(2, 0, 1) / np.float32(255)
    return torch.from_numpy(values.astype(np.float32))[None]


@lru_cache(maxsize=4)
def _environment(name: str) -> Any:
    """Return an environment, the same for all members. A reset with a seed clears all of it.

    Raises:
        NeuroError: Gymnasium, or the package of the environment, is not installed.
        TaskError: The environment is unknown, or its actions are not a finite number of choices.
    """
    gymnasium = extra("gymnasium", package="gymnasium", name="gym")
    if name.startswith("ALE/"):
        gymnasium.register_envs(extra("ale_py", package="ale-py", name="atari"))
    try:
        environment = gymnasium.make(name)
    except gymnasium.error.UnregisteredEnv as error:
        near = difflib.get_close_matches(name, gymnasium.registry, n=2)
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise TaskError(f"Gymnasium has no environment {name!r}{hint}") from error
    if not isinstance(environment.action_space, gymnasium.spaces.Discrete):
        raise TaskError(
            f"the actions of {name!r} are {environment.action_space}; only a finite number of "
            "choices can be taken from logits"
        )
    return environment
