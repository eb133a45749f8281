"""What a rank made of its share of the chunks, as plain data that travels as a tensor."""

from __future__ import annotations

import json
from typing import Any

import attrs

from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.outcomes import Failure, Outcome, Outcomes
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace


@attrs.frozen
class Share:
    """What a rank made of its share. It stops at the first chunk that fails.

    Attributes:
        outcomes: What became of chunks, by their number.
        failed: Number of the chunk that failed; None if none did.
        failure: What the task raised; None if it was not the task that failed.
        error: Type and message of an error that is not the task's; empty if there is none.
    """

    outcomes: dict[int, Outcomes]
    failed: int | None = None
    failure: Failure | None = None
    error: str = ""

    def to_bytes(self) -> bytes:
        """Return the share as JSON. Its numbers keep every bit."""
        failure = None if self.failure is None else attrs.asdict(self.failure)
        data = {
            "outcomes": [[number, _plain(each)] for number, each in self.outcomes.items()],
            "failed": self.failed,
            "failure": failure,
            "error": self.error,
        }
        return json.dumps(data).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Share:
        """Return the share that `to_bytes` described."""
        read = json.loads(data)
        outcomes = {number: _outcomes(each) for number, each in read["outcomes"]}
        failure = read["failure"]
        if failure is not None:
            failure = Failure(**{**failure, "lineages": tuple(failure["lineages"])})
        return cls(outcomes, read["failed"], failure, read["error"])


def _plain(outcomes: Outcomes) -> dict[str, Any]:
    each = [
        [
            outcome.score.base.hex(),
            outcome.score.intrinsic.hex(),
            None if outcome.score.trace is None else outcome.score.trace.to_plain(),
            outcome.score.frames,
            outcome.death,
        ]
        for outcome in outcomes.each
    ]
    return {"each": each, "halvings": [attrs.astuple(halving) for halving in outcomes.halvings]}


def _outcomes(data: dict[str, Any]) -> Outcomes:
    each = [
        Outcome(
            Score(
                float.fromhex(base),
                float.fromhex(intrinsic),
                None if trace is None else RowTrace.from_plain(trace),
                frames,
            ),
            death,
        )
        for base, intrinsic, trace, frames, death in data["each"]
    ]
    return Outcomes(tuple(each), tuple(Halving(*halving) for halving in data["halvings"]))
