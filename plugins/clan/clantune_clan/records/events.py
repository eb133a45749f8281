"""What the file of a run contains beside its rounds: when it began, each phase, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.ramp import Ramp
from clantune_clan.schedule import Mode
from clantune_core import AbstractAllele, deserialize, serialize

VERSION = 1


def _to_texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@attrs.frozen(kw_only=True)
class RunStart:
    """The settings of a run. A file has one of these for each time that the run began or resumed.

    Attributes:
        time: Seconds since 1970.
        step: Steps of the run that were done.
        members: Number of members.
        ranks: Number of processes.
        recipe: Name of the recipe.
        strategies: Each strategy as text, in order.
        presets: Each preset as text.
        inheritance: How members inherit weights: `"mean"`, `"dominant"` or `"sampled"`.
        mode: Whether a low loss is good (`"min"`) or a high score (`"max"`).
        total_steps: Steps of the run; None if its length is unknown.
        round_length: Steps in a round.
        duty_cycle: Share of a round in which members compete.
        ramp: Warm-up and cooldown of the learning rate.
        genes: Alleles of the first genome, by name.
        versions: Version of each program, by name.
        version: Version of this form.
    """

    EVENT: ClassVar = "start"

    time: float
    step: int
    members: int
    ranks: int
    recipe: str
    strategies: tuple[str, ...] = attrs.field(converter=_to_texts)
    presets: tuple[str, ...] = attrs.field(converter=_to_texts)
    inheritance: str
    mode: Literal["min", "max"]
    total_steps: int | None
    round_length: int
    duty_cycle: float
    ramp: Ramp
    genes: Mapping[str, AbstractAllele]
    versions: Mapping[str, str] = attrs.field(factory=dict)
    version: int = VERSION

    @property
    def sign(self) -> float:
        """Factor from a metric to a fitness, for which lower is better."""
        return -1.0 if self.mode == "max" else 1.0

    def as_data(self) -> dict[str, Any]:
        """Return the start as JSON data."""
        genes = {name: serialize(allele) for name, allele in self.genes.items()}
        data = attrs.asdict(self, recurse=False)
        return {**data, "ramp": attrs.asdict(self.ramp), "genes": genes}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> RunStart:
        """Return the start that `as_data` described."""
        if data.get("version") != VERSION:
            raise ClanError(
                f"the start of a run has version {VERSION}; this has {data.get('version')!r}: read "
                "it with the ClanTune that wrote it"
            )
        genes = {
            name: deserialize(allele, AbstractAllele)  # type: ignore[type-abstract]
            for name, allele in data["genes"].items()
        }
        return cls(**{**data, "ramp": Ramp(**data["ramp"]), "genes": genes})


@attrs.frozen(kw_only=True)
class PhaseStart:
    """The start of a phase.

    Attributes:
        time: Seconds since 1970.
        step: Steps of the run that were done.
        mode: Phase of the members.
    """

    EVENT: ClassVar = "phase"

    time: float
    step: int
    mode: Mode


@attrs.frozen(kw_only=True)
class RunEnd:
    """The end of a run, or of the part of it that one process has made.

    Attributes:
        time: Seconds since 1970.
    """

    EVENT: ClassVar = "end"

    time: float


Event = RunStart | PhaseStart | RunEnd


def as_data(event: Event) -> dict[str, Any]:
    """Return an event as JSON data."""
    data = event.as_data() if isinstance(event, RunStart) else attrs.asdict(event)
    return {"event": event.EVENT, **data}


def from_data(data: Mapping[str, Any]) -> Event:
    """Return the event that `as_data` described.

    Raises:
        ClanError: The data is damaged, or has another version.
    """
    values = {name: value for name, value in data.items() if name != "event"}
    try:
        match data["event"]:
            case RunStart.EVENT:
                return RunStart.from_data(values)
            case PhaseStart.EVENT:
                return PhaseStart(**values)
            case RunEnd.EVENT:
                return RunEnd(**values)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ClanError(f"this is not the {data['event']} of a run: {error}") from error
    raise ClanError(
        f"a run has no event {data['event']!r}: read it with the ClanTune that wrote it"
    )
