"""The gene that the training loop reads, and what holds for the presets of this package alike."""

import inspect
from importlib import metadata

import pytest
import torch
from torch import nn

import clantune_autobind
from clantune_autobind import gradient_accumulation
from clantune_core import AbstractAllele, ClanTuneError, Genome, IntAllele


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.2), nn.Linear(3, 1))


def test_it_is_read_by_name_and_written_nowhere(model):
    optimizer = torch.optim.SGD(model.parameters())
    assert gradient_accumulation(model, optimizer) == {
        "num_grad_accum": IntAllele(
            1,
            (1, 64),
            metadata={
                "expression": {
                    "path": {},
                    "is_cooperative": False,
                    "is_competitive": True,
                    "is_patchable": False,
                    "role": "gradient_accumulation",
                }
            },
        )
    }


def test_it_begins_and_ends_where_it_is_told(model):
    optimizer = torch.optim.SGD(model.parameters())
    gene = gradient_accumulation(model, optimizer, start=4, largest=8)["num_grad_accum"]
    assert (gene.value, gene.domain) == (4, (1, 8))
    assert (gene.can_mutate, gene.can_crossbreed) == (True, True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"start": 0}, "start must be a number of backward passes, 1 or more; got 0"),
        ({"start": 2.5}, "start must be a number of backward passes, 1 or more; got 2.5"),
        ({"start": True}, "start must be a number of backward passes, 1 or more; got True"),
        ({"largest": 0}, "largest must be a number of backward passes, 1 or more; got 0"),
        ({"start": 65}, "start must be at most largest (64); got 65"),
    ],
)
def test_wrong_numbers_are_refused(options, problem, model):
    optimizer = torch.optim.SGD(model.parameters())
    with pytest.raises(ClanTuneError) as caught:
        gradient_accumulation(model, optimizer, **options)
    assert str(caught.value) == f"gradient_accumulation: {problem}"


# ---- All presets ----


def entry_points():
    found = metadata.distribution("clantune-autobind").entry_points
    return {entry.name: entry for entry in found.select(group="clantune.presets")}


def optimizer_for(name, model):
    kind = torch.optim.AdamW if name != "sgd" else torch.optim.SGD
    return kind(model.parameters(), lr=1e-3, weight_decay=0.1)


def test_every_preset_is_an_entry_point_under_its_own_name():
    found = {name: entry.load() for name, entry in entry_points().items()}
    assert {name: preset.__name__ for name, preset in found.items()} == {n: n for n in found}
    functions = {
        n for n in clantune_autobind.__all__ if inspect.isfunction(getattr(clantune_autobind, n))
    }
    assert found.keys() == functions


@pytest.mark.parametrize("name", entry_points())
def test_a_preset_gives_genes_that_are_saved_and_read_back(name, model):
    preset = entry_points()[name].load()
    genes = preset(model, optimizer_for(name, model))
    assert genes
    assert all(isinstance(allele, AbstractAllele) for allele in genes.values())
    genome = Genome(genes)
    assert Genome.deserialize(genome.serialize()) == genome


@pytest.mark.parametrize("name", entry_points())
def test_a_preset_says_all_that_the_contract_asks_for(name, model):
    preset = entry_points()[name].load()
    for allele in preset(model, optimizer_for(name, model)).values():
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
