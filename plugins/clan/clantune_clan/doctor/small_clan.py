"""A clan that trains for one round, to see whether a clan works here: `python -m` runs it.

Rank 0 prints each stage that all ranks have reached.
"""

from __future__ import annotations

import os
import sys

import attrs
import torch
from torch.nn.functional import mse_loss

from clantune_clan import Clan
from clantune_clan.doctor.trial import STAGES
from clantune_core import AbstractCrossbreedingStrategy, Ancestry, Population

MET, AVERAGED, TURNED = STAGES


@attrs.frozen
class Everyone(AbstractCrossbreedingStrategy):
    """Every member is a parent, so that weights travel between all ranks."""

    def select_ancestry(self, population_genomes: Population) -> Ancestry:
        """Give each member the same weight."""
        return Ancestry.from_weights([1.0] * len(population_genomes), population_genomes)


def main() -> None:
    """Meet, average gradients, and turn over one round."""
    device = _device()
    model = torch.nn.Linear(4, 1).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    clan = Clan(
        model=model,
        optimizer=optimizer,
        strategies=[Everyone()],
        settings={"inheritance": "mean"},
        round_length=3,
        duty_cycle=0.0,
        timeout=float(sys.argv[1]),
        verbose=False,
    )
    clan.add_gene("lr")
    channel = clan.communicator
    channel.gather("the start of the small clan", channel.rank)
    _reach(MET, channel.rank)
    member = clan.round()
    batch = torch.full((2, 4), 1.0 + channel.rank, device=device)  # of each rank another one
    while not member.done:
        mse_loss(model(batch), batch[:, :1]).backward()
        optimizer.step()
        optimizer.zero_grad()
        member.step()
    weights = channel.gather("the weights", [float(each.sum()) for each in model.parameters()])
    if any(each != weights[0] for each in weights):
        raise SystemExit(f"the gradients were not averaged: the weights became {weights}")
    _reach(AVERAGED, channel.rank)
    clan.step(1.0 + channel.rank)
    clan.close()
    _reach(TURNED, channel.rank)


def _device() -> torch.device:
    """Return a GPU of its own for each process, if there are enough."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.device_count() < int(os.environ.get("LOCAL_WORLD_SIZE", "1")):
        return torch.device("cpu")
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


def _reach(stage: str, rank: int) -> None:
    if rank == 0:
        sys.stdout.write(f"{stage}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
