"""What tools that track runs have stored of a clan."""

import pytest
from stored_runs import rows_of, scalars_of


def require_tracked(monkeypatch, folder, rounds, phases, found, step_in_wandb=None):
    """Check that each tool has one run, with the metrics of a clan at the framework's steps.

    Args:
        monkeypatch: Of the test.
        folder: Where the tools have written.
        rounds: Steps at which rounds have ended.
        phases: Steps at which members have begun to cooperate and to compete, in turn.
        found: Genes and metric of the last member of four, by name, round by round.
        step_in_wandb: Name that the framework gives its steps in W&B; None if it uses W&B's own.
    """
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient((folder / "mlruns").as_uri())
    [run] = client.search_runs([each.experiment_id for each in client.search_experiments()])
    [board] = {file.parent for file in folder.glob("**/events.*")}
    scalars, (_, rows, ends) = scalars_of(board), rows_of(folder)
    assert ends == 1
    for name, steps, values in (
        ("clan/round", rounds, [*range(len(rounds))]),
        ("clan/competes", phases, [place % 2 for place in range(len(phases))]),
        *((f"clan/member_3/{name}", rounds, values) for name, values in found.items()),
    ):
        expected = [*zip(steps, values, strict=True)]
        there = _full(name, run.data.metrics)
        history = client.get_metric_history(run.info.run_id, there)
        assert [(each.step, each.value) for each in history] == expected
        assert scalars[_full(name, scalars)] == [
            (step, pytest.approx(value, rel=1e-6))
            for step, value in expected  # 32 bits
        ]
        there = _full(name, {key for row in rows for key in row})
        logged = [row for row in rows if there in row]
        assert [row[there] for row in logged] == values
        if step_in_wandb is not None:
            assert [row[step_in_wandb] for row in logged] == steps


def _full(name, names):
    """Return the name with what a framework has put before it."""
    [full] = (each for each in names if each in (name, f"train/{name}"))
    return full
