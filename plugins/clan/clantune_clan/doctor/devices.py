"""Devices and backends: CUDA, NCCL and gloo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as dist

from clantune_clan.doctor.finding import Finding, Plan, note, ok, problem

DRIVER = Path("/proc/driver/nvidia/version")


def devices(plan: Plan) -> Iterator[Finding]:
    """Say on what members compute, and by what they exchange tensors."""
    if not dist.is_available() or not dist.is_gloo_available():
        yield problem(
            "this torch has no gloo, by which the ranks of a clan exchange data",
            "install a torch with torch.distributed and gloo, as pytorch.org offers it",
        )
        return
    yield ok("gloo is available")
    if torch.cuda.is_available():
        yield from _cuda(plan)
    elif DRIVER.exists():
        yield problem(
            f"there is an NVIDIA driver, but torch {torch.__version__} finds no GPU",
            "install a torch with CUDA that fits the driver, or check CUDA_VISIBLE_DEVICES",
        )
    else:
        yield ok("no GPU: members compute on the CPU, and gloo averages their gradients")


def _cuda(plan: Plan) -> Iterator[Finding]:
    count = torch.cuda.device_count()
    names = sorted({torch.cuda.get_device_name(index) for index in range(count)})
    yield ok(f"{count} GPU: {', '.join(names)}; CUDA {torch.version.cuda}")
    if count < plan.members:
        yield note(
            f"{plan.members} members share {count} GPU, so gloo averages their gradients, through "
            "the CPU",
            f"start {count} members per machine for one GPU each, which NCCL connects",
        )
    elif not dist.is_nccl_available():
        yield problem(
            "this torch has no NCCL, so gloo averages gradients, through the CPU",
            "install a torch with NCCL, as pytorch.org offers it for CUDA",
        )
    else:
        yield ok(f"NCCL {'.'.join(map(str, torch.cuda.nccl.version()))} is available")
