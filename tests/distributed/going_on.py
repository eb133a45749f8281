"""A run that is saved at some steps, and goes on in other processes.

A test module has a `Script`, and a function `script` that the ranks call with the name of a method.
"""

from collections.abc import Callable

import attrs
import torch
import torch.distributed as dist
from torch.amp import GradScaler


def outcome(clan):
    """Return all that a run leads to, in bits: tensors, genome, history, and the loss scale."""
    state, scaler = clan._state, clan._setup.scaler
    tensors = [*state.model.state_dict().values()]
    for optimizer in state.optimizers.values():
        for entry in optimizer.state.values():
            tensors += [tensor for tensor in entry.values() if tensor is not None]
    records = [{**record.as_data(), "seconds": {}} for record in clan.history]
    scale = None if scaler is None else scaler.state_dict()
    return [bits_of(tensor) for tensor in tensors], clan.genome.serialize(), records, scale


def bits_of(tensor):
    """Return the values of a tensor, or of the shard that this rank has of it."""
    return getattr(tensor, "to_local", lambda: tensor)().tolist()


@attrs.frozen
class Script:
    """What a script trains.

    Attributes:
        make: Makes the clan and the loader from the name of a recipe and options.
        step: Trains a member on a batch.
        judge: Returns the loss of a model.
        result: Returns all that a run leads to.
    """

    make: Callable
    step: Callable
    judge: Callable
    result: Callable = outcome

    def never_stopped(self, recipe, options):
        clan, loader = self.begin(recipe, options)
        self.train(clan, loader)
        return self.result(clan)

    def stopped(self, recipe, options, steps, folder):
        clan, loader = self.begin(recipe, options)
        self.train(clan, loader, steps, folder)
        return self.result(clan)

    def resumed(self, recipe, options, folder):
        clan, loader = self.make(recipe, **options)
        clan.resume(folder)
        self.train(clan, loader)
        return self.result(clan)

    def begin(self, recipe, options):
        clan, loader = self.make(recipe, **options)
        torch.manual_seed(100 + dist.get_rank())  # dropout and noise differ between ranks
        return clan, loader

    def train(self, clan, loader, saves=(), folder=None, every_step=lambda step: None):
        """Train to the end, or to the last of the steps at which a checkpoint is written."""
        member = clan.round() if clan._training is None else clan._training.member
        while not clan.finished:
            for batch in loader:
                self.step(clan, member, batch)
                member.step()
                step = member.steps_done
                every_step(step)
                if member.done:
                    clan.step(self.judge)
                if step in saves:
                    clan.save(folder)
                    if step == max(saves):
                        return
                if member.done:
                    member = clan.round()


def train_on(clan, member, batch):
    """Train with all that the clan was given: its optimizers, scaler, and schedulers."""
    (x, y), optimizers, scaler = batch, clan._state.optimizers.values(), clan._setup.scaler
    with torch.autocast("cpu", dtype=torch.float16, enabled=scaler is not None):
        loss = (member.model(x) - y).square().mean()
    (loss if scaler is None else scaler.scale(loss)).backward()
    for optimizer in optimizers:
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
    if scaler is not None:
        scaler.update()
    for scheduler in clan._setup.schedulers.given:
        scheduler.step()
    member.model.zero_grad()


def two_optimizers(body, head):
    """Return two optimizers of other parameters and of other classes, and a scheduler for each."""
    optimizers = [
        torch.optim.AdamW(body, lr=0.01, weight_decay=0.1),
        torch.optim.SGD(head, lr=0.05, momentum=0.5),
    ]
    return optimizers, [torch.optim.lr_scheduler.StepLR(each, 10) for each in optimizers]


def growing_scaler():
    """Return a scaler whose scale grows until gradients overflow."""
    return GradScaler("cpu", init_scale=2.0**10, growth_interval=2)


def folder_of(folder, step, round_length):
    """Return the folder of the checkpoint that was written at a step."""
    return str(folder / f"step-{step:09d}-round-{step // round_length:05d}")


def assert_goes_on(ranks, script, recipe, options, steps, round_length, folder):
    """Compare a run that is resumed at each of some steps with the run that was never stopped."""
    wanted = ranks.run(script, "never_stopped", recipe, options)
    ranks.run(script, "stopped", recipe, options, steps, str(folder))
    for step in steps:
        place = folder_of(folder, step, round_length)
        assert ranks.run(script, "resumed", recipe, options, place) == wanted, step
    return wanted
