"""Replay the schedule that a clan has found, in any training loop.

This module is part of ClanTune (Apache License 2.0). It uses the standard library only, so that it
can be copied into a project: `clantune replay --module FILE` writes a copy.
"""

from __future__ import annotations

import bisect
import json
import math
import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


class ScheduleError(ValueError):
    """A file is not a schedule, or a schedule cannot be replayed as asked."""


@dataclass(frozen=True)
class Schedule:
    """The values of genes by step, and the ramp of the learning rate.

    Attributes:
        total_steps: Steps of the run; None if the run had no ramp.
        warmup: Share of the run in which the factor of the learning rate rises to 1.
        cooldown: Share of the run in which the factor falls to 0, at its end.
        rounds: First step of each round, and the values of all genes in it.
        note: What the learning rates lack; None if nothing.
    """

    total_steps: int | None
    warmup: float
    cooldown: float
    rounds: tuple[tuple[float, Mapping[str, Any]], ...]
    note: str | None = None

    @classmethod
    def read(cls, path: str | Path) -> Schedule:
        """Read a file that `clan.export_schedule(path)` or `clantune schedule` has written.

        Raises:
            ScheduleError: It is not a schedule, or it is damaged. The error names file and place.
        """
        try:
            return _schedule_of(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            advice = "`clantune schedule RUN` writes one"
            raise ScheduleError(f"{path} is not a schedule: {reason}. {advice}") from error

    def stretched(self, total_steps: int) -> Schedule:
        """Return the schedule over another number of steps."""
        if self.total_steps is None or not _is_at_least(total_steps, 1):
            length = self.total_steps or "an unknown number of"
            raise ScheduleError(f"{length} steps cannot be stretched to {total_steps!r}")
        rounds = tuple((at * (total_steps / self.total_steps), genes) for at, genes in self.rounds)
        return replace(self, total_steps=total_steps, rounds=rounds)

    def genes_at(self, step: int) -> Mapping[str, Any]:
        """Return the values of all genes in a step, counted from 0."""
        begun = bisect.bisect_right(self.rounds, float(step), key=lambda part: part[0])
        return self.rounds[max(begun - 1, 0)][1]

    def factor_at(self, step: int) -> float:
        """Return the factor of warm-up and cooldown in a step, which multiplies learning rates."""
        if self.total_steps is None:
            return 1.0
        up = (step + 1) / max(1.0, self.warmup * self.total_steps)
        down = (self.total_steps - step) / max(1.0, self.cooldown * self.total_steps)
        return max(0.0, min(1.0, up, down))


def _schedule_of(data: Any) -> Schedule:
    _entry(data, "clantune", operator.eq, "schedule")
    _entry(data, "version", operator.eq, 1)
    total = _entry(data, "total_steps", lambda steps: steps is None or _is_at_least(steps, 1))
    warmup, cooldown = (_entry(data, ramp, _is_at_least, 0) for ramp in ("warmup", "cooldown"))
    note = _entry(data, "note", lambda note: note is None or isinstance(note, str))
    rounds: list[tuple[float, Mapping[str, Any]]] = []
    for index, part in enumerate(_entry(data, "rounds", lambda it: it and isinstance(it, list))):
        place, earliest = f"rounds[{index}].", rounds[-1][0] + 1 if rounds else 0
        step = _entry(part, "step", _is_at_least, earliest, place=place)
        genes = _entry(part, "genes", isinstance, dict, place=place)
        for name, first in (rounds[0][1] if rounds else genes).items():
            _entry(genes, name, _is_like, first, place=f"{place}genes.")
        rounds.append((step, genes))
    return Schedule(total, warmup, cooldown, tuple(rounds), note)


def _entry(data: Any, name: str, holds: Callable[..., Any], *more: Any, place: str = "") -> Any:
    """Return an entry of the file, or raise an error that names its place."""
    value = data.get(name) if isinstance(data, dict) else None
    if not holds(value, *more):
        raise ScheduleError(f"its entry {place}{name} is {value!r:.60}")
    return value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _is_at_least(value: Any, low: float) -> bool:
    return _is_number(value) and value >= low


def _is_like(value: Any, other: Any) -> bool:
    """Whether two values are numbers, texts, or flags."""
    is_other = type(value) is type(other) and isinstance(value, bool | str)
    return is_other or (_is_number(value) and _is_number(other))


Place = tuple[str, int, str]  # an optimizer, a param group, and a setting: "lr" or "betas/0"


def _places_of(gene: str, value: Any, optimizers: Mapping[str, Any]) -> dict[Place, Any]:
    """Return the settings that a gene of such values sets, with their present values.

    `"lr"` stands for all groups, `"critic/lr"` for those of one optimizer, `"lr/1"` for one group.
    """
    first, _, rest = gene.partition("/")
    if rest and first in optimizers:
        optimizers, gene = {first: optimizers[first]}, rest
    of_group, _, number = gene.rpartition("/")
    found = {}
    for name, optimizer in optimizers.items():
        for index, group in enumerate(optimizer.param_groups):
            for setting in (of_group, gene) if number == str(index) else (gene,):
                if _is_like(present := _value_at(group, setting), value):
                    found[name, index, setting] = present
    return found


def _value_at(group: Any, setting: str) -> Any:
    key, _, index = setting.partition("/")
    try:
        value = group[key][int(index)] if index else group[key]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return float(value) if hasattr(value, "fill_") else value


def _put(group: Any, setting: str, value: Any, factor: float) -> None:
    """Set a setting to a value times a factor. A tensor is filled, and stays the same object."""
    key, _, index = setting.partition("/")
    leaf = group[key][int(index)] if index else group[key]
    if hasattr(leaf, "fill_"):
        leaf.detach().fill_(value).mul_(factor)
        return
    product = value if factor == 1.0 else value * factor
    if index:
        parts = (product if at == int(index) else part for at, part in enumerate(group[key]))
        product = type(group[key])(parts)
    group[key] = product


_IN_UNIT = ("betas/0", "betas/1", "betas/2", "momentum", "alpha", "rho", "etas/0")
"""Settings between 0 and 1, whose scale is that of log odds. That of the others is logarithmic."""


def _line(value: Any, setting: str) -> float | None:
    """Return the place of a value on the scale of its setting; None for 0, for example."""
    in_unit = setting in _IN_UNIT
    if not _is_number(value) or value <= 0 or (in_unit and value >= 1):
        return None
    return math.log(value) - math.log1p(-value) if in_unit else math.log(value)


def _moved(value: Any, offset: float, setting: str) -> Any:
    """Return a value that is moved on the scale of its setting."""
    line = _line(value, setting)
    if line is None or line + offset == line:
        return value
    line += offset
    if setting not in _IN_UNIT:
        return math.exp(min(line, math.log(sys.float_info.max)))
    grown = math.exp(-abs(line))
    return 1.0 / (1.0 + grown) if line >= 0 else grown / (1.0 + grown)


def _spread(value: Any, initial: Mapping[Place, Any]) -> dict[Place, Any]:
    """Return the values that a gene sets: its own in the first place, the others in their ratio.

    A weight decay of 0 stays. If it is 0 in all places, all get the value of the gene.
    """
    lines = {place: _line(number, place[2]) for place, number in initial.items()}
    known = {place: line for place, line in lines.items() if line is not None}
    first = next(iter(known.values()), 0.0)
    moved = {place: _moved(value, line - first, place[2]) for place, line in known.items()}
    return moved or dict.fromkeys(initial, value)


class ReplaySchedule:
    """Sets the settings of an optimizer, in each step, to what a clan has found.

    Call `step()` after each `optimizer.step()`. Make the optimizer with the param groups of the
    run: the first group gets the value of a gene, and the others keep their ratio to it.

    Attributes:
        optimizer: Optimizer, as it was given.
        schedule: Schedule that is replayed.
        last_epoch: Number of the step whose values are set, from 0.
    """

    def __init__(
        self,
        optimizer: Any,
        path: str | Path,
        *,
        total_steps: int | None = None,
        exclude: Iterable[str] = (),
    ) -> None:
        """Read a schedule, and set the values of its first step.

        Args:
            optimizer: Optimizer, or several as the clan had them: a list, or a mapping by name.
            path: File that `clan.export_schedule(path)` or `clantune schedule` has written.
            total_steps: Steps to stretch the schedule over; None: those of the run.
            exclude: Genes that are neither set nor mentioned.
        """
        self.optimizer, self.last_epoch = optimizer, 0
        schedule = Schedule.read(path)
        self.schedule = schedule if total_steps is None else schedule.stretched(total_steps)
        self._optimizers = _by_name(optimizer)
        genes = self.schedule.genes_at(0).items()
        self._initial = {gene: _places_of(gene, value, self._optimizers) for gene, value in genes}
        self._unread = {gene for gene, places in self._initial.items() if not places}
        for gene in exclude:
            self.value(gene)
            self._initial[gene] = {}
        settings = {setting for places in self._initial.values() for *_, setting in places}
        if self.schedule.note is not None and "lr" in settings:
            warnings.warn(self.schedule.note, stacklevel=2)
        has_ramp = self.schedule.total_steps is not None  # also of rates that no gene sets
        self._rates = _places_of("lr", 0.0, self._optimizers) if has_ramp else {}
        self._set()

    def value(self, gene: str) -> Any:
        """Return the value of a gene in this step, without warm-up and cooldown."""
        genes = self.schedule.genes_at(self.last_epoch)
        if gene not in genes:
            raise ScheduleError(f"there is no gene {gene!r}; there are {', '.join(genes)}")
        self._unread.discard(gene)
        return genes[gene]

    def step(self) -> None:
        """Set the values of the next step."""
        for gene in sorted(self._unread):
            warnings.warn(
                f"gene {gene!r} is not a setting of this optimizer: use replay.value({gene!r}) in "
                f"each step, or leave it out by exclude=[{gene!r}]",
                stacklevel=2,
            )
        self._unread.clear()
        if self.last_epoch == self.schedule.total_steps:
            warnings.warn(
                f"the schedule of {self.last_epoch} steps is over, and its learning rate stays 0; "
                "ReplaySchedule(..., total_steps=...) stretches it",
                stacklevel=2,
            )
        self.last_epoch += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """Return the learning rate of each param group in this step."""
        return [float(group["lr"]) for it in self._optimizers.values() for group in it.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Return the number of the step, and the initial values of param groups."""
        initial = {gene: [*places.values()] for gene, places in self._initial.items()}
        return {"last_epoch": self.last_epoch, "initial": initial, "rates": [*self._rates.values()]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state that `state_dict` returned, and set the values of its step."""
        for gene, places in self._initial.items():
            self._initial[gene] = dict(zip(places, state["initial"][gene], strict=True))
        self._rates = dict(zip(self._rates, state["rates"], strict=True))
        self.last_epoch = state["last_epoch"]
        self._set()

    def _set(self) -> None:
        values = dict(self._rates)
        for gene, value in self.schedule.genes_at(self.last_epoch).items():
            values |= _spread(value, self._initial.get(gene, {}))
        ramp = self.schedule.factor_at(self.last_epoch)
        for (name, index, setting), value in values.items():
            group = self._optimizers[name].param_groups[index]
            _put(group, setting, value, ramp if setting == "lr" else 1.0)


def _by_name(given: Any) -> Mapping[str, Any]:
    """Return optimizers by name, as a clan names them; one that is given alone has no name."""
    if isinstance(given, list | tuple):
        return {str(index): optimizer for index, optimizer in enumerate(given)}
    return given if isinstance(given, Mapping) else {"": given}
