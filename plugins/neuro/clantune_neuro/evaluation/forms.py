"""The forms of evaluation: how lineages become scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

import attrs
from torch import nn

from clantune_neuro.errors import EvaluationError, RangeError, StrengthError
from clantune_neuro.evaluation.batched import batched
from clantune_neuro.evaluation.changes import Child
from clantune_neuro.evaluation.chunks import Halving
from clantune_neuro.evaluation.genes import child_of
from clantune_neuro.evaluation.loop import loop
from clantune_neuro.evaluation.shared_parent import shared_parent
from clantune_neuro.lineage.gene import CHARACTERS
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.tasks.base import Task, TaskContext
from clantune_neuro.tasks.score import Score

T = TypeVar("T")


class DeadError(Exception):
    """A lineage that has no weights, because one leaves its range or cannot take a step.

    Attributes:
        lineage: Its text.
        reason: What went wrong, and where.
    """

    def __init__(self, lineage: str, reason: str) -> None:
        super().__init__(lineage, reason)
        self.lineage = lineage
        self.reason = reason


@attrs.frozen(eq=False)
class Setting:
    """All that scores lineages besides the lineages.

    Attributes:
        module: The network.
        nursery: Replays the weights.
        task: What networks are scored on.
        context: The generation and the seed of the run.
        report: Is told of each pass that does not fit into memory and is halved.
    """

    module: nn.Module
    nursery: Nursery
    task: Task
    context: TaskContext
    report: Callable[[Halving], None]


def one_by_one(setting: Setting, lineages: Sequence[str]) -> list[Score]:
    """Score one network after the other."""
    members = [_unless_dead(setting.nursery.weights, lineage, lineage) for lineage in lineages]
    return loop(setting.module, members, setting.task, setting.context)


def in_one_pass(setting: Setting, lineages: Sequence[str]) -> list[Score]:
    """Score all networks in one pass, or in several if they do not fit into memory."""
    return batched(
        setting.module,
        [_unless_dead(setting.nursery.weights, lineage, lineage) for lineage in lineages],
        setting.task,
        setting.context,
        chunk=max(1, len(lineages)),
        report=setting.report,
    )


def in_families(setting: Setting, lineages: Sequence[str]) -> list[Score]:
    """Score all children of one parent in one pass, and then those of the next parent."""

    def change(child: str) -> Child:
        return child_of(setting.nursery, parent_of(child), child)

    scores: dict[str, Score] = {}
    for parent, children in families(lineages).items():
        found = shared_parent(
            setting.module,
            _unless_dead(setting.nursery.weights, parent, children[0])(),
            [_unless_dead(change, child, child) for child in children],
            setting.task,
            setting.context,
            chunk=max(1, len(children)),
            report=setting.report,
        )
        scores.update(zip(children, found, strict=True))
    return [scores[lineage] for lineage in lineages]


Form = Callable[[Setting, Sequence[str]], list[Score]]
"""Returns the score of each lineage, or raises a `DeadError`: then no lineage has a score yet."""

FORMS: Mapping[str, Form] = MappingProxyType(
    {"loop": one_by_one, "vmap": in_one_pass, "shared": in_families}
)
"""The forms by name: one by one, all in one pass, and all children of a parent in one pass."""


def form_named(name: str) -> Form:
    """Return a form.

    Raises:
        EvaluationError: There is no form of this name.
    """
    if name in FORMS:
        return FORMS[name]
    raise EvaluationError(f"there is no form {name!r}; the forms are {', '.join(FORMS)}")


def parent_of(lineage: str) -> str:
    """Return a lineage without its last gene; a birth is its own parent."""
    checked = Lineage(lineage)
    born = checked.num_genes == checked.num_birth
    return lineage if born else lineage[:-CHARACTERS]


def families(lineages: Sequence[str]) -> dict[str, list[str]]:
    """Return lineages by their parent, in the order in which parents occur first."""
    found: dict[str, list[str]] = {}
    for lineage in lineages:
        found.setdefault(parent_of(lineage), []).append(lineage)
    return found


def _unless_dead(make: Callable[[str], T], text: str, lineage: str) -> Callable[[], T]:
    """Return a function that makes something of a text, or says that a lineage is dead."""

    def made() -> T:
        try:
            return make(text)
        except (RangeError, StrengthError) as error:
            raise DeadError(lineage, str(error)) from error

    return made
