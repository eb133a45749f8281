"""Which saved members continue in a clan of another size."""

import json

import pytest
from small_clans import clan, loss, train

from clantune_clan.run.continued import continued_members, fittest_first


@pytest.mark.parametrize(
    ("num_members", "continued"),
    [
        (1, [2]),
        (2, [0, 2]),
        (3, [0, 1, 2]),
        (4, [0, 1, 2, 2]),
        (5, [0, 1, 2, 2, 0]),
        (7, [0, 1, 2, 2, 0, 1, 2]),
    ],
)
def test_the_fittest_continue_and_have_the_most_clones(num_members, continued):
    assert continued_members([2, 0, 1], num_members) == continued


def saved(metrics, weights_from=None, continues=None):
    """Return a state with a history whose last round has these metrics."""
    it = clan()
    train(it.round())
    it.step(loss)
    [record] = [each.as_data() for each in it.history]
    older = [{**record, "member": member, "metric": -float(member)} for member in range(9)]
    last = [
        {
            **record,
            "round": 1,
            "member": member,
            "metric": metric,
            "weights_from": None if weights_from is None else weights_from[member],
        }
        for member, metric in enumerate(metrics)
    ]
    history = "".join(json.dumps(each) + "\n" for each in [*older, *last] if metrics)
    return {"history": history, "training": {"run": {"continues": continues}}}


@pytest.mark.parametrize(
    ("state", "sign", "order"),
    [
        pytest.param({"metrics": [3.0, 1.0, 2.0]}, 1.0, [1, 2, 0], id="losses"),
        pytest.param({"metrics": [3.0, 1.0, 2.0]}, -1.0, [0, 2, 1], id="scores"),
        pytest.param({"metrics": [1.0, 0.5, 1.0]}, 1.0, [1, 0, 2], id="equal"),
        pytest.param({"metrics": ["inf", "nan", 2.0]}, 1.0, [2, 0, 1], id="failed"),
        pytest.param({"metrics": ["-inf", 1.0, 2.0]}, -1.0, [2, 1, 0], id="failed with scores"),
        pytest.param(
            {"metrics": [3.0, 1.0, 2.0], "weights_from": [1, 2, 0]}, 1.0, [0, 1, 2], id="copies"
        ),
        pytest.param(
            {"metrics": [4.0, 1.0, 2.0, 3.0], "weights_from": [3, 1, 0, 2], "continues": [2, 0, 1]},
            1.0,
            [2, 1, 0],
            id="after a change",
        ),
        pytest.param({"metrics": []}, 1.0, [0, 1, 2], id="no round"),
    ],
)
def test_members_are_ordered_by_the_fitness_of_their_weights(state, sign, order):
    assert fittest_first(saved(**state), 3, sign) == order
