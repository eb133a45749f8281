"""The scripts of docs/frameworks, on less text, in ranks that are started already."""

import contextlib
import runpy
import sys
from pathlib import Path
from unittest import mock

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


def script_losses(framework, folder, epochs=2):
    """Train on three files in place of eight for a few epochs, with a clan and without.

    Args:
        framework: First part of the names of the scripts.
        folder: Folder for what the framework writes.
        epochs: Passes over the files.

    Returns:
        The losses on test data, which are those of this rank's model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    from clantune.demo import character_lm

    character_lm.MODULES = ("calendar", "csv", "textwrap")
    with contextlib.chdir(folder):
        return {kind: _loss_of(f"{framework}_{kind}.py", epochs) for kind in ("plain", "clan")}


def _loss_of(script, epochs):
    with mock.patch.object(sys, "argv", [script, str(epochs)]):
        found = runpy.run_path(str(EXAMPLES / script))
    model = found["module"] if "module" in found else found["model"]
    return found["loss_on"](getattr(model, "writer", model), found["test"].some(1024))
