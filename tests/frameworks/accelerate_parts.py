"""A small task, and a script with Accelerate that trains on it, with a clan or without."""

import attrs
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.tracking import GeneralTracker, on_main_process
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from clantune.accelerate import accelerate_clan
from clantune_core import AbstractCrossbreedingStrategy, Ancestry
from clantune_strategies import as_specified

torch.set_num_threads(1)
X = torch.randn(160, 4, generator=torch.Generator().manual_seed(1))
Y = X[:, :1] * X[:, 1:2]
RATE = 0.01
STEPS = 16
WINDOWS = {"gradient_accumulation_steps": 3}
LONG_ROUND = {"round_length": 12, "total_steps": 24}


@attrs.frozen
class KeepOwn(AbstractCrossbreedingStrategy):
    """Each member keeps its own weights."""

    def select_ancestry(self, population_genomes, context):
        return Ancestry.sole(context.rank, population_genomes)


class Lines(GeneralTracker):
    """A tracker that keeps what it is given."""

    name, requires_logging_directory = "lines", False

    def __init__(self):
        super().__init__()
        self.lines = []

    @property
    def tracker(self):
        return self.lines

    @on_main_process
    def log(self, values, step=None, **_):
        self.lines.append([step, values])

    def store_init_configuration(self, values):
        pass


class Stream(IterableDataset):
    """The samples without a length."""

    def __iter__(self):
        return iter(zip(X, Y, strict=True))


class Script:
    """What a script has after `accelerator.prepare`, and the steps that it makes.

    Attributes:
        made: Step by step of the optimizer, its phase, the gradients that it used, their rate, that
            of the scheduler, and the gene.
    """

    def __init__(self, scaler=None, data=None, scheduled=True, several=False, clip=None, **options):
        AcceleratorState._reset_state()  # a process has one, and each script has other options
        GradientState._reset_state()
        self.accelerator = Accelerator(cpu=True, **options)
        if scaler is not None:
            self.accelerator.scaler = scaler
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.1), nn.Linear(16, 1))
        parts = model.children() if several else [model]
        parts = [part for part in parts if [*part.parameters()]]
        optimizers = [
            torch.optim.AdamW(part.parameters(), lr=RATE, weight_decay=0.1) for part in parts
        ]
        kind = torch.optim.lr_scheduler.StepLR
        schedulers = [kind(each, 40, gamma=0.5) for each in optimizers if scheduled]
        loader = DataLoader(data or TensorDataset(X, Y), batch_size=4, shuffle=data is None)
        prepare = self.accelerator.prepare
        self.model, self.loader, *rest = prepare(model, loader, *optimizers, *schedulers)
        self.optimizers, self.schedulers = rest[: len(optimizers)], rest[len(optimizers) :]
        self.clip = clip or (lambda it: it.clip_grad_norm_(self.model.parameters(), 0.5))
        self.made, self.losses, self.member, self.hook = [], [], None, None

    def clan(self, **options):
        """Put a clan into the script."""
        given = {"total_steps": STEPS, "round_length": 8, "duty_cycle": 0.5, "seed": 3}
        given |= {"strategies": as_specified(), "timeout": 30.0}
        given |= {"scheduler": _alone(self.schedulers)}
        self.accelerator.init_trackers("run")
        clan, self.loader = accelerate_clan(
            self.accelerator,
            self.model,
            _alone(self.optimizers),
            self.loader,
            **(given | options),
        )
        torch.manual_seed(100 + self.accelerator.process_index)
        return clan

    def step(self, batch):
        """Make a step as in the documentation of Accelerate."""
        x, y = batch
        with self.accelerator.accumulate(self.model):
            loss = (self.model(x) - y).square().mean()
            self.accelerator.backward(loss)
            if self.accelerator.sync_gradients:
                self.clip(self.accelerator)
            for each in (*self.optimizers, *self.schedulers):
                each.step()
            for each in self.optimizers:
                each.zero_grad()
        self.losses.append(loss.item())

    def rounds(self, clan, after_step=lambda step: None, after_round=lambda clan: None):
        """Train until the run is over."""
        for self.member in clan.rounds():
            if self.hook is None:  # after the clan's own, so that it sees the rates in a step
                bare = self.optimizers[-1].optimizer
                self.hook = bare.register_step_pre_hook(self._note)
            for batch in self.member.batches(self.loader):
                self.step(batch)
                after_step(self.member.steps_done + 1)
            clan.step(judge)
            after_round(clan)
        return clan

    def steps(self, clan):
        """Train until the run is over, and yield the number of batches after each."""
        self.member = clan.round()
        while not clan.finished:
            for batch in self.loader:
                self.step(batch)
                self.member.step()
                yield self.member.steps_done
                if self.member.done:
                    clan.step(judge)
                    self.member = clan.round()

    def _note(self, optimizer, *_):
        scheduled = self.schedulers[-1].get_last_lr()[0]
        rates = [name for name in self.member.genome.alleles if name.split("/")[-1] == "lr"]
        gradients = [p.grad for p in self.model.parameters()]
        self.made.append(
            {
                "mode": self.member.mode,
                "gradients": [each.flatten().tolist() for each in gradients],
                "norm": torch.cat([each.flatten() for each in gradients]).norm().item(),
                "rate": optimizer.param_groups[0]["lr"],
                "expected": scheduled * (self.member.get_gene(rates[-1]) / RATE if rates else 1.0),
            }
        )

    def answer(self, clan):
        """Return what a test may look at."""
        return {
            "made": self.made,
            "losses": self.losses,
            "weights": weights(self.model),
            "best": weights(clan.best()),
            "description": clan.describe(),
            "history": [(each.round, each.member, each.metric) for each in clan.history],
        }


def run(clan=None, **options):
    """Train with a clan from its first round to its last."""
    script = Script(**options)
    return script.answer(script.rounds(script.clan(**(clan or {}))))


def _alone(things):
    return things if len(things) > 1 else next(iter(things), None)


def judge(model):
    return (model(X[:64]) - Y[:64]).square().mean()


def weights(model):
    return [parameter.flatten().tolist() for parameter in model.parameters()]
