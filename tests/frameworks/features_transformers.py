"""The features of Trainer in a clan. Each names a run of transformers_runs.py."""

from feature import Feature

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
    Feature(
        "checkpoints without a clan", "resumed_without_a_clan", refusal="has no clan to resume"
    ),
    Feature(
        "`add_callback(ClanCallback())`", "late_callback", refusal="callbacks=[ClanCallback(...)]"
    ),
    Feature("a metric that there is not", "unknown_metric", refusal="which has eval_f1, eval_loss"),
    Feature("no `eval_dataset`", "no_evaluation_set", refusal="give it eval_dataset="),
    Feature("`batch_eval_metrics=True`", "batch_metrics", refusal="judge by 'eval_loss'"),
    Feature(
        "`ReduceLROnPlateau`, `GreedyLR`", "plateau", refusal="choose another lr_scheduler_type"
    ),
    Feature(
        "`auto_find_batch_size=True`", "batch_size_search", refusal="per_device_train_batch_size"
    ),
    Feature("`split_batches=True`", "split_batches", refusal="competing members need whole ones"),
    Feature(
        "`dispatch_batches=False`", "divided_stream", refusal="leave it out of accelerator_config="
    ),
    Feature("`train_sampling_strategy`", "grouped", refusal="a LengthGroupedSampler"),
    Feature("`hyperparameter_search`", "hyperparameter_search", refusal="tunes within one run"),
    Feature("DeepSpeed", "deepspeed", refusal="leave deepspeed= out"),
    Feature("FSDP", "fsdp", refusal="leave fsdp= out"),
    Feature(
        "models that are loaded in shards", "sharded", refusal="load it without distributed_config="
    ),
    Feature("`torch.nn.DataParallel`", "data_parallel", refusal="start the script with torchrun"),
    Feature("`ClanCallback(total_steps=...)`", "a_length", refusal="max_steps or num_train_epochs"),
)
