"""Trainings of a tiny model in a script with Accelerate, which a test starts on four ranks.

Each run is a function of a folder that returns JSON data on every rank.
"""

import os

import torch
from accelerate import DataLoaderConfiguration
from accelerate.utils import GradientAccumulationPlugin
from accelerate_parts import (
    LONG_ROUND,
    STEPS,
    WINDOWS,
    KeepOwn,
    Lines,
    Script,
    Stream,
    run,
    weights,
)
from local_trackers import found_of, trackers_in
from safetensors.torch import load_file
from torch import nn

from clantune_clan import clan_loader


def phases(folder):
    """Cooperate and compete in turn, with a tracker."""
    lines = Lines()
    script = Script(log_with=lines)
    clan = script.rounds(script.clan())
    bare = script.accelerator.unwrap_model(script.model)
    assert bare is script.accelerator.unwrap_model(script.member.model)
    return {**script.answer(clan), "lines": lines.lines}


def trackers(folder):
    """Log by the trackers of three tools."""
    folder.mkdir(exist_ok=True)
    os.environ |= trackers_in(folder)
    script = Script(log_with=["tensorboard", "wandb", "mlflow"], project_dir=folder)
    clan = script.rounds(script.clan())
    for each in script.accelerator.trackers:
        each.finish()  # end_training() would end the process group, too
    return found_of(clan)


def clipped_values(folder):
    def clip(accelerator):
        accelerator.clip_grad_value_(script.model.parameters(), 0.1)

    script = Script(
        clip=clip,
        dataloader_config=DataLoaderConfiguration(even_batches=False, use_seedable_sampler=True),
    )
    return script.answer(script.rounds(script.clan()))


def accumulating(folder):
    """Accumulate over windows that the passes of the loader do not divide."""
    return run(**WINDOWS, clan=LONG_ROUND)


def accumulating_epochs(folder):
    """Count epochs that have no whole number of windows."""
    plugin = GradientAccumulationPlugin(num_steps=5, sync_with_dataloader=False)
    length = {"epochs": 2, "total_steps": None, "round_length": 10}
    script = Script(gradient_accumulation_plugin=plugin)
    clan = script.clan(**length)
    total = clan.settings.total_steps
    return {**script.answer(script.rounds(clan)), "total": total}


def bfloat16(folder):
    return run(mixed_precision="bf16")


def scaled(folder):
    """Scale the loss by so much at first that the optimizer skips steps."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, backoff_factor=2.0**-40)
    return {**run(scaler=scaler, clip=lambda _: None), "scale": scaler.get_scale()}


def compiled(folder):
    return run(dynamo_backend="eager")


def split_batches(folder):
    configuration = DataLoaderConfiguration(split_batches=True)
    script = Script(dataloader_config=configuration)
    clan = script.clan()
    assert script.loader.loader.batch_size == 1  # of four, for four ranks
    return script.answer(script.rounds(clan))


def dispatched(folder):
    """Read a stream, which Accelerate would dispatch from the main process."""
    return run(data=Stream(), dataloader_config=DataLoaderConfiguration(dispatch_batches=True))


def several_optimizers(folder):
    return run(several=True)


def prepared_again(folder):
    script = Script()
    clan = script.clan()
    prepare = script.accelerator.prepare
    script.model = prepare(script.model)
    bare = [each.optimizer for each in script.optimizers]
    script.optimizers = [prepare(each) for each in bare]
    return script.answer(script.rounds(clan))


def triggered(folder):
    """Stop all ranks in the middle of a round, when one of them says so."""
    script = Script()
    accelerator, clan = script.accelerator, script.clan()
    for done in script.steps(clan):
        if (accelerator.process_index, done) == (2, 12):
            accelerator.set_trigger()
        if accelerator.check_trigger():
            break
    clan.best(into=script.model)
    answer = {"steps": done, "weights": weights(script.model)}
    clan.close()
    return answer


def saved(folder):
    """Save between two rounds, and in the same folder after the last one.

    The accelerator has a model beside the clan's.
    The weights in the checkpoints are the clan's best ones.
    """
    found = []

    def save(clan):
        script.accelerator.save_state(str(folder))
        script.accelerator.wait_for_everyone()
        of_clan = load_file(folder / "model.safetensors")
        best = clan.best().state_dict()
        found.append(
            {
                "is best": all(torch.equal(best[name], of_clan[name]) for name in best),
                "names": [*of_clan] == [*sorted(best)],
                "other": load_file(folder / "model_1.safetensors")["weight"].tolist(),
                "has a clan": (folder / "clan").is_dir(),
            }
        )

    script = Script()
    other = script.accelerator.prepare(nn.Linear(1, 1, bias=False))
    clan = script.rounds(script.clan(), after_round=save)
    return {**script.answer(clan), "saved": found, "other": weights(other)}


def loaded_first(folder):
    """Begin a clan with what the run `saved` has written at its end."""
    script = Script()
    script.accelerator.prepare(nn.Linear(1, 1, bias=False))
    script.accelerator.load_state(str(folder.with_name("saved")))
    with script.clan() as clan:
        clan.round()
        return {"weights": weights(script.model)}


def equal_members(folder):
    """Train a clan of equal members, and without a clan on the same batches."""
    return {window: _equal_members(window) for window in (1, 2)}


def _equal_members(window):
    script = Script(gradient_accumulation_steps=window)
    clan = script.clan(
        strategies=[KeepOwn()], autobind=(), duty_cycle=0.0, settings={"evaluate": "weights"}
    )
    in_steps = []
    script.rounds(clan, after_step=lambda _: in_steps.append(weights(script.model)))
    plain = Script(gradient_accumulation_steps=window)
    data = plain.loader.dataset
    loader = clan_loader(data, 4, round_length=8, duty_cycle=0.0, seed=3)
    torch.manual_seed(100 + plain.accelerator.process_index)
    plain.model.train()
    of_plain = []
    while len(of_plain) < STEPS:
        for batch in loader:
            if len(of_plain) < STEPS:
                plain.step(batch)
                of_plain.append(weights(plain.model))
    return {"same": in_steps == of_plain, "moved": in_steps[0] != in_steps[-1]}
