"""What a clan in Trainer cannot do: options of the clan, and settings of Trainer."""

from __future__ import annotations

from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from transformers.trainer_utils import HubStrategy

from clantune_clan import ClanError
from clantune_frameworks.transformers.finding import AnyTrainer

_LENGTH = "the length of a run follows from max_steps or num_train_epochs of TrainingArguments"
_RATES = "the scheduler of Trainer sets the course of the learning rate, by lr_scheduler_type"
_OBJECTS = "Trainer has it already"

OF_TRAINER = {
    "model": _OBJECTS,
    "optimizer": _OBJECTS,
    "scheduler": _OBJECTS,
    "scaler": _OBJECTS,
    "total_steps": _LENGTH,
    "epochs": _LENGTH,
    "steps_per_epoch": _LENGTH,
    "warmup": _RATES,
    "cooldown": _RATES,
    "accumulate": "gradient_accumulation_steps of TrainingArguments says it",
    "checkpoints": "the checkpoints of Trainer have the clan in them: use save_strategy",
}
"""Options of `Clan` that a Trainer decides, and how."""

_DEEPSPEED = (
    "DeepSpeed averages gradients itself, and a clan decides that by phase: leave deepspeed= out, "
    "so that Trainer uses DistributedDataParallel"
)
_FSDP = (
    "the FSDP of Trainer shards a model over all ranks, and in a clan each member has a whole one: "
    "leave fsdp= out; a loop of your own can shard within members, see Clan.member_mesh"
)
_SHARDS = (
    "the model was sharded over the ranks when it was loaded, and in a clan each member has a "
    "whole one: load it without distributed_config="
)
_DATA_PARALLEL = (
    "torch.nn.DataParallel uses several GPUs in one process, and a clan has a process per member: "
    "start the script with torchrun --nproc-per-node"
)
_BATCH_SIZE = (
    "auto_find_batch_size=True begins the run anew when memory runs out, on the ranks where that "
    "happens: set per_device_train_batch_size instead"
)
_SPLIT_BATCHES = (
    "split_batches=True cuts a batch into one part per rank, and competing members need whole "
    "ones: leave it out, and divide per_device_train_batch_size by the number of ranks"
)
_SAMPLING = (
    "train_sampling_strategy='group_by_length' orders the samples itself, and a clan deals them "
    "out by phase: leave it out, and the order is random"
)
_HUB = (
    "Trainer pushes a checkpoint before the clan has put its best weights into it: give "
    "hub_strategy='end', or push the folder of the run yourself"
)


def require_supported(trainer: AnyTrainer) -> None:
    """Raise an error if a Trainer is set to train in a way that does not go with a clan."""
    for is_set, message in _refused(trainer):
        if is_set:
            raise ClanError(message)


def require_training(trainer: AnyTrainer) -> None:
    """Raise an error if a training that begins does not go with a clan."""
    if trainer.hp_search_backend is not None:
        raise ClanError(
            "hyperparameter_search makes a run per trial, and a clan tunes within one run: call "
            "train(), and give ClanCallback the genes to tune"
        )
    scheduler = trainer.lr_scheduler
    if isinstance(scheduler, ReduceLROnPlateau) or not isinstance(scheduler, LRScheduler):
        raise ClanError(
            f"Trainer gives {type(scheduler).__name__} the loss of members that differ, and the "
            "genes of a clan lower the learning rate where that helps: choose another "
            "lr_scheduler_type, such as 'cosine' or 'constant'"
        )


def _refused(trainer: AnyTrainer) -> list[tuple[bool, str]]:
    args = trainer.args
    is_loaded_in_shards = getattr(trainer, "is_distributed_loading_by_transformers", False)
    return [
        (trainer.is_deepspeed_enabled, _DEEPSPEED),
        (trainer.is_fsdp_enabled or bool(args.fsdp), _FSDP),  # Accelerate ignores fsdp= on a CPU
        (is_loaded_in_shards, _SHARDS),
        (args.n_gpu > 1, _DATA_PARALLEL),
        (args.auto_find_batch_size, _BATCH_SIZE),
        (args.accelerator_config.split_batches, _SPLIT_BATCHES),
        (args.train_sampling_strategy == "group_by_length", _SAMPLING),
        (args.push_to_hub and args.hub_strategy != HubStrategy.END, _HUB),
    ]
