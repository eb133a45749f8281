"""Every feature of Lightning in a clan of four ranks, each of which reports."""

import sys
import warnings

import lightning_refused  # noqa: F401  (it describes runs)
import lightning_working  # noqa: F401
from features_lightning import FEATURES
from lightning_described import RUNS
from lightning_ranks import on_ranks


def outcome(name, folder):
    """Return what a feature has given, or the error of this rank, and the warnings of the clan."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = {"error": None, "run": RUNS[name](folder)}
        except Exception as error:  # noqa: BLE001  (its message is what the test is about)
            answer = {"error": f"{type(error).__name__}: {error}", "run": None}
    said = [str(each.message) for each in caught if "the clan" in str(each.message)]
    return {**answer, "warnings": said}


def features(folder):
    """Return the outcomes of the features that the command line names; of all if it names none."""
    return {name: outcome(name, folder) for name in sys.argv[3:] or FEATURES}


if __name__ == "__main__":
    on_ranks(features, *sys.argv[1:3])
