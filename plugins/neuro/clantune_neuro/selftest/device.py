"""Every source of noise and every device gives the committed hashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from clantune_neuro.errors import NeuroError
from clantune_neuro.gates import Report, none_of
from clantune_neuro.noise.sources import NumpySource, Source, TorchSource
from clantune_neuro.replay.nursery import Nursery
from clantune_neuro.selftest.hashes import BLUEPRINTS, CASES, HASHES, hash_of


def measure(*, weights: Sequence[int], progress: Callable[[int, int], None]) -> Report:
    """Replay a birth and a gene of each operator on every device, and compare their hashes.

    Args:
        weights: Numbers of weights of the networks, of those that have hashes.
        progress: Is told how many replays are done, and of how many.

    Raises:
        NeuroError: There are no hashes for a number of weights.
    """
    for size in weights:
        if size not in BLUEPRINTS:
            raise NeuroError(
                f"there are no hashes for {size:,} weights; there are some for "
                f"{' and '.join(f'{known:,}' for known in BLUEPRINTS)}"
            )
    cases = [case for case in CASES if case[0] in weights]
    places = _places()
    counts = []
    for number, (name, (device, source)) in enumerate(places.items()):
        differ = 0
        for place, (size, what) in enumerate(cases):
            nursery = Nursery(BLUEPRINTS[size], cap=0, device=device, source=source)
            differ += hash_of(size, what, nursery) != HASHES[size, what]
            progress(number * len(cases) + place + 1, len(places) * len(cases))
        counts.append((name, len(cases), differ))
    return Report(
        f"Committed hashes of {' and '.join(f'{size:,}' for size in weights)} weights",
        lines=[("device", "hashes", "mismatches"), *counts],
        gates=[none_of("mismatches", sum(differ for *_, differ in counts))],
        facts={"CUDA": _cuda()},
        claim="every device replays a lineage to the same bits",
    )


def _places() -> dict[str, tuple[torch.device, Source]]:
    cpu = torch.device("cpu")
    places: dict[str, tuple[torch.device, Source]] = {
        "CPU, numpy": (cpu, NumpySource()),
        "CPU, torch": (cpu, TorchSource(cpu)),
    }
    if torch.cuda.is_available():
        cuda = torch.device("cuda")
        places[f"CUDA, {torch.cuda.get_device_name()}"] = (cuda, TorchSource(cuda))
    return places


def _cuda() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "there is none"
