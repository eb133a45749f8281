"""The nursery: weights of lineages, replayed from the longest prefix that is still kept."""

from __future__ import annotations

import re
import warnings
from collections import Counter, OrderedDict

import torch

from clantune_neuro.errors import NeuroError, OperatorError, RangeError, StrengthError
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.gene import Gene
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.memory import out_of_memory
from clantune_neuro.noise.sources import Source, source_for
from clantune_neuro.replay.birth import born
from clantune_neuro.replay.given import GivenBirths
from clantune_neuro.replay.state import State

_UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Nursery:
    """Weights of lineages of one blueprint.

    It keeps the integer weights of prefixes under a cap in bytes, and forgets those first that were
    not used for the longest time. What it keeps never changes a bit of a weight.

    Attributes:
        blueprint: The blueprint of all lineages.
        cap: The largest number of bytes that it keeps.
        device: The device of the weights.
        source: Where noise comes from.
        births: The given weights of births.
        num_replayed: Number of genes replayed so far, births included.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        cap: int | str = "256MiB",
        *,
        device: torch.device | str = "cpu",
        source: Source | None = None,
        births: GivenBirths | None = None,
    ) -> None:
        """Make an empty nursery.

        Args:
            blueprint: The blueprint of all lineages.
            cap: The largest number of bytes to keep, such as 2**28 or "256MiB"; 0 keeps nothing.
            device: The device of the weights.
            source: Where noise comes from; the fastest source for the device by default.
            births: The given weights of births, if lineages begin with any.

        Raises:
            NeuroError: The cap is not a number of bytes.
        """
        self.blueprint = blueprint
        self.cap = _bytes(cap)
        self.device = torch.device(device)
        self.source = source or source_for(self.device)
        self.births = births or GivenBirths()
        self.num_replayed = 0
        self._kept: OrderedDict[tuple[int, bytes], State] = OrderedDict()  # by length and digest
        self._lengths: Counter[int] = Counter()
        self._used = 0
        self._warned = False

    @property
    def nbytes(self) -> int:
        """Number of bytes that it keeps now."""
        return self._used

    def weights(self, lineage: str | LineageAllele) -> dict[str, torch.Tensor]:
        """Return the weights of a lineage: float32 tensors by name of the parameter.

        Args:
            lineage: The text of a lineage, or an allele.

        Raises:
            LineageError: The text is not a lineage of this blueprint.
            BlueprintError: The allele has another blueprint.
            BirthError: Its given weights are missing.
            RangeError: A weight leaves its range. The error names the tensor and the gene.
            StrengthError: A gene has a strength that a tensor cannot represent.
            OperatorError: An operator raised an error. The error names it and the gene.
        """
        state = self.state(lineage)
        return {
            spec.name: units.to(torch.float32) * 2.0**-spec.unit
            for spec, units in zip(self.blueprint.tensors, state.tensors, strict=True)
        }

    def state(self, lineage: str | LineageAllele) -> State:
        """Return the integer weights of a lineage. The nursery may keep them: leave them as is.

        Raises:
            NeuroError: As for `weights`.
        """
        if isinstance(lineage, LineageAllele):
            self.blueprint.require_same(lineage.domain)
            return self._replayed(lineage.value)
        checked = Lineage(lineage)
        self.blueprint.check(checked)
        return self._replayed(checked)

    def clear(self) -> None:
        """Forget every prefix."""
        self._kept.clear()
        self._lengths.clear()
        self._used = 0

    def _replayed(self, lineage: Lineage) -> State:
        start, found = self._nearest(lineage)
        total = lineage.num_genes
        if start == total and found is not None:
            return found
        state = self._birth(lineage) if found is None else found.copy()
        for number, gene in enumerate(lineage.genes(start), start):
            if number == total - 1 and (number > start or found is None):
                self._keep(lineage, number, state.copy())  # siblings begin here
            self._apply(state, gene, number)
        self._keep(lineage, total, state)
        return state

    def _nearest(self, lineage: Lineage) -> tuple[int, State | None]:
        """Return the longest kept prefix, and its number of genes; that of the birth if none."""
        for length in range(lineage.num_genes, 0, -1) if self._kept else ():
            if self._lengths[length] and (key := (length, lineage.digest(length))) in self._kept:
                self._kept.move_to_end(key)
                return length, self._kept[key]
        return lineage.num_birth, None

    def _birth(self, lineage: Lineage) -> State:
        self.num_replayed += 1
        name = lineage.given_name
        if name is None:
            return born(self.blueprint, lineage.gene(0).seed, self.source, self.device)
        return self.births.state(name, self.blueprint, self.source, self.device)

    def _apply(self, state: State, gene: Gene, number: int) -> None:
        self.num_replayed += 1
        operator = self.blueprint.operator(gene.operator)
        try:
            operator.apply(state, gene, self.blueprint)
            if not operator.additive:
                state.measure()
        except (RangeError, StrengthError) as error:
            error.gene = number
            error.add_note(f"in gene {number}, operator {operator.name!r}")
            raise
        except Exception as error:
            if out_of_memory(error):
                raise
            raise OperatorError(
                f"the operator {operator.name!r} failed on gene {number}: "
                f"{type(error).__name__}: {error}",
                name=operator.name,
                gene=number,
            ) from error

    def _keep(self, lineage: Lineage, length: int, state: State) -> None:
        """Keep the weights of the first genes of a lineage, and forget others until all fit."""
        if state.nbytes > self.cap:
            self._warn(state.nbytes)
            return
        self._kept[length, lineage.digest(length)] = state
        self._lengths[length] += 1
        self._used += state.nbytes
        while self._used > self.cap:
            (forgotten, _), oldest = self._kept.popitem(last=False)
            self._lengths[forgotten] -= 1
            self._used -= oldest.nbytes

    def _warn(self, needed: int) -> None:
        if self.cap and not self._warned:
            self._warned = True
            warnings.warn(
                f"the cap of the nursery is {self.cap:,} bytes and one network has {needed:,}, so "
                "it keeps nothing and replays every lineage from its birth; raise the cap",
                stacklevel=5,
            )


def _bytes(cap: int | str) -> int:
    """Return a number of bytes, also from a text such as "256MiB"."""
    if isinstance(cap, int) and not isinstance(cap, bool) and cap >= 0:
        return cap
    parts = re.fullmatch(r"(\d{1,12}) *(|KiB|MiB|GiB)", cap) if isinstance(cap, str) else None
    if parts is None:
        raise NeuroError(f'cap must be a number of bytes, such as 2**28 or "256MiB"; got {cap!r}')
    return int(parts[1]) * _UNITS[parts[2]]
