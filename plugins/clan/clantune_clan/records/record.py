"""The record of one member in one round: what the history stores and what observers receive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.records import checks

VERSION = 1


def _to_floats(numbers: Iterable[float]) -> tuple[float, ...]:
    return tuple(numbers)


def _to_pairs(pairs: Iterable[Sequence[Any]]) -> tuple[tuple[int, float], ...]:
    return tuple((member, share) for member, share in pairs)


@attrs.frozen(kw_only=True)
class RoundRecord:
    """The results of one member in one round, after its turnover.

    Attributes:
        round: Number of the round, from 0; rounds of calibration count too.
        start: Steps of the run before the round.
        steps: Steps in the round.
        member: Number of the member, from 0.
        calibration: Whether the round belongs to the search for the learning rate.
        genome: Identity of the member's genome.
        genes: Value of each gene, by name.
        learning_rates: Learning rate of each param group in the last optimizer step of the round,
            with warm-up, cooldown and scheduler.
        metric: The member's loss, or its score under `mode="max"`. Not finite if the member failed.
        centre: Loss or score of the clan's centre; None if there is none, or it is not finite.
        parents: Members that the next genome descends from, each with its share.
        weights_from: Member that the next weights are a copy of; None after a mean.
        went_back_to: Round whose best weights all members have again, since the centre was worse;
            otherwise None.
        continues: In the first round after a resume with another number of members or ranks, the
            member of the round before that this one goes on from; otherwise None.
        seconds: Duration of each part of the round, by name.
        bytes_moved: Bytes of weights and state that this member's first rank received.
        checksum: Checksum of the inherited state; None if this member neither gave nor received.
        version: Version of this form.
    """

    round: int = attrs.field(validator=checks.count)
    start: int = attrs.field(validator=checks.count)
    steps: int = attrs.field(validator=checks.positive)
    member: int = attrs.field(validator=checks.count)
    calibration: bool = attrs.field(validator=checks.flag)
    genome: str = attrs.field(validator=checks.text)
    genes: Mapping[str, Any] = attrs.field(validator=checks.table)
    learning_rates: tuple[float, ...] = attrs.field(converter=_to_floats, validator=checks.numbers)
    metric: float = attrs.field(converter=float)
    centre: float | None = attrs.field(default=None, validator=checks.number_if_any)
    parents: tuple[tuple[int, float], ...] = attrs.field(
        default=(), converter=_to_pairs, validator=checks.shares
    )
    weights_from: int | None = attrs.field(default=None, validator=checks.count_if_any)
    went_back_to: int | None = attrs.field(default=None, validator=checks.count_if_any)
    continues: int | None = attrs.field(default=None, validator=checks.count_if_any)
    seconds: Mapping[str, float] = attrs.field(factory=dict, validator=checks.seconds, eq=False)
    bytes_moved: int = attrs.field(default=0, validator=checks.count)
    checksum: int | None = None
    version: int = VERSION

    def as_data(self) -> dict[str, Any]:
        """Return the record as JSON data. A metric that is not finite is a text: `"inf"`."""
        data = attrs.asdict(self, recurse=False)
        if not math.isfinite(self.metric):
            data["metric"] = str(self.metric)
        return data

    @classmethod
    def from_data(cls, data: Any) -> RoundRecord:
        """Return the record that `as_data` described.

        Raises:
            ClanError: The data is damaged, or has another version.
        """
        version = data.get("version") if isinstance(data, Mapping) else None
        if version != VERSION:
            raise ClanError(
                f"a record of a round has version {VERSION}, but this has {version!r:.60}: read it "
                "with the ClanTune that wrote it"
            )
        try:
            return cls(**data)
        except (OverflowError, TypeError, ValueError) as error:
            raise ClanError(f"this is not a record of a round: {error}") from error
