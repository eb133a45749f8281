"""What the file of a run contains beside its rounds: when it began, each phase, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.ramp import Ramp
from clantune_clan.records import checks
from clantune_clan.schedule import Mode
from clantune_core import AbstractAllele, deserialize, serialize
from clantune_core.contracts import EXPRESSION, Expressed

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
        schedulers: Class of each scheduler that was handed in, whose rates the genes multiply.
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

    time: float = attrs.field(validator=checks.moment)
    step: int = attrs.field(validator=checks.count)
    members: int = attrs.field(validator=checks.positive)
    ranks: int = attrs.field(validator=checks.positive)
    recipe: str = attrs.field(validator=checks.text)
    strategies: tuple[str, ...] = attrs.field(converter=_to_texts, validator=checks.texts)
    presets: tuple[str, ...] = attrs.field(converter=_to_texts, validator=checks.texts)
    inheritance: str = attrs.field(validator=checks.one_of("mean", "dominant", "sampled"))
    mode: Literal["min", "max"] = attrs.field(validator=checks.one_of("min", "max"))
    total_steps: int | None = attrs.field(validator=checks.positive_if_any)
    round_length: int = attrs.field(validator=checks.positive)
    duty_cycle: float = attrs.field(validator=checks.number)
    ramp: Ramp = attrs.field(validator=checks.ramp)
    genes: Mapping[str, AbstractAllele] = attrs.field(validator=checks.table)
    versions: Mapping[str, str] = attrs.field(factory=dict, validator=checks.table)
    schedulers: tuple[str, ...] = attrs.field(
        default=(), converter=_to_texts, validator=checks.classes
    )
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
                f"the start of a run has version {VERSION}, but this has "
                f"{data.get('version')!r:.60}: read it with the ClanTune that wrote it"
            )
        genes = {name: _gene(name, allele) for name, allele in data["genes"].items()}
        return cls(**{**data, "ramp": Ramp(**data["ramp"]), "genes": genes})


def _gene(name: str, data: object) -> AbstractAllele:
    allele = deserialize(data, AbstractAllele)  # type: ignore[type-abstract]
    if EXPRESSION in allele.metadata:
        Expressed.of(name, allele)  # raises an error if it is damaged
    return allele


@attrs.frozen(kw_only=True)
class PhaseStart:
    """The start of a phase.

    Attributes:
        time: Seconds since 1970.
        step: Steps of the run that were done.
        mode: Phase of the members.
    """

    EVENT: ClassVar = "phase"

    time: float = attrs.field(validator=checks.moment)
    step: int = attrs.field(validator=checks.count)
    mode: Mode = attrs.field(validator=checks.one_of("cooperative", "competitive"))


@attrs.frozen(kw_only=True)
class RunEnd:
    """The end of a run, or of the part of it that one process has made.

    Attributes:
        time: Seconds since 1970.
    """

    EVENT: ClassVar = "end"

    time: float = attrs.field(validator=checks.moment)


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
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ClanError(f"this is not the {data['event']} of a run: {error}") from error
    raise ClanError(
        f"a run has no event {data['event']!r}: read it with the ClanTune that wrote it"
    )
