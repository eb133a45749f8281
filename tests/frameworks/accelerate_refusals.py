"""Scripts that a clan refuses: functions as in accelerate_runs.py."""

import torch
from accelerate import DataLoaderConfiguration, DistributedType
from accelerate_parts import Script, Stream, X, Y, judge, run
from torch.utils.data import DataLoader, TensorDataset

# ---- Kinds of training that Accelerate itself chooses on accelerators alone ----


def fsdp(folder):
    _of_kind(DistributedType.FSDP)


def deepspeed(folder):
    _of_kind(DistributedType.DEEPSPEED)


def megatron(folder):
    _of_kind(DistributedType.MEGATRON_LM)


def xla(folder):
    _of_kind(DistributedType.XLA)


def _of_kind(kind):
    script = Script()
    script.accelerator.state.distributed_type = kind
    script.clan()


# ---- What would have no effect, or another than it seems ----


def accumulation_gene(folder):
    run(clan={"autobind": ["adamw", "gradient_accumulation"]})


def divided_stream(folder):
    run(data=Stream(), dataloader_config=DataLoaderConfiguration(dispatch_batches=False))


def skipped_batches(folder):
    script = Script()
    with script.clan():
        script.accelerator.skip_first_batches(script.loader, 3)


def forgotten_scheduler(folder):
    run(clan={"scheduler": None})


def rate_by_hand(folder):
    """Set the rate in the loop, without a scheduler."""
    script = Script(scheduled=False)
    with script.clan() as clan:
        member = clan.round()
        script.optimizers[0].param_groups[0]["lr"] = 0.5
        script.step(next(iter(script.loader)))
        member.step()


def other_optimizer(folder):
    """Make and prepare another optimizer of the same parameters."""
    script = Script()
    with script.clan() as clan:
        other = torch.optim.SGD(script.model.parameters(), lr=0.1)
        script.optimizers = [script.accelerator.prepare(other)]
        clan.round()
        script.step(next(iter(script.loader)))


def other_wrapper(folder):
    """Prepare the bare model again, which wraps it in another DistributedDataParallel."""
    script = Script()
    with script.clan() as clan:
        script.model = script.accelerator.prepare_model(script.model.module)
        clan.round()
        script.step(next(iter(script.loader)))


def late_load(folder):
    """Load a checkpoint when the first round has begun."""
    script = Script()
    with script.clan() as clan:
        clan.round()
        script.accelerator.save_state(str(folder))
        script.accelerator.load_state(str(folder))


def no_clan_saved(folder):
    Script().accelerator.save_state(str(folder))
    script = Script()
    with script.clan():
        script.accelerator.load_state(str(folder))


def divided_judge(folder):
    """Judge by a loader that was prepared for evaluations."""

    def mean_loss(model):
        losses = [(model(x) - y).square().mean() for x, y in validation]
        return torch.stack(losses).mean()

    script = Script()
    validation = script.accelerator.prepare(DataLoader(TensorDataset(X[:64], Y[:64]), 4))
    _judge_once(script, mean_loss)


def gathered_judge(folder):
    script = Script()
    _judge_once(script, lambda model: script.accelerator.gather_for_metrics(judge(model)).mean())


def _judge_once(script, judge_of_all):
    with script.clan() as clan:
        member = clan.round()
        for batch in member.batches(script.loader):
            script.step(batch)
        clan.step(judge_of_all)
