"""A clan of what `accelerator.prepare` has returned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from accelerate import Accelerator, DistributedType
from torch import nn

from clantune_clan import Clan, ClanError
from clantune_frameworks.accelerate.checkpoints import register
from clantune_frameworks.accelerate.clan import AcceleratedClan
from clantune_frameworks.accelerate.loader import PlacedLoader, batch_size, require_whole_stream
from clantune_frameworks.accelerate.tracker import Tracker
from clantune_frameworks.genes import require_no_accumulation
from clantune_frameworks.options import require_options

_REFUSED = {
    DistributedType.DEEPSPEED: "DeepSpeed, which averages gradients itself",
    DistributedType.MEGATRON_LM: "Megatron-LM, which averages gradients itself",
    DistributedType.FSDP: "FSDP, and a clan shards each member over its own ranks",
    DistributedType.XLA: "XLA, which a clan does not know",
}

_OF_THE_ACCELERATOR = {
    "accumulate": "it is gradient_accumulation_steps of the accelerator",
    "scaler": "it is that of the accelerator",
}


def accelerate_clan(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: Any,
    dataloader: Any,
    scheduler: Any = None,
    *,
    autobind: Any = "auto",
    observers: Iterable[Any] = (),
    **options: Any,
) -> tuple[Clan, Any]:
    """Return a clan, and its loader in place of the prepared one. All ranks call this together.

    `accelerator.accumulate`, `clip_grad_norm_`, `backward` and `log` go on working. `save_state`
    writes the clan into the checkpoint, with the best weights as the model; `load_state` before the
    first round brings it back. After the last round the model has the best weights.

    Args:
        accelerator: Accelerator of the script.
        model: Model that it has prepared.
        optimizer: Optimizer that it has prepared, or several: a list, or by name.
        dataloader: Loader of the training data, prepared or not.
        scheduler: Learning rate scheduler that it has prepared, or a list of them.
        autobind: Presets that bind genes, see `Clan`.
        observers: Observers of the clan, see `Clan`.
        options: Further options of `Clan`, such as `epochs`, `total_steps` and `strategies`.

    Raises:
        ClanError: The accelerator uses a kind of training that a clan does not know, it decides
            about an option, or an option is unknown.
    """
    require_options(options, _OF_THE_ACCELERATOR, taker="accelerate_clan")
    if (why := _REFUSED.get(accelerator.distributed_type)) is not None:
        raise ClanError(
            f"the accelerator trains by {why}: use Accelerator() with plain data parallel training"
        )
    require_whole_stream(dataloader, accelerator)
    clan = AcceleratedClan(
        accelerator,
        model=model,
        optimizer=optimizer,
        scheduler=_bare(scheduler),
        autobind=autobind,
        observers=[*observers, Tracker(accelerator)],
        accumulate=accelerator.gradient_accumulation_steps,
        scaler=accelerator.scaler,
        **options,
    )
    require_no_accumulation(
        clan.genome, "Accelerate", "set gradient_accumulation_steps of the accelerator"
    )
    loader = clan.loader(dataloader, batch_size=batch_size(dataloader, accelerator))
    register(accelerator, clan, model)
    return clan, PlacedLoader(loader, accelerator.device)


def _bare(scheduler: Any) -> Any:
    """Return a scheduler, or schedulers, without the wrapper of Accelerate."""
    if isinstance(scheduler, Sequence):
        return [_bare(each) for each in scheduler]
    return getattr(scheduler, "scheduler", scheduler)
