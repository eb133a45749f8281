"""The runs of features of Lightning, by the name of the feature."""

from lightning_task import Classifier, Witness, a_clan, trainer_of, weights_of

RUNS = {}
"""A function for each feature, which returns what `run` takes."""


def feature(name):
    """Let a function describe the run of a feature."""

    def add(function):
        RUNS[name] = function
        return function

    return add


def run(folder, *callbacks, module=None, clan=None, data=(), ckpt_path=None, **options):
    """Train, and return what has happened."""
    clan = clan or a_clan()
    witness = Witness(clan)
    module = Classifier() if module is None else module
    trainer = trainer_of(folder, clan, witness, *callbacks, **options)
    trainer.fit(module, *data, ckpt_path=ckpt_path)
    return {
        "weights": weights_of(trainer.lightning_module),
        "norms": witness.norms,
        "steps": trainer.global_step,
        "modes": witness.modes,
        "history": [(r.round, r.metric, r.genes) for r in clan.clan.history],
        "rates": [g["lr"] for o in trainer.optimizers for g in o.param_groups],
        "reduction": "(exact" if "(exact" in clan.clan.describe() else "(ddp",
    }
