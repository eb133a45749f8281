"""Callbacks of the runs, which record what Trainer does, or disturb it."""

import os
import signal

import torch
import torch.distributed as dist
from transformers import TrainerCallback
from transformers_parts import weights_of


class Recorder(TrainerCallback):
    """Records the gradients of each step of the optimizer."""

    def __init__(self, model):
        self.model, self.gradients = model, []

    def on_pre_optimizer_step(self, *_, **__):
        parts = [p.grad.double().sum().item() for p in self.model.parameters()]
        self.gradients.append(parts)


class StepWeights(TrainerCallback):
    """Records the weights after each step of the optimizer, before the clan ends a round."""

    def __init__(self):
        self.weights = []

    def on_optimizer_step(self, args, state, control, model, **_):
        self.weights.append(torch.nn.utils.parameters_to_vector(model.parameters()).clone())


class BestAtSave(TrainerCallback):
    """Records the clan's best weights at each checkpoint."""

    def __init__(self, callback):
        self.callback, self.weights = callback, {}

    def on_save(self, args, state, control, **_):
        self.weights[state.global_step] = weights_of(self.callback.clan.best())


class Kill(TrainerCallback):
    """Kills the process after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


class Stop(TrainerCallback):
    """Stops the run after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **_):
        control.should_training_stop |= state.global_step == self.step


class FailOnRank(TrainerCallback):
    """Raises an error on one rank."""

    def __init__(self, rank, step):
        self.rank, self.step = rank, step

    def on_step_end(self, args, state, control, **_):
        if (dist.get_rank(), state.global_step) == (self.rank, self.step):
            raise ValueError("no luck")


class Logger(TrainerCallback):
    """Records what the loggers of `report_to` get."""

    def __init__(self):
        self.logged = []

    def on_log(self, args, state, control, logs, **_):
        self.logged.append({**logs, "step": state.global_step})


class Do(TrainerCallback):
    """Calls a function at an event, with the arguments of the event."""

    def __init__(self, event, function):
        def call(args, state, control, **given):
            function(state=state, **given)

        setattr(self, event, call)
