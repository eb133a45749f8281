"""Features of Accelerate in a clan. Run by torchrun; each rank writes what came of each."""

import json
import math
import os
import sys
from pathlib import Path

import torch
from accelerate import DataLoaderConfiguration, DistributedType
from accelerate.data_loader import prepare_data_loader
from accelerate.state import AcceleratorState, GradientState
from accelerate_script import STEPS, judge, prepared, step_of, with_a_clan
from safetensors.torch import load_file
from torch.utils.data import DataLoader, IterableDataset

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


def best_weights(rounds):
    """Save after a number of rounds, and compare the saved weights with the clan's best ones."""

    def feature():
        accelerator, model, optimizer, loader, scheduler = prepared()
        clan, loader = accelerate_clan(
            accelerator,
            model,
            optimizer,
            loader,
            scheduler,
            total_steps=STEPS,
            round_length=STEPS // 3,
        )
        for member in clan.rounds():
            for batch in member.batches(loader):
                step_of(accelerator, model, optimizer, scheduler, batch)
            clan.step(judge)
            if clan.run_state.round == rounds:
                break
        folder = Path(sys.argv[1]) / f"best-{rounds}"
        accelerator.save_state(str(folder))
        accelerator.wait_for_everyone()
        found, best = load_file(folder / "model.safetensors"), clan.best().state_dict()
        clan.close()
        assert found.keys() == best.keys()
        assert all(torch.equal(found[name], best[name]) for name in best)
        assert (folder / "clan").is_dir() == (rounds < 3)

    return feature


def accumulation_gene():
    with_a_clan(autobind=["adamw", "gradient_accumulation"])


def divided_stream():
    accelerator, model, optimizer, _, _ = prepared()
    configured = DataLoader(Stream(), batch_size=4)
    loader = prepare_data_loader(
        configured, num_processes=4, process_index=accelerator.process_index, put_on_device=False
    )
    accelerate_clan(accelerator, model, optimizer, loader)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(64))


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
    "save_state: the best weights": best_weights(2),
    "save_state after the last round": best_weights(3),
    "a gene for accumulation": accumulation_gene,
    "a stream that is divided": divided_stream,
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
