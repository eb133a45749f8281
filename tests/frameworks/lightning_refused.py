"""Features of Lightning that a clan refuses, and mistakes that it finds."""

import os

from lightning.pytorch.callbacks import (
    Callback,
    GradientAccumulationScheduler,
    ModelCheckpoint,
    StochasticWeightAveraging,
    WeightAveraging,
)
from lightning.pytorch.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
)
from lightning_described import feature, run
from lightning_task import Classifier, a_clan, trainer_of, valid_set
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import fp16_compress_hook
from torch.optim import LBFGS, lr_scheduler
from torch.utils.data import DataLoader, DistributedSampler


@feature("`StochasticWeightAveraging`")
def _(folder):
    return run(folder, StochasticWeightAveraging(0.01))


@feature("`WeightAveraging`")
def _(folder):
    return run(folder, WeightAveraging())


@feature("`GradientAccumulationScheduler`")
def _(folder):
    return run(folder, GradientAccumulationScheduler({1: 2}))


@feature("`FSDPStrategy`")
def _(folder):
    return refused_by_strategy(folder, FSDPStrategy)


@feature("`ModelParallelStrategy`")
def _(folder):
    return refused_by_strategy(folder, ModelParallelStrategy)


@feature("`DeepSpeedStrategy`")
def _(folder):
    return refused_by_strategy(folder, DeepSpeedStrategy)


def refused_by_strategy(folder, kind):
    """Call the first hook of the callback with a strategy that needs other machines."""
    clan = a_clan(judge=float)  # a metric would need a validation, which the fit has not set up
    trainer = trainer_of(folder, clan)
    trainer.strategy.__class__ = kind
    clan.setup(trainer, Classifier(), "fit")


@feature("`DDPStrategy(ddp_comm_hook=...)`")
def _(folder):
    return run(folder, strategy=DDPStrategy(ddp_comm_hook=fp16_compress_hook))


@feature("LBFGS")
def _(folder):
    class Second(Classifier):
        def configure_optimizers(self):
            return LBFGS(self.parameters())

    return run(folder, module=Second())


@feature("`devices=1` under torchrun")
def _(folder):
    os.environ["WORLD_SIZE"] = "4"
    return run(folder, strategy="auto", devices=1)


@feature("A preset for accumulation")
def _(folder):
    return run(folder, clan=a_clan(autobind=["adamw", "gradient_accumulation"]))


@feature("`judge=` of an unknown metric")
def _(folder):
    return run(folder, clan=a_clan(judge="accuracy"))


@feature("`judge=` without validation data")
def _(folder):
    return run(folder, limit_val_batches=0)


@feature("A validation loader with `DistributedSampler`")
def _(folder):
    loader = DataLoader(valid_set, sampler=DistributedSampler(valid_set, shuffle=False))
    return run(folder, data=(Classifier().train_dataloader(), loader))


@feature("`ckpt_path` of a run without a clan")
def _(folder):
    files = ModelCheckpoint(folder / "plain", "{step}", every_n_train_steps=3)
    trainer_of(folder, files, max_epochs=1).fit(Classifier())
    return run(folder, ckpt_path=folder / "plain" / "step=6.ckpt")


@feature("A scheduler that `configure_optimizers` does not return")
def _(folder):
    class Kept(Classifier):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            self.scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9)
            return optimizer

        def on_train_batch_end(self, outputs, batch, batch_idx):
            self.scheduler.step()

    return run(folder, module=Kept())


@feature("An assignment to `lr` in `on_train_batch_end`")
def _(folder):
    class Decaying(Classifier):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            for group in self.trainer.optimizers[0].param_groups:
                group["lr"] *= 0.9

    return run(folder, module=Decaying())


@feature("`trainer.optimizers`, replaced while it trains")
def _(folder):
    class Restarted(Classifier):
        def on_train_epoch_start(self):
            if self.current_epoch == 1:
                self.trainer.optimizers = [self.configure_optimizers()]

    return run(folder, module=Restarted(), max_epochs=2)


@feature("`configure_optimizers`, called again by a callback")
def _(folder):
    class Again(Callback):
        def on_fit_start(self, trainer, module):
            trainer.strategy.setup_optimizers(trainer)

    return run(folder, Again())
