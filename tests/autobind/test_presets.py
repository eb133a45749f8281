"""What holds for all presets of this package alike."""

import inspect
from importlib import metadata

import pytest
import torch
from torch import nn

import clantune_autobind
from clantune_core import AbstractAllele, ClanTuneError, Genome


@pytest.fixture
def model():
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    return nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.2), nn.Linear(3, 1), loss, Blur())


def entry_points():
    found = metadata.distribution("clantune-autobind").entry_points
    return {entry.name: entry for entry in found.select(group="clantune.presets")}


class Blur(nn.Module):
    def __init__(self):
        super().__init__()
        self.magnitude = 2


def kinds_of(preset):
    """Return the classes that a preset for optimizers fits, or any class."""
    return getattr(preset, "optimizers", (torch.optim.AdamW,))


OPTIONS = {"batch_size": {"micro_batch": 8}}
"""Options that a preset cannot do without."""


@pytest.fixture
def genes(model, preset):
    if not kinds_of(preset):
        pytest.skip(f"no optimizer of the preset {preset.__name__} is installed")
    matrices = [p for p in model.parameters() if p.dim() == 2]  # of which Muon takes nothing else
    optimizer = kinds_of(preset)[0](matrices, lr=1e-3)
    return preset(model, optimizer, **OPTIONS.get(preset.__name__, {}))


def test_every_preset_is_an_entry_point_under_its_own_name():
    found = {name: entry.load() for name, entry in entry_points().items()}
    assert {name: preset.__name__ for name, preset in found.items()} == {n: n for n in found}
    public = {name: getattr(clantune_autobind, name) for name in clantune_autobind.__all__}
    assert found == {name: each for name, each in public.items() if not inspect.isclass(each)}


@pytest.mark.parametrize("name", entry_points())
def test_every_preset_has_a_docstring(name):
    assert entry_points()[name].load().__doc__


@pytest.fixture(params=entry_points())
def preset(request):
    return entry_points()[request.param].load()


def test_a_preset_gives_genes_that_are_saved_and_read_back(genes):
    assert genes
    assert all(isinstance(allele, AbstractAllele) for allele in genes.values())
    genome = Genome(genes)
    assert Genome.deserialize(genome.serialize()) == genome


def test_a_preset_says_all_that_the_contract_asks_for(genes):
    for allele in genes.values():
        assert [*allele.metadata] == ["expression"]
        entry = allele.metadata["expression"]
        assert {key: type(held) for key, held in entry.items() if key not in ("path", "role")} == {
            "is_cooperative": bool,
            "is_competitive": bool,
            "is_patchable": bool,
        }
        assert entry["role"] in (None, "gradient_accumulation", "data_path")
        assert all(
            path.startswith(("optimizer/", "model/")) and type(offset) is float
            for path, offset in entry["path"].items()
        )
        assert bool(entry["path"]) == entry["is_patchable"]


def test_a_preset_without_model_and_optimizer_is_a_preset_again(preset, genes, model):
    options = OPTIONS.get(preset.__name__, {})
    optimizer = kinds_of(preset)[0]([p for p in model.parameters() if p.dim() == 2], lr=1e-3)
    assert preset(**options)(model, optimizer) == genes


def test_an_option_that_a_preset_does_not_have_is_refused_at_once(preset):
    with pytest.raises(TypeError, match="'per_grup'"):
        preset(per_grup=True)


def test_a_preset_with_a_model_and_no_optimizer_is_refused(preset, model):
    with pytest.raises(ClanTuneError) as caught:
        preset(model)
    assert str(caught.value) == (
        f"{preset.__name__} takes a model and an optimizer, or options by keyword alone; got 1 "
        "arguments without a keyword"
    )
