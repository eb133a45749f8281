"""The learning rate of a run: the factors that multiply the gene in each step of the optimizer.

A hook applies the factor before the step, and another one undoes it after the step. Between two
steps the param groups have the rate of the gene or the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from clantune_clan.member.optimizers import Optimizers, split_path
from clantune_core import Genome
from clantune_core.contracts import Expressed

RATE = "lr"


def genes_of_rates(genome: Genome) -> dict[str, list[str]]:
    """Return the genes that set learning rates, with the paths of their param groups."""
    found: dict[str, list[str]] = {}
    for name, allele in genome.alleles.items():
        for path in Expressed.of(name, allele).path:
            group, setting = split_path(path) or ("", "")
            if setting == RATE:
                found.setdefault(name, []).append(group)
    return found


class LearningRate:
    """Multiplies the learning rates of optimizers inside their steps."""

    def __init__(self, optimizers: Optimizers, factors: Callable[[], Mapping[str, float]]) -> None:
        """Register hooks on the steps of optimizers.

        Args:
            optimizers: Optimizers whose learning rates are multiplied.
            factors: Function that returns the factor of each param group in a step, by path; a
                missing factor is 1.
        """
        self._optimizers = optimizers
        self._factors = factors
        self._tensors: list[tuple[Tensor, Tensor]] = []
        self._numbers: list[tuple[dict[str, Any], float]] = []
        self._used: dict[str, Any] = {}
        self._hooks: list[RemovableHandle] = []
        # A compiled optimizer.step would be compiled again for each step number that it reads.
        before = torch.compiler.disable(self._before)
        after = torch.compiler.disable(self._after)
        for name, optimizer in optimizers.items():
            self._hooks.append(optimizer.register_step_pre_hook(partial(before, name)))
            self._hooks.append(optimizer.register_step_post_hook(partial(after, name)))

    @property
    def used(self) -> dict[str, float]:
        """Learning rate of each param group in its last step, by path, after its first step."""
        return {path: float(rate) for path, rate in self._used.items()}

    @property
    def last(self) -> tuple[float, ...]:
        """Learning rate of each param group in its last step, or its rate if it has made none.

        Empty before the first step of any optimizer.
        """
        groups = self._optimizers.groups if self._used else {}
        return tuple(float(self._used.get(path, group[RATE])) for path, group in groups.items())

    def remember(self, used: Mapping[str, float]) -> None:
        """Set the rates of the last steps, which were made before the run was saved."""
        self._used = dict(used)

    def next(self) -> tuple[float, ...]:
        """Return the current learning rate of each param group, including its factor."""
        factors = self._factors()
        return tuple(
            float(group[RATE]) * factors.get(path, 1.0)
            for path, group in self._optimizers.groups.items()
        )

    def by_gene(self, genome: Genome) -> dict[str, float]:
        """Return the current learning rate of the first param group of each gene."""
        rates = dict(zip(self._optimizers.groups, self.next(), strict=True))
        return {gene: rates[groups[0]] for gene, groups in genes_of_rates(genome).items()}

    def close(self) -> None:
        """Remove the hooks, and undo a factor that is still applied."""
        self._restore()
        self._factors = dict
        for hook in self._hooks:
            hook.remove()

    def _before(self, name: str, *_: object) -> None:
        self._restore()  # after a step that raised, no post hook has run
        factors = self._factors()
        for path, group in self._optimizers.groups_of(name).items():
            factor, rate = factors.get(path, 1.0), group[RATE]
            if factor == 1.0 or any(rate is tensor for tensor, _ in self._tensors):
                continue  # groups may share a tensor
            if isinstance(rate, Tensor):
                self._tensors.append((rate, rate.clone()))
                with torch.no_grad():
                    rate.mul_(factor)
            else:
                self._numbers.append((group, rate))
                group[RATE] = rate * factor

    def _after(self, name: str, *_: object) -> None:
        # A tensor is copied, not read: reading would wait for an accelerator in each step.
        for path, group in self._optimizers.groups_of(name).items():
            rate = group[RATE]
            self._used[path] = rate.clone() if isinstance(rate, Tensor) else rate
        self._restore()

    def _restore(self) -> None:
        for tensor, rate in self._tensors:
            with torch.no_grad():
                tensor.copy_(rate)
        for group, number in self._numbers:
            group[RATE] = number
        self._tensors, self._numbers = [], []
