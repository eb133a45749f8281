"""Checkpoints beside `torch.save` and `torch.distributed.checkpoint`. `--quick`: a glance.

All save the same model and state of AdamW into new files, and load them into another model and
optimizer, in turns. A ratio is taken within one turn. Before each turn the disk is idle; the files
are read while they are still in the memory of the system.

A checkpoint is on the disk when a save returns, and so is what `torch.distributed.checkpoint`
writes. `torch.save` leaves its file to the system, which a crash of the machine may lose, so it is
here twice: alone, and with a flush. There is a bar beside the faster rival either way.

Then the same state is saved in the background of training steps. The steps lose the time by which
they and the begin of the save take longer than the same steps alone.
"""

from __future__ import annotations

import argparse
import functools
import gc
import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import torch
from _report import PACKAGES, Bar, bar, report, show_progress
from torch import nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver

from clantune_clan import Communication
from clantune_clan.checkpoint import Checkpoint, read, write
from clantune_clan.checkpoint.background import BackgroundWrite
from clantune_clan.checkpoint.part import Part
from clantune_clan.checkpoint.writing import Unfinished
from clantune_clan.disk import require_intact

SIZES = {"1 M": (700, 2), "25 M": (2500, 4), "100 M": (5000, 4)}
"""Width and depth of a network, by about how many parameters it has."""

TURNS = {"1 M": 2, "25 M": 15, "100 M": 7}
BATCH = 16
RATIO = 1.3
SHARE = 5.0

OURS = "clan.save"
ALONE = "torch.save"
FLUSHED = "torch.save, flushed"
DISTRIBUTED = "torch.distributed.checkpoint"

Times = dict[str, list[float]]
"""Seconds of each turn, by what took them."""


