"""The table of optimizers in the documentation is what its script prints."""

import subprocess
import sys

from clantune_autobind import OptimizerPreset, optimizers


def test_the_tables_are_what_the_script_prints(root):
    folder = root / "docs/clan"
    script = folder / "list_optimizers.py"
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (folder / "optimizers.md").read_text("utf-8")
    tables = page.partition("<!-- begin of the tables -->\n")[2]
    committed = tables.partition("<!-- end of the tables -->\n")[0]
    assert done.stdout == committed, f"write them again: python {script} --write"


def test_every_preset_for_torch_is_in_the_table(root):
    page = (root / "docs/clan/optimizers.md").read_text("utf-8")
    presets = [each for each in vars(optimizers).values() if isinstance(each, OptimizerPreset)]
    names = [name for preset in presets for name in preset.classes if name.startswith("torch.")]
    assert names
    assert [name for name in names if f"| `{name.rpartition('.')[2]}` |" not in page] == []
