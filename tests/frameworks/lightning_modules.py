"""Features of modules of Lightning that work with a clan: schedulers, validation, optimizers."""

import torchmetrics
from lightning_described import feature, run
from lightning_task import Classifier, a_clan, classes, features, train_set
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD, lr_scheduler
from torch.utils.data import DataLoader


class Scheduled(Classifier):
    def __init__(self, make, **config):
        super().__init__()
        self.make, self.config = make, config

    def configure_optimizers(self):
        optimizer = super().configure_optimizers()
        scheduler = {"scheduler": self.make(optimizer, self), **self.config}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}


@feature("Scheduler, stepped by batch")
def _(folder):
    module = Scheduled(lambda o, _: lr_scheduler.ExponentialLR(o, 0.9), interval="step")
    return run(folder, module=module)


@feature("Scheduler, stepped by epoch")
def _(folder):
    module = Scheduled(lambda o, _: lr_scheduler.ExponentialLR(o, 0.1), interval="epoch")
    return run(folder, module=module, max_epochs=2)


@feature("`ReduceLROnPlateau`")
def _(folder):
    def make(optimizer, _):
        return lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0)

    return run(folder, module=Scheduled(make, monitor="val_loss"), max_epochs=2)


@feature("`OneCycleLR`, with `estimated_stepping_batches`")
def _(folder):
    def make(optimizer, module):
        total = module.trainer.estimated_stepping_batches
        return lr_scheduler.OneCycleLR(optimizer, 0.1, total, cycle_momentum=False)

    return run(folder, module=Scheduled(make, interval="step"))


class Judged(Classifier):
    """Computes the judge's metric by hand whenever its validation is over."""

    def __init__(self, samples, metric=cross_entropy):
        super().__init__()
        self.samples, self.metric, self.by_hand = samples, metric, []

    def on_validation_epoch_end(self):
        outputs = self.net(features[self.samples]).detach()
        self.by_hand.append(float(self.metric(outputs, classes[self.samples])))


def judged(folder, module, **options):
    """Return what a run has given, and the metrics that were computed by hand."""
    return {**run(folder, module=module, **options), "by_hand": module.by_hand}


@feature("Validation, `val_check_interval`")
def _(folder):
    return judged(folder, Judged(slice(192, None)), val_check_interval=2)


@feature("Several validation loaders")
def _(folder):
    class Several(Judged):
        def validation_step(self, batch, batch_idx, dataloader_idx):
            super().validation_step(batch, batch_idx)

        def val_dataloader(self):
            return [super().val_dataloader(), DataLoader(train_set, batch_size=64)]

    clan = a_clan(judge="val_loss/dataloader_idx_1")
    return judged(folder, Several(slice(192)), clan=clan)


@feature("Metrics of torchmetrics")
def _(folder):
    class Scored(Judged):
        def __init__(self):
            super().__init__(slice(192, None), share_of_hits)
            self.accuracy = torchmetrics.classification.MulticlassAccuracy(2, average="micro")

        def validation_step(self, batch, batch_idx):
            self.accuracy(self.net(batch[0]), batch[1])
            self.log("accuracy", self.accuracy)

    return judged(folder, Scored(), clan=a_clan(judge="accuracy", mode="max"))


def share_of_hits(outputs, targets):
    return (outputs.argmax(1) == targets).float().mean()


@feature("`limit_train_batches`, `limit_val_batches`")
def _(folder):
    module = Judged(slice(192, 192 + 24))
    return judged(folder, module, limit_train_batches=4, limit_val_batches=1)


@feature("BatchNorm")
def _(folder):
    module, norm = Classifier(), nn.BatchNorm1d(8)
    module.net.insert(1, norm)
    return {**run(folder, module=module), "means": norm.running_mean.tolist()}


@feature("Manual optimization, several optimizers")
def _(folder):
    class ByHand(Classifier):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

        def configure_optimizers(self):
            layers = self.net[0], self.net[-1]
            return [SGD(layer.parameters(), lr=0.1, momentum=0.5) for layer in layers]

        def training_step(self, batch, batch_idx):
            for optimizer in self.optimizers():
                loss = super().training_step(batch, batch_idx)
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
            return {"loss": loss.detach()}

    return run(folder, module=ByHand())
