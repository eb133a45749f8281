"""Small clans of one process, for the tests of a run."""

import torch
from torch import nn

from clantune_clan import Clan

X = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * X[:, 1:]


def model_and_optimizer(kind=torch.optim.AdamW, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    return model, kind(model.parameters(), **{"lr": 0.01, "weight_decay": 0.1} | options)


def clan(**options):
    model, optimizer = model_and_optimizer()
    given = {"model": model, "optimizer": optimizer, "autobind": ["adamw"], "round_length": 4}
    return Clan(**(given | options))


def loss(model):
    return (model(X) - Y).square().mean()


def take_step(model, optimizer):
    loss(model).backward()
    optimizer.step()
    optimizer.zero_grad()


def train(member):
    while not member.done:
        take_step(member.model, member.optimizer)
        member.step()
