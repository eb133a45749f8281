"""Recompilations of torch.compile, and the time of rounds, while genes change. `--quick`: a glance.

Two members train for 20 rounds. Each round changes the learning rate, the weight decay and the
dropout, and the phases change how gradients are averaged. Whatever is compiled is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from _ranks import answer_of_ranks
from _report import PACKAGES, bar, report, show_progress
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from clantune_autobind import TensorDropout, adamw, dropout
from clantune_clan import Clan

ROUNDS = {"full": 20, "quick": 3}
STEPS = 10
"""Steps of a round; members compete in the last half of it."""

SETTLED = 2
"""Rounds after which nothing is compiled any more: both phases were seen with other values."""

WIDTH = {"full": 512, "quick": 16}
FORMS = ("eager", "model", "model in a wrapper", "wrapper", "model and optimizer.step")


class Counter:
    """A backend of torch.compile that counts what it compiles."""

    def __init__(self, backend: str) -> None:
        self.graphs = 0
        self._compile: Any = torch._dynamo.lookup_backend(backend)

    def __call__(self, graph: Any, inputs: Any) -> Callable[..., Any]:
        self.graphs += 1
        compiled: Callable[..., Any] = self._compile(graph, inputs)
        return compiled


def network(width: int) -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Linear(64, width), nn.ReLU(), TensorDropout(0.1)]
    for _ in range(3):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def build(form: str, width: int, counter: Counter) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return a model, and its optimizer, of which a part is compiled."""
    model: Any = network(width)
    if form == "wrapper":
        model = torch.compile(DistributedDataParallel(model), backend=counter)
    elif form != "eager":
        model = torch.compile(model, backend=counter)
    if form == "model in a wrapper":
        model = DistributedDataParallel(model)
    return model, torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)


def batch(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    y = torch.randint(0, 10, (32,), generator=generator)
    return torch.randn(32, 64, generator=generator), y


def rounds(form: str, plan: str) -> dict[str, list[float]]:
    """Train; return by round how many graphs are compiled until then, and milliseconds a step."""
    counter = Counter("eager" if plan == "quick" else "inductor")
    model, optimizer = build(form, WIDTH[plan], counter)
    take_step: Any = None
    graphs: list[float] = []
    times: list[float] = []
    with Clan(
        model=model,
        optimizer=optimizer,
        autobind=[adamw, dropout],
        round_length=STEPS,
        duty_cycle=0.5,
    ) as clan:
        for _ in range(ROUNDS[plan]):
            member = clan.round()
            if take_step is None:  # after the clan's hooks are there
                take_step = optimizer.step
                if form == "model and optimizer.step":
                    take_step = torch.compile(take_step, backend=counter)
            begin = time.perf_counter()
            while not member.done:
                x, y = batch(member.steps_done)
                nn.functional.cross_entropy(member.model(x), y).backward()
                take_step()
                optimizer.zero_grad()
                member.step()
            times.append(1e3 * (time.perf_counter() - begin) / STEPS)
            graphs.append(counter.graphs)
            clan.step(1.0 + clan.communicator.rank)
    torch.compiler.reset()
    return {"graphs": graphs, "ms": times}


def as_a_rank(plan: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    measured = {}
    for done, form in enumerate(FORMS):
        if os.environ["RANK"] == "0":
            show_progress(done, len(FORMS), f"compiled: {form}")
        measured[form] = rounds(form, plan)
    print(json.dumps(measured))
    dist.destroy_process_group()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three rounds, and no code generated")
    parser.add_argument("--rank", choices=ROUNDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        as_a_rank(arguments.rank)
        return 0
    measured = answer_of_ranks(__file__, 2, "--rank", "quick" if arguments.quick else "full")
    rows: list[tuple[object, ...]] = [
        ("compiled", "graphs, round 1", "round 2", "last round", "ms a step, last half", "of eager")
    ]
    figures, bars = {}, []
    times = {form: statistics.median(_last_half(measured[form]["ms"])) for form in FORMS}
    for form in FORMS:
        graphs = measured[form]["graphs"]
        ratio = times[form] / times["eager"]
        rows.append((form, graphs[0], graphs[1], graphs[-1], times[form], f"{ratio:.2f}"))
        figures[form] = {**measured[form], "of eager": ratio}
        bars.append(
            bar(f"graphs after round {SETTLED}, {form}", graphs[-1] - graphs[SETTLED - 1], 0)
        )
    title = "What torch.compile compiles again while genes change"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "torch"))


def _last_half(values: list[float]) -> list[float]:
    return values[len(values) // 2 :]


if __name__ == "__main__":
    sys.exit(main())
