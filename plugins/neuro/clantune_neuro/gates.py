"""Gates and reports: what self-tests, benchmarks and reproductions return, and how it is shown.

A measurement is a function that returns a report, and a verb of the command prints it:

    def noise(*, weights: int = 605_184) -> Report:
        gene_ms, randn_ms = ...
        return Report(
            "The noise of a gene",
            lines=[("", "milliseconds"), ("gene", gene_ms), ("torch.randn", randn_ms)],
            gates=[at_most("gene / torch.randn", gene_ms / randn_ms, 1.0)],
            facts={"seeds": "0 to 30", "seconds": 4.2, "times": [1.2, 1.1]},
            claim="A gene takes at most the time of torch.randn.",
        )

An experiment has no gates, so it always holds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import ge, le
from typing import Any

import attrs

Line = Sequence[object]


def _lines(given: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(given)


def _gates(given: Iterable[Gate]) -> tuple[Gate, ...]:
    return tuple(given)


@attrs.frozen
class Gate:
    """A figure beside its limit.

    Attributes:
        name: What is measured, with its unit.
        value: The figure.
        limit: What it is compared with.
        holds: Whether the figure keeps to the limit. A figure that is NaN never does.
        relation: How they are compared: `"at most"` or `"at least"`.
    """

    name: str
    value: float
    limit: float
    holds: bool
    relation: str = "at most"

    def to_plain(self) -> dict[str, Any]:
        """Return the gate as plain data. A figure that is not finite becomes None."""
        value = self.value if math.isfinite(self.value) else None
        return attrs.asdict(self) | {"value": value}


def at_most(name: str, value: float, limit: float) -> Gate:
    """Return the gate of a figure that must not exceed its limit."""
    return _gate(name, value, limit, le, "at most")


def at_least(name: str, value: float, limit: float) -> Gate:
    """Return the gate of a figure that must reach its limit."""
    return _gate(name, value, limit, ge, "at least")


def none_of(name: str, count: int) -> Gate:
    """Return the gate of something that must not happen.

    Args:
        name: What is counted, such as `"mismatches"`.
        count: How often it happened.
    """
    return at_most(name, count, 0)


@attrs.frozen
class Report:
    """What a measurement found.

    Attributes:
        title: What was measured.
        lines: Rows of a table, the first one its head; empty for no table. Floats are shown in
            four digits.
        gates: Figures beside their limits.
        facts: What else to know, such as seeds, evaluations and seconds. Numbers and texts are
            printed; lists and mappings, such as curves, are for JSON alone.
        claim: What the gates are to show, in a sentence.
    """

    title: str
    lines: tuple[Line, ...] = attrs.field(converter=_lines, default=())
    gates: tuple[Gate, ...] = attrs.field(converter=_gates, default=())
    facts: Mapping[str, Any] = attrs.field(factory=dict)
    claim: str = ""

    @property
    def holds(self) -> bool:
        """Whether every gate holds."""
        return all(gate.holds for gate in self.gates)

    def to_plain(self) -> dict[str, Any]:
        """Return the report as plain data for JSON. A figure that is not finite becomes None."""
        return {
            "title": self.title,
            "claim": self.claim,
            "lines": _finite(self.lines),
            "gates": [gate.to_plain() for gate in self.gates],
            "facts": _finite(self.facts),
            "holds": self.holds,
        }

    def __str__(self) -> str:
        """Return the title, the table, the gates and the facts, as a text."""
        head = f"{self.title}\nclaim: {self.claim}" if self.claim else self.title
        facts = "\n".join(
            f"{name}: {_cell(value)}"
            for name, value in self.facts.items()
            if isinstance(value, int | float | str)
        )
        parts = (head, as_table(self.lines), self._gate_table(), facts)
        return "\n\n".join(part for part in parts if part)

    def _gate_table(self) -> str:
        rows = [
            (gate.name, gate.value, f"{gate.relation} {_cell(gate.limit)}", _verdict(gate))
            for gate in self.gates
        ]
        return as_table([("gate", "figure", "limit", ""), *rows]) if rows else ""


def timed(measure: Callable[[], Report]) -> Report:
    """Return a report with the seconds that it took, on the clock and of this process."""
    clock, process = time.perf_counter(), time.process_time()
    report = measure()
    seconds = {
        "seconds": round(time.perf_counter() - clock, 3),
        "processor seconds": round(time.process_time() - process, 3),
    }
    return attrs.evolve(report, facts={**report.facts, **seconds})


def as_table(lines: Iterable[Line]) -> str:
    """Return rows in columns as wide as they need to be, with a rule under the first row."""
    cells = [[_cell(value) for value in line] for line in lines]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _finite(value: Any) -> Any:
    """Return plain data in which None stands for each number that is not finite."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _gate(
    name: str, value: float, limit: float, holds: Callable[[float, float], bool], relation: str
) -> Gate:
    return Gate(name, value, limit, bool(holds(value, limit)), relation)


def _verdict(gate: Gate) -> str:
    return "holds" if gate.holds else "DOES NOT HOLD"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
