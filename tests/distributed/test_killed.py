"""Runs that SIGKILL ends at seeded moments, and that go on as if they had never been stopped."""

import json
import os
import signal
from pathlib import Path
from random import Random
from unittest import mock

import pytest
import torch
from torch import nn

X = torch.randn(240, 2, generator=torch.Generator().manual_seed(1))
DATA = torch.utils.data.TensorDataset(X, X[:, :1] * X[:, 1:])
MOMENTS = 5
"""Number of moments in each case."""


class Stream(torch.utils.data.IterableDataset):
    def __iter__(self):
        return iter(DATA)


class Events:
    """Counts what a rank does, kind by kind, and kills it at a moment."""

    def __init__(self, moment):
        self.counts = dict.fromkeys(KINDS, 0)
        self._moment = moment

    def before(self, kind, owner, name):
        """Patch a function, so that its calls count."""
        usual = getattr(owner, name)

        def counted(*arguments, **named):
            self.counts[kind] += 1
            if [kind, self.counts[kind]] == self._moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return usual(*arguments, **named)

        return mock.patch.object(owner, name, counted)


KINDS = ("step", "meeting", "transfer", "file")


def train(run, result, killed=-1, moment=None, recipe="as specified", options=()):
    """Train to the end, unless this is the rank that is killed, in its first attempt."""
    from clantune_clan import Clan, Individual
    from clantune_clan.communication.arrival import Arrivals
    from clantune_clan.communication.transfer import Transfer
    from clantune_strategies import as_specified, factorial

    rank, mark = int(os.environ["RANK"]), Path(f"{result}.begun.{os.environ['RANK']}")
    events = Events(moment if rank == killed and not mark.exists() else None)
    os.environ["TORCHELASTIC_RESTART_COUNT"] = str(int(mark.exists()))
    mark.touch()
    recipes = {
        "as specified": as_specified,
        "factorial": factorial,
        "calibrated": lambda: factorial(calibrate=True),
    }
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.1), nn.Linear(4, 1))
    given = {"total_steps": 24, "round_length": 6, "timeout": 60.0, **dict(options)}
    num_workers, data = given.pop("num_workers", 0), Stream() if given.pop("stream", 0) else DATA
    with (
        events.before("step", Individual, "step"),
        events.before("meeting", Arrivals, "meet"),
        events.before("transfer", Transfer, "exchange"),
        events.before("file", os, "fsync"),
        events.before("file", os, "rename"),
    ):
        clan = Clan(
            model=model,
            optimizer=torch.optim.AdamW(model.parameters(), lr=0.01),
            autobind=["adamw"],
            strategies=recipes[recipe](),
            history=f"{run}.jsonl",
            checkpoints=run,
            **given,
        )
        loader = clan.loader(data, 4, num_workers=num_workers)
        torch.manual_seed(rank)
        for member in clan.rounds():
            for batch, targets in member.batches(loader):
                (member.model(batch) - targets).square().mean().backward()
                member.optimizer.step()
                member.optimizer.zero_grad()
            clan.step(lambda model: model(X).square().mean())
    records = [{**record.as_data(), "seconds": {}} for record in clan.history]
    weights = [parameter.tolist() for parameter in model.parameters()]
    outcome = [weights, clan.genome.serialize(), records]
    Path(f"{result}.{rank}").write_text(json.dumps([outcome, events.counts]))


CASES = {
    "exact": (4, "as specified", {"duty_cycle": 0.5, "reduction": "exact"}),
    "ddp": (2, "factorial", {"reduction": "ddp"}),
    "calibrated": (3, "calibrated", {"reduction": "exact", "total_steps": 60}),
    "members of two ranks": (4, "as specified", {"duty_cycle": 0.5, "population_size": 2}),
    "a worker in the loader": (2, "as specified", {"duty_cycle": 0.5, "num_workers": 1}),
    "a stream": (2, "factorial", {"stream": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_run_that_is_killed_is_the_run_that_was_never_killed(forks, tmp_path, case):
    size, recipe, options = CASES[case]
    rng = Random(case)

    def call(name, *moment):
        return train, str(tmp_path / f"run-{name}"), str(tmp_path / str(name)), *moment

    def outcomes(name):
        return [json.loads((tmp_path / f"{name}.{rank}").read_text()) for rank in range(size)]

    calm = forks.run(*call("calm", -1, None, recipe, options), ranks=size)
    assert [ended.status for ended in calm] == [0] * size, calm[0].printed
    wanted = [outcome for outcome, _ in outcomes("calm")]
    calls = []
    for number in range(MOMENTS):
        rank = rng.randrange(size)
        counts = outcomes("calm")[rank][1]
        kind = rng.choice([kind for kind in KINDS if counts[kind]])
        moment = [kind, rng.randint(1, counts[kind])]
        calls.append(call(number, rank, moment, recipe, options))
    for ends, (*_, rank, moment, _, _) in zip(
        forks.run_at_once(calls, ranks=size, together=True), calls, strict=True
    ):
        assert ends[rank].status == -signal.SIGKILL, (moment, ends[rank].printed)
    for ends in forks.run_at_once(calls, ranks=size):
        assert [ended.status for ended in ends] == [0] * size, ends[0].printed
    for number, call_ in enumerate(calls):
        assert [outcome for outcome, _ in outcomes(number)] == wanted, call_
