"""Features of Accelerate in a clan. Run by torchrun; each rank writes what came of each."""

import json
import math
import os
import sys
from pathlib import Path

import torch
from accelerate import DataLoaderConfiguration, DistributedType
from accelerate.state import AcceleratorState, GradientState
from accelerate_script import STEPS, judge, prepared, step_of, with_a_clan
from safetensors.torch import load_file

from clantune.accelerate import accelerate_clan
from clantune_clan import ClanError


def trains(**accelerating):
    """Train with options of the accelerator."""
    losses, _, records = with_a_clan(accelerating=accelerating)
    assert len(losses) == STEPS
    assert all(map(math.isfinite, losses))
    assert bool(records) == (os.environ["RANK"] == "0")


def accumulation():
    trains(gradient_accumulation_steps=3)


def bfloat16():
    trains(mixed_precision="bf16")


def compiled():
    trains(dynamo_backend="eager")


def split_batches():
    configuration = DataLoaderConfiguration(split_batches=True)
    accelerator, model, optimizer, loader, _ = prepared(dataloader_config=configuration)
    clan, dealt = accelerate_clan(accelerator, model, optimizer, loader, total_steps=8)
    with clan:
        assert len(next(iter(dealt))[0]) == 1  # of four, for four ranks


def best_weights():
    accelerator, model, optimizer, loader, scheduler = prepared()
    clan, loader = accelerate_clan(
        accelerator, model, optimizer, loader, scheduler, total_steps=STEPS
    )
    for member in clan.rounds():
        for batch in member.batches(loader):
            step_of(accelerator, model, optimizer, scheduler, batch)
        clan.step(judge)
        if clan.run_state.round == 2:
            break
    folder = Path(sys.argv[1]) / "best"
    accelerator.save_state(str(folder))
    accelerator.wait_for_everyone()
    found, best = load_file(folder / "model.safetensors"), clan.best().state_dict()
    clan.close()
    assert found.keys() == best.keys()
    assert all(torch.equal(found[name], best[name]) for name in best)


def of_another_kind(kind):
    """Train with a kind that Accelerate itself chooses on accelerators alone."""

    def feature():
        accelerator, *prepared_parts, _ = prepared()
        accelerator.state.distributed_type = kind
        accelerate_clan(accelerator, *prepared_parts)

    return feature


FEATURES = {
    "accumulate(model)": accumulation,
    "mixed_precision='bf16'": bfloat16,
    "dynamo_backend": compiled,
    "split_batches": split_batches,
    "save_state: the best weights": best_weights,
    "FSDP": of_another_kind(DistributedType.FSDP),
    "DeepSpeed": of_another_kind(DistributedType.DEEPSPEED),
}


def result(feature):
    try:
        feature()
    except ClanError as error:
        return str(error)
    finally:  # a process has one state, and the next feature has other options
        AcceleratorState._reset_state()
        GradientState._reset_state()
    return "works"


if __name__ == "__main__":
    found = {name: result(feature) for name, feature in FEATURES.items()}
    Path(sys.argv[1], f"rank{os.environ['RANK']}.json").write_text(json.dumps(found))
