"""Make the files `runs/*.jsonl`, which are of real ranks.

Run it in this folder: clantune launch -n 4 make_runs.py
"""

from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import mse_loss

from clantune import Clan

FOLDER = Path(__file__).parent / "runs"


def train(rule, presets):
    torch.manual_seed(0)
    x = torch.randn(600, 8, generator=torch.Generator().manual_seed(1))
    y = x[:, :1] * x[:, 1:2]
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Dropout(0.2), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.001, weight_decay=0.5)
    path = FOLDER / f"{rule}.jsonl"
    with Clan(
        model=model,
        optimizer=optimizer,
        total_steps=120,
        round_length=20,
        autobind=presets,
        strategies=rule,
        history=path,
        observers=[],
    ) as clan:
        loader = clan.loader(torch.utils.data.TensorDataset(x[:400], y[:400]), batch_size=16)
        for member in clan.rounds():
            for batch, targets in member.batches(loader):
                mse_loss(member.model(batch), targets).backward()
                member.optimizer.step()
                member.optimizer.zero_grad()
            clan.step(lambda judged: mse_loss(judged(x[400:]), y[400:]))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    train("factorial", ["adamw"])
    train("as_specified", ["adamw", "dropout"])
