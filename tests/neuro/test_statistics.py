"""Statistics of a run, from its history."""

import pytest
from evolving import run

from clantune_neuro.evaluation.record import Record
from clantune_neuro.run.history_file import read_history
from clantune_neuro.statistics.courses import course, effective_size, effects
from clantune_neuro.statistics.measures import Spread


def test_a_spread_of_nothing_is_none():
    assert Spread.of([]) is None
    assert Spread.of([1, 2, 6]) == Spread(1, 2, 3, 6, pytest.approx(2.1602, abs=1e-4))


@pytest.mark.parametrize("improvement", [False, True])
def test_effects_are_changes_of_the_score(tmp_path, improvement):
    with run(improvement=improvement, out=tmp_path / "a") as made:
        made.until(8)
        blueprint = made.settings.blueprint
        best = Record.of(made.best.genome).base
    lines = [*read_history(tmp_path / "a")]
    points = course(lines, improvement=improvement)
    (found,) = effects(lines, blueprint, improvement=improvement)
    changes = []
    for line, before in zip(lines[1:], lines[:-1], strict=True):
        for member in line.members:
            if len(member.added) == 16:
                parent = 0.0 if improvement else before.members[member.dominant].base
                changes.append(member.base - parent)
    assert found.operator == "normal"
    assert found.genes == len(changes) > 30
    assert found.better == sum(change > 0 for change in changes) / len(changes)
    assert found.mean == pytest.approx(sum(changes) / len(changes))
    assert found.better + found.equal + found.worse == pytest.approx(1)
    assert points[-1].best == best
    assert (points[0].best is None) == improvement


def test_the_effective_size_is_the_number_of_parents_if_all_contribute_alike(tmp_path):
    with run(out=tmp_path / "a") as made:
        made.until(1)
    births, first = read_history(tmp_path / "a")
    assert effective_size(births) is None
    ranks = [rank for member in first.members for rank, _ in member.parents]
    assert 1 <= effective_size(first) <= len({*ranks})