@attrs.frozen
class Trained:
    """A model and its optimizer."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batch: torch.Tensor

    @classmethod
    def of(cls, width: int, depth: int) -> Trained:
        """Return a model after one step."""
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [nn.Linear(width, width), nn.ReLU()]
        model = nn.Sequential(*layers)
        made = cls(model, torch.optim.AdamW(model.parameters()), torch.randn(BATCH, width))
        made.step()
        return made

    def step(self) -> None:
        self.model(self.batch).square().mean().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


@attrs.frozen
class Contender:
    """How a state is saved into a folder that does not exist, and loaded from it."""

    save: Callable[[Path, Trained], object]
    load: Callable[[Path, Trained], None]


CHANNEL = Communication()


def save_ours(folder: Path, trained: Trained) -> None:
    write(folder, CHANNEL, trained.state_dict, round_=0, step=0)


def load_ours(folder: Path, trained: Trained) -> None:
    trained.load_state_dict(read(Checkpoint.at(folder), CHANNEL))


def save_alone(folder: Path, trained: Trained) -> None:
    folder.mkdir()
    torch.save(trained.state_dict(), folder / "state.pt")


def save_flushed(folder: Path, trained: Trained) -> None:
    save_alone(folder, trained)
    with (folder / "state.pt").open("rb+") as file:
        os.fsync(file.fileno())


def load_alone(folder: Path, trained: Trained) -> None:
    trained.load_state_dict(torch.load(folder / "state.pt", weights_only=True))


def save_distributed(folder: Path, trained: Trained) -> None:
    state_dict_saver.save(trained.state_dict(), checkpoint_id=folder, no_dist=True)


def load_distributed(folder: Path, trained: Trained) -> None:
    state = trained.state_dict()
    state_dict_loader.load(
        state, checkpoint_id=folder, no_dist=True
    )  # into the tensors that are there
    trained.load_state_dict(state)


CONTENDERS = {
    OURS: Contender(save_ours, load_ours),
    ALONE: Contender(save_alone, load_alone),
    FLUSHED: Contender(save_flushed, load_alone),
    DISTRIBUTED: Contender(save_distributed, load_distributed),
}


def seconds_of(function: Callable[..., object], *arguments: object) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def compare(trained: Trained, other: Trained, folder: Path, turns: int, size: str) -> Times:
    """Let all save and load in turns."""
    times: Times = {f"{name}: {what}": [] for name in CONTENDERS for what in ("save", "load")}
    times |= {"CRC-32": [], "SHA-256": []}
    names = [*CONTENDERS]
    for turn in range(-1, turns):  # the first one warms up
        show_progress(turn + 1, turns + 1, f"{size} parameters")
        for name in names[turn % 4 :] + names[: turn % 4]:
            place = folder / "run"
            shutil.rmtree(place, ignore_errors=True)
            os.sync()  # nobody waits for the bytes of another one
            saved = seconds_of(CONTENDERS[name].save, place, trained)
            loaded = seconds_of(CONTENDERS[name].load, place, other)
            _require_equal(trained, other)
            if turn >= 0:
                times[f"{name}: save"].append(saved)
                times[f"{name}: load"].append(loaded)
                if name == OURS:
                    times["CRC-32"].append(seconds_of(_check_files, place))
                    times["SHA-256"].append(seconds_of(_hash_files, place))
    return times


def _require_equal(trained: Trained, other: Trained) -> None:
    for one, two in zip(trained.model.parameters(), other.model.parameters(), strict=True):
        here, there = trained.optimizer.state[one], other.optimizer.state[two]
        if not all(torch.equal(here[name], there[name]) for name in here):
            raise SystemExit("the loaded state of the optimizer differs from the saved one")
        if not torch.equal(one, two):
            raise SystemExit("the loaded weights differ from the saved ones")


def _check_files(folder: Path) -> None:
    found = Checkpoint.at(folder)
    for name, checksum in found.manifest.files.items():
        require_intact(found.folder / name, checksum)


def _hash_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")


def accompany(trained: Trained, folder: Path, turns: int, written: float, size: str) -> Times:
    """Let steps alone and steps with a save in the background take turns."""
    step = min(seconds_of(trained.step) for _ in range(3))
    steps = int(2 * written / step) + 2  # the write ends before the last of them
    times: Times = {"steps alone": [], "steps and a save": [], "snapshot": [], "wait": []}

    def train() -> None:
        for _ in range(steps):
            trained.step()

    last: Part | None = None
    for turn in range(-1, turns):
        show_progress(turn + 1, turns + 1, f"{size} parameters, in the background")
        shutil.rmtree(folder / "run", ignore_errors=True)
        os.sync()
        alone = seconds_of(train) if turn % 2 else 0.0  # first or last
        began = time.perf_counter()
        part = last = Part.of(trained.state_dict()).snapshot(last)
        begun = Unfinished.begin(folder / "run", CHANNEL, round_=0, step=0)
        saving = BackgroundWrite(begun, functools.partial(part.write, rank=0))
        snapshot = time.perf_counter() - began
        train()
        wait = seconds_of(saving.complete)
        beside = time.perf_counter() - began
        os.sync()
        alone = alone or seconds_of(train)
        if turn >= 0:
            for what, seconds in zip(times, (alone, beside, snapshot, wait), strict=True):
                times[what].append(seconds)
    return times


def quartiles(values: Sequence[float]) -> list[float]:
    """Return the first quartile, the median and the third quartile."""
    ordered = sorted(values)
    count = len(ordered)
    return [ordered[count // 4], statistics.median(ordered), ordered[(3 * count) // 4]]


def judge(times: Times, size: str) -> tuple[list[tuple[object, ...]], dict[str, Any], list[Bar]]:
    """Return rows of the table, figures, and bars of one size."""
    rows: list[tuple[object, ...]] = []
    figures: dict[str, Any] = {}
    both = {name: _sums(times[f"{name}: save"], times[f"{name}: load"]) for name in CONTENDERS}
    for name in CONTENDERS:
        saved, loaded = (_median_ms(times[f"{name}: {what}"]) for what in ("save", "load"))
        ratio = quartiles(_ratios(both[OURS], both[name]))
        rows.append((size, name, f"{saved:.0f}", f"{loaded:.0f}", *_shown(ratio)))
        figures[name] = {"save ms": saved, "load ms": loaded, "ratio": ratio}
    bars = []
    for what, rival in (("", ALONE), (" that flushes", FLUSHED)):
        faster = [*map(min, both[rival], both[DISTRIBUTED])]
        ratio = quartiles(_ratios(both[OURS], faster))
        name = f"{size}: save and load against the faster rival{what}"
        rows.append((size, f"the faster rival{what}", "", "", *_shown(ratio)))
        figures[f"the faster rival{what}"] = {"ratio": ratio}
        bars.append(bar(name, ratio[1], RATIO))
    lost = _sums(times["steps and a save"], [-each for each in times["steps alone"]])
    write = _median_ms(times[f"{OURS}: save"]) / 1e3
    share = quartiles([100 * each / write for each in lost])
    figures["background"] = {
        "lost ms": _median_ms(lost),
        "% of the write": share,
        **{f"{what} ms": _median_ms(times[what]) for what in ("snapshot", "wait", "steps alone")},
    }
    figures |= {f"{kind} ms": _median_ms(times[kind]) for kind in ("CRC-32", "SHA-256")}
    rows += [
        (size, "CRC-32 of our files", "", f"{figures['CRC-32 ms']:.0f}", "", ""),
        (size, "SHA-256 of our files", "", f"{figures['SHA-256 ms']:.0f}", "", ""),
        (size, "steps lose to the background", f"{_median_ms(lost):.0f}", "", "", ""),
        (size, "of this the snapshot", f"{_median_ms(times['snapshot']):.0f}", "", "", ""),
    ]
    bars.append(bar(f"{size}: % of the write that steps lose", share[1], SHARE))
    return rows, figures, bars


def _sums(these: Sequence[float], those: Sequence[float]) -> list[float]:
    return [this + that for this, that in zip(these, those, strict=True)]


def _ratios(these: Sequence[float], those: Sequence[float]) -> list[float]:
    return [this / that for this, that in zip(these, those, strict=True)]


def _median_ms(seconds: Sequence[float]) -> float:
    return 1e3 * statistics.median(seconds)


def _shown(ratio: Sequence[float]) -> tuple[str, str]:
    low, median, high = ratio
    return f"{median:.2f}", f"{low:.2f} {high:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest only, two turns")
    parser.add_argument("--folder", help="folder on the disk to measure; a temporary one if left")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # Of `torch.distributed.checkpoint` without a process group, and of types that it uses itself.
    warnings.filterwarnings("ignore", module=r"torch\.")
    gc.disable()
    rows: list[tuple[object, ...]] = [
        ("parameters", "who", "save ms", "load ms", "ratio", "quartiles")
    ]
    figures, bars = {}, []
    for size in [*SIZES][:1] if arguments.quick else [*SIZES][1:]:
        trained, other = Trained.of(*SIZES[size]), Trained.of(*SIZES[size])
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            times = compare(trained, other, Path(folder), TURNS[size], size)
            written = statistics.median(times[f"{OURS}: save"])
            del other
            times |= accompany(trained, Path(folder), TURNS[size], written, size)
        more, figures[size], held = judge(times, size)
        rows += more
        bars += held
    title = "Checkpoints beside torch.save and torch.distributed.checkpoint"
    return report(title, rows, figures, bars, (*PACKAGES, "clantune-clan", "safetensors", "torch"))


if __name__ == "__main__":
    sys.exit(main())
