"""A package that is installed changes no run that does not list it."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

RUN = """
import json, sys
from random import Random
from uuid import UUID
from clantune_core import (
    Evolution, FloatAllele, Genome, IntAllele, LogFloatAllele, Population, member_rng, shared_rng,
    strategies, to_json,
)
from clantune_strategies import (
    as_specified, cautious, esgd, factorial, fire_pbt, gpbt, hdet, mf_pbt, pbt,
)

GENES = {
    "lr": LogFloatAllele(1e-3, (1e-6, 1.0)),
    "shift": FloatAllele(0.0, (-1.0, 1.0)),
    "layers": IntAllele(4, (1, 9)),
}
installed = sorted({found.distribution for found in strategies()})
runs = {}
for make in (as_specified, cautious, esgd, factorial, fire_pbt, gpbt, hdet, mf_pbt, pbt):
    evolution, rng, written = Evolution(make()), Random(0), []
    members = [
        evolution.setup(
            Genome(GENES, uuid=UUID(int=rank + 1)), Random(rank), shared_rng=Random(0), rank=rank,
            population_size=4,
        )
        for rank in range(4)
    ]
    for generation in range(12):
        population = Population([m.set_fitness(rng.random()) for m in members])
        members = [
            evolution.offspring(
                me, population, member_rng(0, generation, rank),
                shared_rng=shared_rng(0, generation), generation=generation,
            )
            for rank, me in enumerate(population)
        ]
        written.append([to_json(member) for member in members])
    runs[make.__name__] = written
print(json.dumps([installed, runs]))
"""


@pytest.fixture
def site_without(tmp_path):
    """A folder with all that is installed here, but for one package."""

    def without(*left_out):
        folder = tmp_path / "site"
        folder.mkdir()
        for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if not entry.name.lower().startswith(left_out):
                (folder / entry.name).symlink_to(entry)
        return folder

    return without


def run(root, *paths):
    # Without `site`, no .pth file is read: what is found is what is named here.
    head = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    command = [sys.executable, "-S", "-c", head + RUN]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_run_is_the_same_bit_for_bit(root, site_without):
    ours = (root, root / "plugins" / "strategies")
    everything = Path(sysconfig.get_paths()["purelib"])
    example = root / "docs" / "examples" / "third_party_plugin"
    installed, with_it = run(root, everything, example, *ours)
    assert installed == ["clantune-compass", "clantune-neuro", "clantune-strategies"]
    installed, without_it = run(root, site_without("clantune_compass"), *ours)
    assert installed == ["clantune-neuro", "clantune-strategies"]
    assert with_it == without_it
    assert all(len(set(map(str, written))) == 12 for written in with_it.values())
