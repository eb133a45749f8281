"""Whole runs of a clan in Lightning, which starts the ranks; each writes what it has seen."""

import os
import sys

from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning_init import ClanLightningModule
from lightning_ranks import on_ranks
from lightning_task import Classifier, KeepOwn, Witness, a_clan, trainer_of, weights_of
from torch.utils.data import DataLoader

from clantune_clan import ClanError

EQUAL = {"autobind": (), "warmup": 0.0, "cooldown": 0.0, "strategies": [KeepOwn()]}
"""Options of a clan whose members are all alike, and none changes."""


def made_too_early(folder):
    """The error of a clan that the module makes before the ranks are started."""
    world_size = os.environ.pop("WORLD_SIZE")
    module = ClanLightningModule()
    os.environ["WORLD_SIZE"] = world_size
    try:
        trainer_of(folder).fit(module)
    except ClanError as error:
        return str(error)


def phases(folder):
    """A run of both phases, with a logger."""
    clan = a_clan()
    witness, logger = Witness(clan), CSVLogger(folder)
    module = Classifier()
    options = {"logger": logger, "log_every_n_steps": 1}
    trainer = trainer_of(folder, clan, witness, **options)
    trainer.fit(module)
    return {
        "modes": witness.modes,
        "gradients": witness.gradients,
        "batches": [batch[1].tolist() for batch in witness.batches],
        "weights": weights_of(module),
        "best": weights_of(clan.clan.best()),
        "hooks": hooks_of(module),
        "history": [(r.round, r.member, r.metric, r.centre) for r in clan.clan.history],
        "described": clan.clan.describe(),
    }


def equal_members(folder):
    """A clan of equal members, and plain Lightning with the same batches."""
    clan = a_clan(duty_cycle=0.0, **EQUAL)
    witness = Witness(clan)
    trainer_of(folder, clan, witness).fit(Classifier())
    plain = Witness()
    trainer = trainer_of(folder, plain, max_epochs=1, use_distributed_sampler=False)
    trainer.fit(Classifier(), DataLoader(witness.batches, batch_size=None))
    return {"clan": witness.weights, "plain": plain.weights}


def saved(folder):
    """A run that saves in the middle of an epoch, of a round, and of a phase."""
    files = ModelCheckpoint(folder / "saved", "{step}", save_top_k=-1, every_n_train_steps=3)
    clan = a_clan(reduction="exact")
    witness, module = Witness(clan), Classifier(dropout=0.2)
    trainer_of(folder, clan, witness, files, max_epochs=3).fit(module)
    return {"losses": witness.losses, "weights": weights_of(module), "modes": witness.modes}


def hooks_of(module):
    """Return the number of hooks that a run has left in a module."""
    hooks = [each._forward_pre_hooks for each in module.modules()]
    hooks += [p._post_accumulate_grad_hooks or {} for p in module.parameters()]
    return sum(map(len, hooks)) + sum(name in vars(module) for name in ("log", "log_dict"))


def runs(folder):
    """Return what each run has seen on this rank."""
    return {run.__name__: run(folder) for run in (made_too_early, phases, equal_members, saved)}


if __name__ == "__main__":
    on_ranks(runs, *sys.argv[1:])
