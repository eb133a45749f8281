"""The loops of the specification, filled in. Run by `torchrun`; rank 0 prints what came of them."""

import json
import os

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW

from clantune import Clan, clan_loader

torch.set_num_threads(1)

ROUND = 100  # 1000 in the specification, whose data last longer

generator = torch.Generator().manual_seed(0)
features = torch.randn(12_000, 4, generator=generator)
classes = (features[:, 0] > 0).long()
train_dataset = torch.utils.data.TensorDataset(features, classes)
val_loader = [(features[:512], classes[:512])]


class MyModel(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def get_validation_loss(model, val_loader):
    with torch.no_grad():
        return sum(cross_entropy(model(batch), labels).item() for batch, labels in val_loader)


def outcome(clan, member):
    records = list(clan.history)
    return {
        "rounds": len({record.round for record in records}),
        "members": len({record.member for record in records}),
        "genes": sorted(clan.genome.alleles),
        "steps": member.steps_done,
        "lr": member.get_value("optimizer/param_groups/0/lr"),
    }


def changes_of_the_optimizer_only():
    model = MyModel()
    optimizer = AdamW(model.parameters(), lr=1e-5, weight_decay=0.01)
    loader = clan_loader(train_dataset, batch_size=32, round_length=ROUND, duty_cycle=0.15)

    clan = Clan(
        model=model,  # Model reference for sync control
        optimizer=optimizer,  # Optimizer reference for hyperparameter application
        round_length=ROUND,  # Steps per round
        duty_cycle=0.15,  # Fraction of round in competitive phase
        autobind=["adamw"],  # Automatically bind all AdamW hyperparameters
    )
    member = clan.round()
    for batch, labels in loader:
        logits = member.model(batch)
        loss = cross_entropy(logits, labels)

        # Wrap only the backward pass for gradient sync control
        with member.sync_context():
            loss.backward()

        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()

        if member.done:
            validation_loss = get_validation_loss(member.model, val_loader)
            clan.step(validation_loss)
            member = clan.round()  # Start next round, get new member
    return outcome(clan, member)


def evolution_of_gradient_accumulation():
    model = MyModel()
    optimizer = AdamW(model.parameters(), lr=1e-5, weight_decay=0.01)
    loader = clan_loader(train_dataset, batch_size=32, round_length=ROUND, duty_cycle=0.15)
    clan = Clan(
        model=model,
        optimizer=optimizer,
        round_length=ROUND,
        duty_cycle=0.15,
        autobind=["adamw", "gradient_accumulation"],  # Bind optimizer + grad accum
    )
    # Start a round, get this rank's member
    member = clan.round()

    # Training loop with gradient accumulation
    accum_steps = 0
    for batch, labels in loader:
        logits = member.model(batch)
        loss = cross_entropy(logits, labels)

        # Get current accumulation count from genome
        num_grad_accum = member.get_gene("num_grad_accum")
        loss = loss / num_grad_accum

        with member.sync_context():
            loss.backward()

        accum_steps += 1
        if accum_steps >= num_grad_accum:
            member.optimizer.step()
            member.optimizer.zero_grad()
            accum_steps = 0

        member.step()

        if member.done:
            validation_loss = get_validation_loss(member.model, val_loader)
            clan.step(validation_loss)
            member = clan.round()
    return outcome(clan, member)


def individual_in_explicit_style(clan, loader):
    individual = clan.round()

    for batch, labels in loader:
        logits = individual.model(batch)
        loss = cross_entropy(logits, labels)

        with individual.sync_context():
            loss.backward()

        individual.optimizer.step()
        individual.optimizer.zero_grad()
        individual.step()

        if individual.done:
            validation_loss = get_validation_loss(individual.model, val_loader)
            clan.step(validation_loss)
            individual = clan.round()
    return outcome(clan, individual)


def individual_as_a_context_manager(clan, loader):
    individual = clan.round()

    for batch, labels in loader:
        with individual as state:
            loss = cross_entropy(state.model(batch), labels)
            loss.backward()
            state.optimizer.step()
            state.optimizer.zero_grad()

        if individual.done:
            validation_loss = get_validation_loss(individual.model, val_loader)
            clan.step(validation_loss)
            individual = clan.round()
    return outcome(clan, individual)


def genes_added_by_hand():
    model = MyModel()
    optimizer = AdamW(model.parameters(), lr=1e-5, weight_decay=0.01)
    clan = Clan(model=model, optimizer=optimizer, round_length=40, duty_cycle=0.15)
    clan.add_genome(name="lr", type="optimizer")
    clan.add_genome(name="weight_decay", type="optimizer")
    clan.add_genome(name="betas/0", type="optimizer")
    clan.add_genome(name="betas/1", type="optimizer")
    return individual_in_explicit_style(clan, clan.loader(train_dataset, batch_size=32))


def in_short_rounds(loop):
    model = MyModel()
    optimizer = AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    clan = Clan(
        model=model, optimizer=optimizer, round_length=40, duty_cycle=0.15, autobind=["adamw"]
    )
    return loop(clan, clan.loader(train_dataset, batch_size=32))


if __name__ == "__main__":
    torch.manual_seed(0)
    printed = {
        "optimizer": changes_of_the_optimizer_only(),
        "by hand": genes_added_by_hand(),
        "accumulation": evolution_of_gradient_accumulation(),
        "explicit": in_short_rounds(individual_in_explicit_style),
        "context": in_short_rounds(individual_as_a_context_manager),
    }
    if os.environ["RANK"] == "0":
        print(json.dumps(printed))
