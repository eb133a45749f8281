"""Whole runs of a clan in Lightning. Each returns what a rank has seen."""

import os

import torch
from examples import script_losses
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning_specified import ClanLightningModule
from lightning_task import Classifier, KeepOwn, Witness, a_clan, trainer_of, weights_of
from torch.utils._pytree import tree_leaves
from torch.utils.data import DataLoader

from clantune_clan import ClanError

EQUAL = {"autobind": (), "warmup": 0.0, "cooldown": 0.0, "strategies": [KeepOwn()]}
"""Options of a clan whose members are all alike, and none changes."""


def made_too_early(folder):
    """The error of a clan that a module makes in `__init__`, before the ranks are started."""
    world_size = os.environ.pop("WORLD_SIZE")
    module = ClanLightningModule()
    os.environ["WORLD_SIZE"] = world_size
    try:
        trainer_of(folder).fit(module)
    except ClanError as error:
        return str(error)


def made_in_a_started_rank(folder):
    """The error of such a clan in a process that Lightning starts."""
    try:
        ClanLightningModule()
    except ClanError as error:
        return str(error)


def phases(folder):
    """A run of both phases."""
    clan = a_clan()
    witness, module = Witness(clan), Classifier()
    trainer_of(folder, clan, witness).fit(module)
    return {
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
    checkpoint = torch.load(folder / "saved" / "step=9.ckpt", weights_only=True)
    size = numbers_in(checkpoint) / numbers_in(checkpoint["state_dict"])
    return {"losses": witness.losses, "weights": weights_of(module), "size": size}


def numbers_in(state):
    """Return how many floating-point numbers are in the tensors of a state."""
    tensors = [leaf for leaf in tree_leaves(state) if isinstance(leaf, torch.Tensor)]
    return sum(tensor.numel() for tensor in tensors if tensor.is_floating_point())


class LastWeights(Callback):
    """Notes the weights of this rank's member after the last batch."""

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.weights = weights_of(module)


def without_a_judged_round(folder):
    """A run that is over before its first round is."""
    last, module = LastWeights(), Classifier()
    trainer_of(folder, a_clan(total_steps=100, round_length=50), last, max_steps=3).fit(module)
    return {"last": last.weights, "weights": weights_of(module)}


def examples(folder):
    """Train by the scripts of the docs."""
    return script_losses("lightning", folder / "examples")


def hooks_of(module):
    """Return the number of hooks that a run has left in a module."""
    hooks = [each._forward_pre_hooks for each in module.modules()]
    hooks += [p._post_accumulate_grad_hooks or {} for p in module.parameters()]
    return sum(map(len, hooks)) + sum(name in vars(module) for name in ("log", "log_dict"))


def runs(folder):
    """Return what each run has seen on this rank."""
    started = made_in_a_started_rank, made_too_early
    trained = phases, equal_members, saved, without_a_judged_round, examples
    return {each.__name__: each(folder) for each in (*started, *trained)}
