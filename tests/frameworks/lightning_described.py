"""The runs of features of Lightning, by the name of the feature."""

import warnings

from lightning_task import Classifier, Witness, a_clan, rates_of, trainer_of, weights_of
from torch.utils._pytree import tree_leaves

RUNS = {}
"""A function for each feature, which returns what `run` returns, and may add to it."""


def feature(name):
    """Let a function describe the run of a feature."""

    def add(function):
        RUNS[name] = function
        return function

    return add


def run(folder, *callbacks, module=None, clan=None, data=(), ckpt_path=None, **options):
    """Train for an epoch, if the options do not say otherwise, and return what has happened."""
    clan, module = clan or a_clan(), Classifier() if module is None else module
    witness = Witness(clan)
    trainer = trainer_of(folder, clan, witness, *callbacks, **{"max_epochs": 1, **options})
    try:
        trainer.fit(module, *data, ckpt_path=ckpt_path)
    except Exception as error:
        error.batches = len(witness.batches)
        raise
    return {
        "weights": weights_of(trainer.lightning_module),
        "norms": witness.norms,
        "gradients": witness.gradients,
        "batches": [sum(float(leaf.sum()) for leaf in tree_leaves(b)) for b in witness.batches],
        "steps": trainer.global_step,
        "validations": witness.validations,
        "history": [(r.round, r.member, r.metric, r.genes) for r in clan.clan.history],
        "rates": [*witness.rates, rates_of(trainer)],
        "reduction": "exact" if "(exact" in clan.clan.describe() else "ddp",
    }


def outcome(name, folder):
    """Return what a feature has given, or the error of this rank, and the warnings of the clan."""
    answer = {"error": None, "notes": [], "batches": None, "run": None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer["run"] = RUNS[name](folder)
        except Exception as error:  # noqa: BLE001  (its message is what the test is about)
            answer["error"] = f"{type(error).__name__}: {error}"
            answer["notes"] = getattr(error, "__notes__", [])
            answer["batches"] = getattr(error, "batches", None)
    said = [str(each.message) for each in caught if str(each.message).startswith("the clan")]
    return {**answer, "warnings": said}
