"""Features of the Trainer of Lightning that work with a clan: callbacks and options."""

import os

import torch
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    LearningRateMonitor,
    ModelCheckpoint,
    TQDMProgressBar,
)
from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.plugins import MixedPrecision
from lightning_described import feature, run
from lightning_task import Classifier, weights_of
from local_trackers import trackers_in
from torch import nn
from torch.nn.functional import cross_entropy

from clantune_frameworks.lightning.checkpoints import KEY


@feature("Progress bar")
def _(folder):
    bar = TQDMProgressBar()
    answer = run(folder, bar, enable_progress_bar=True)
    return {**answer, "bar": [bar.train_progress_bar.n, bar.train_progress_bar.total]}


@feature("Loggers (`CSVLogger`)")
def _(folder):
    return run(folder, logger=CSVLogger(folder / "log"), log_every_n_steps=1, max_epochs=2)


@feature("Loggers (`TensorBoardLogger`, `WandbLogger`, `MLFlowLogger`)")
def _(folder):
    folder = folder / "tracked"
    folder.mkdir(exist_ok=True)
    os.environ |= trackers_in(folder)
    wandb = WandbLogger(save_dir=folder, offline=True)
    loggers = [
        TensorBoardLogger(folder, name="board", version="one"),
        wandb,
        MLFlowLogger(tracking_uri=(folder / "mlruns").as_uri()),
    ]
    answer = run(folder, logger=loggers, log_every_n_steps=1, max_epochs=2)
    wandb.experiment.finish()
    return answer


@feature("`LearningRateMonitor`")
def _(folder):
    logger = CSVLogger(folder / "rates")
    return run(folder, LearningRateMonitor(), logger=logger, log_every_n_steps=1)


class WeightsToSave(Callback):
    """Asks for the weights that a checkpoint would have, in the middle of the second round."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        if trainer.global_step != 7:
            return
        live = [*module.state_dict().values()]
        before = [each.clone() for each in live]
        saved = [*trainer.strategy.lightning_module_state_dict().values()]
        places = {each.data_ptr() for each in live}
        self.seen = {
            "are_copies": places.isdisjoint(each.data_ptr() for each in saved),
            "leave_the_member": all(map(torch.equal, live, before)),
            "are_those_of_the_member": all(map(torch.equal, live, saved)),
        }


@feature("`ModelCheckpoint(monitor=...)`")
def _(folder):
    files = ModelCheckpoint(folder / "monitored", monitor="val_loss", save_last=True)
    asks = WeightsToSave()
    answer = run(folder, files, asks, max_epochs=2, limit_train_batches=5)
    best = Classifier.load_from_checkpoint(folder / "monitored/last.ckpt", weights_only=True)
    return {**answer, "loaded": weights_of(best), "saved": asks.seen}


@feature("`ModelCheckpoint(save_weights_only=True)`")
def _(folder):
    files = ModelCheckpoint(folder / "weights", "{step}", save_weights_only=True, save_top_k=-1)
    answer = run(folder, files)
    path = folder / "weights" / f"step={answer['steps']}.ckpt"
    loaded = weights_of(Classifier.load_from_checkpoint(path))
    return {**answer, "loaded": loaded, "has_the_clan": KEY in torch.load(path, weights_only=True)}


@feature("`EarlyStopping`")
def _(folder):
    stop = EarlyStopping("val_loss", min_delta=10.0, patience=1)
    return run(folder, stop, max_epochs=5)


@feature("`max_steps`")
def _(folder):
    return run(folder, max_steps=9, max_epochs=-1)


@feature("`gradient_clip_val`")
def _(folder):
    return run(folder, gradient_clip_val=0.01)


@feature("`accumulate_grad_batches`")
def _(folder):
    return run(folder, accumulate_grad_batches=2, max_epochs=2)


class Typed(Classifier):
    """Notes the kind of number that the network returns."""

    def training_step(self, batch, batch_idx):
        inputs, targets = batch
        outputs = self.net(inputs)
        self.kind = str(outputs.dtype)
        return cross_entropy(outputs, targets)


@feature("`precision='bf16-mixed'`")
def _(folder):
    module = Typed()
    return {**run(folder, module=module, precision="bf16-mixed"), "kind": module.kind}


@feature("`precision='16-mixed'`, with its scaler")
def _(folder):
    module, scaler = Typed(), torch.amp.GradScaler("cpu", init_scale=2.0**10)
    answer = run(folder, module=module, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])
    return {**answer, "kind": module.kind, "scale": scaler.get_scale()}


@feature("`torch.compile(module)`")
def _(folder):
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    answer = run(folder, module=torch.compile(Classifier(), backend=backend))
    return {**answer, "graphs": len(graphs)}


@feature("`find_unused_parameters=True`")
def _(folder):
    module = Classifier()
    module.unused = nn.Linear(2, 2)
    return run(folder, module=module, strategy="ddp_find_unused_parameters_true")
