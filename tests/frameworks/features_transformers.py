"""The features of Trainer, and what becomes of each in a clan.

Each row names a run of transformers_runs.py, which a test starts.
"""

from typing import NamedTuple


class Feature(NamedTuple):
    """A feature of the framework.

    Attributes:
        name: Feature, as the framework calls it.
        run: Run that shows it.
        message: Words of the error that refuses it; None if it works.
    """

    name: str
    run: str
    message: str | None = None


FEATURES = (
    Feature("`torchrun`, `DistributedDataParallel`", "phases"),
    Feature("`ddp_find_unused_parameters=False`", "wrapped"),
    Feature("`max_steps`", "phases"),
    Feature("`num_train_epochs`", "epochs"),
    Feature("`dataloader_num_workers`", "epochs"),
    Feature("datasets with a length, and streams", "stream"),
    Feature("`lr_scheduler_type`, and a scheduler in `optimizers=`", "accumulating_4"),
    Feature("`gradient_accumulation_steps`", "accumulating_3"),
    Feature("`max_grad_norm`", "phases"),
    Feature("`average_tokens_across_devices`", "equal_members"),
    Feature("`bf16=True`", "bfloat16"),
    Feature("a `GradScaler`, as with `fp16=True`", "scaled"),
    Feature("`torch_compile=True`", "compiled"),
    Feature("`logging_steps`, and the loggers in `report_to`", "phases"),
    Feature("`eval_strategy`, `compute_metrics`", "evaluating"),
    Feature("`save_strategy`, `save_steps`", "saving"),
    Feature("`save_total_limit`", "evaluating"),
    Feature("`load_best_model_at_end`, `metric_for_best_model`", "evaluating"),
    Feature("`from_pretrained` of a checkpoint", "saving"),
    Feature("`EarlyStoppingCallback`", "stopping"),
    Feature("`resume_from_checkpoint`", "resumed"),
    Feature("`resume_from_checkpoint` at the end of a run", "resumed_at_the_end"),
    Feature("`train()` again", "twice"),
    Feature("checkpoints without a clan", "resumed_without_a_clan", "has no clan to resume"),
    Feature("`add_callback(ClanCallback())`", "late_callback", "callbacks=[ClanCallback(...)]"),
    Feature("a metric that there is not", "unknown_metric", "which has eval_f1, eval_loss"),
    Feature("no `eval_dataset`", "no_evaluation_set", "give it eval_dataset="),
    Feature("`batch_eval_metrics=True`", "batch_metrics", "judge by 'eval_loss'"),
    Feature("`ReduceLROnPlateau`, `GreedyLR`", "plateau", "choose another lr_scheduler_type"),
    Feature("`auto_find_batch_size=True`", "batch_size_search", "per_device_train_batch_size"),
    Feature("`split_batches=True`", "split_batches", "competing members need whole ones"),
    Feature("`dispatch_batches=False`", "divided_stream", "leave it out of accelerator_config="),
    Feature("`train_sampling_strategy`", "grouped", "a LengthGroupedSampler"),
    Feature("`hyperparameter_search`", "hyperparameter_search", "tunes within one run"),
    Feature("DeepSpeed", "deepspeed", "leave deepspeed= out"),
    Feature("FSDP", "fsdp", "leave fsdp= out"),
    Feature("models that are loaded in shards", "sharded", "load it without distributed_config="),
    Feature("`torch.nn.DataParallel`", "data_parallel", "start the script with torchrun"),
    Feature("`ClanCallback(total_steps=...)`", "a_length", "max_steps or num_train_epochs"),
)
