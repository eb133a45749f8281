"""The features of Accelerate in a clan. Each names a run of accelerate_start.py."""

from feature import Feature

FEATURES = (
    Feature("`torchrun`, `DistributedDataParallel`", "resumed"),
    Feature("`prepare`, `backward`, `unwrap_model`", "phases"),
    Feature("`accumulate(model)`", "accumulating"),
    Feature(
        "`GradientAccumulationPlugin(num_steps=5, sync_with_dataloader=False)`",
        "accumulating_epochs",
    ),
    Feature("`clip_grad_norm_`", "phases"),
    Feature("`clip_grad_value_`", "clipped_values"),
    Feature("a prepared scheduler", "phases"),
    Feature("several optimizers and schedulers", "several_optimizers"),
    Feature("further models", "saved"),
    Feature("`log_with`, `init_trackers`, `log`", "phases"),
    Feature("`log_with=['tensorboard', 'wandb', 'mlflow']`", "trackers"),
    Feature("`mixed_precision='bf16'`", "bfloat16"),
    Feature("a `GradScaler`, as with `mixed_precision='fp16'`", "scaled"),
    Feature("`dynamo_backend`", "compiled"),
    Feature("`split_batches=True`", "split_batches"),
    Feature("`even_batches=False`, `use_seedable_sampler=True`", "clipped_values"),
    Feature("`dispatch_batches=True`, streams", "dispatched"),
    Feature("`save_state`", "saved"),
    Feature("`load_state`", "resumed_windows"),
    Feature("`load_state` before `accelerate_clan`", "loaded_first"),
    Feature("`automatic_checkpoint_naming=True`, `total_limit=2`", "resumed"),
    Feature("`set_trigger`, `check_trigger`", "triggered"),
    Feature("`prepare` of the model and the optimizer again", "prepared_again"),
    Feature(
        "`load_state` in a round",
        "late_load",
        refusal="a run goes on from a saved state before its first round, not later",
    ),
    Feature(
        "`load_state` of a checkpoint without a clan",
        "no_clan_saved",
        refusal="this checkpoint has no clan. It was saved without one, or at the end of a run. "
        "Load it before accelerate_clan(...), and the clan begins with its weights",
    ),
    Feature(
        "`skip_first_batches`",
        "skipped_batches",
        refusal="the loader of a clan goes on by itself where load_state finds it: leave "
        "accelerator.skip_first_batches out",
    ),
    Feature(
        "a judge with a prepared loader",
        "divided_judge",
        refusal="the judge reads a loader that accelerator.prepare has divided among the ranks, so "
        "each member would be judged by other samples: give the judge a loader that is not "
        "prepared",
    ),
    Feature(
        "a judge with `gather_for_metrics`",
        "gathered_judge",
        refusal="the judge gathers what the ranks measure, so all members would have the same "
        "loss: let it return the loss of its own model, without gather, gather_for_metrics and "
        "reduce of the accelerator",
    ),
    Feature(
        "a scheduler that `accelerate_clan` did not get",
        "forgotten_scheduler",
        refusal="a learning rate scheduler is on this optimizer, and a gene or the warm-up sets "
        "the learning rate: one would overwrite the other. Hand it in, Clan(..., "
        "scheduler=scheduler), and the gene multiplies what it sets; or leave it out, and give "
        "total_steps= for a warm-up and a cooldown (if it is gone already, delete 'initial_lr' "
        "from the param groups)",
    ),
    Feature(
        "another optimizer than `accelerate_clan` got",
        "other_optimizer",
        refusal="the SGD that has made this step has parameters of the clan, and the clan has "
        "another optimizer for them, so no gene governs this one: give the clan the optimizer that "
        "makes the steps, and make no other later",
    ),
    Feature(
        "another `DistributedDataParallel` around the model",
        "other_wrapper",
        refusal="a backward pass did not go through the DistributedDataParallel that averages its "
        "gradients, so each rank has kept its own: call member.model(...) before each backward "
        "pass, or choose reduction='exact', which averages at every backward pass",
    ),
    Feature(
        "a loader of a stream with `dispatch_batches=False`",
        "divided_stream",
        refusal="the prepared loader reads a part of the stream on each rank, and members that "
        "compete need the same samples: give accelerate_clan the loader before "
        "accelerator.prepare",
    ),
    Feature(
        "a gene for accumulation",
        "accumulation_gene",
        refusal="the gene 'num_grad_accum' would do nothing, since Accelerate counts the batches "
        "of a step of the optimizer: leave it out, and set gradient_accumulation_steps of the "
        "accelerator",
    ),
    Feature(
        "FSDP",
        "fsdp",
        refusal="the accelerator trains by FSDP, and a clan shards each member over its own "
        "ranks: use Accelerator() with plain data parallel training",
    ),
    Feature(
        "DeepSpeed",
        "deepspeed",
        refusal="the accelerator trains by DeepSpeed, which averages gradients itself: use "
        "Accelerator() with plain data parallel training",
    ),
    Feature(
        "Megatron-LM",
        "megatron",
        refusal="the accelerator trains by Megatron-LM, which averages gradients itself: use "
        "Accelerator() with plain data parallel training",
    ),
    Feature(
        "XLA",
        "xla",
        refusal="the accelerator trains by XLA, which a clan does not know: use Accelerator() "
        "with plain data parallel training",
    ),
)
