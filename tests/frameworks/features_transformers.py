"""The features of Trainer in a clan. Each names a run, see transformers_start.py."""

from feature import Feature

FEATURES = (
    Feature("`torchrun`, with `DistributedDataParallel`", "phases"),
    Feature("`ddp_find_unused_parameters=False`", "wrapped"),
    Feature("`max_steps`", "phases"),
    Feature("`num_train_epochs`", "epochs"),
    Feature("`per_device_train_batch_size`", "looking_at_data"),
    Feature("`dataloader_num_workers`", "epochs"),
    Feature("`IterableDataset`", "stream"),
    Feature("`lr_scheduler_type`", "phases"),
    Feature("`optimizers=(optimizer, scheduler)`", "accumulating_4"),
    Feature("`gradient_accumulation_steps`", "accumulating_3"),
    Feature("`weight_decay`", "phases"),
    Feature("`max_grad_norm`", "equal_members"),
    Feature("`average_tokens_across_devices`", "equal_members"),
    Feature("`bf16=True`", "bfloat16"),
    Feature("a `GradScaler`, as with `fp16=True`", "scaled"),
    Feature("`torch_compile=True`", "compiled"),
    Feature("`logging_steps`", "phases"),
    Feature("`report_to=['tensorboard', 'wandb', 'mlflow']`", "trackers"),
    Feature("`eval_strategy`", "evaluating"),
    Feature("`compute_metrics`", "evaluating"),
    Feature("`eval_accumulation_steps`", "evaluating_in_parts"),
    Feature("`save_strategy`, `save_steps`", "saving"),
    Feature("`save_total_limit`", "evaluating"),
    Feature("`load_best_model_at_end`, `metric_for_best_model`", "evaluating"),
    Feature("`from_pretrained` of a checkpoint", "saving"),
    Feature("`EarlyStoppingCallback`", "stopping"),
    Feature("`resume_from_checkpoint`", "resumed"),
    Feature("`resume_from_checkpoint` at the end of a run", "resumed_at_the_end"),
    Feature("`train()` again", "twice"),
    Feature("`trainer.get_train_dataloader()` during a training", "looking_at_data"),
    Feature(
        "`resume_from_checkpoint` of a run without a clan",
        "resumed_without_a_clan",
        refusal=(
            "checkpoint-2 has no clan to resume: it was written without ClanCallback, with "
            "save_only_model=True, at the end of a run, or while the process was killed. Resume "
            "from an earlier checkpoint, or begin a new run with its weights: "
            "from_pretrained('checkpoint-2')"
        ),
    ),
    Feature(
        "`add_callback(ClanCallback())`",
        "late_callback",
        refusal=(
            "this ClanCallback was added after its Trainer was made, and the training data are "
            "the Trainer's already: give it to Trainer(callbacks=[ClanCallback(...)])"
        ),
    ),
    Feature(
        "`ClanCallback(total_steps=...)`",
        "a_length",
        refusal=(
            "ClanCallback takes no total_steps=: the length of a run follows from max_steps or "
            "num_train_epochs of TrainingArguments"
        ),
    ),
    Feature(
        "`judge=` of an unknown metric",
        "unknown_metric",
        refusal=(
            "judge='eval_accuracy' is not a metric of Trainer's evaluation, which has eval_f1, "
            "eval_loss: choose one of these, or return it from compute_metrics"
        ),
    ),
    Feature(
        "`judge=` without `eval_dataset`",
        "no_evaluation_set",
        refusal=(
            "judge='eval_loss' is measured on the evaluation set, and Trainer has none: give it "
            "eval_dataset=, or give ClanCallback a function of the model as judge="
        ),
    ),
    Feature(
        "`batch_eval_metrics=True`",
        "batch_metrics",
        refusal=(
            "judge='eval_f1' needs the predictions of all batches, and batch_eval_metrics=True "
            "hands out one by one: leave it out, or judge by 'eval_loss'"
        ),
    ),
    Feature(
        "`ReduceLROnPlateau`",
        "plateau",
        refusal=(
            "Trainer gives ReduceLROnPlateau the loss of members that differ, and the genes of a "
            "clan lower the learning rate where that helps: choose another lr_scheduler_type, "
            "such as 'cosine' or 'constant'"
        ),
    ),
    Feature(
        "`GreedyLR`",
        "greedy",
        refusal=(
            "Trainer gives GreedyLR the loss of members that differ, and the genes of a clan "
            "lower the learning rate where that helps: choose another lr_scheduler_type, such as "
            "'cosine' or 'constant'"
        ),
    ),
    Feature(
        "a callback that writes learning rates",
        "written_rate",
        refusal=(
            "LambdaLR of Trainer has set the learning rate of param group 0 to 0.01, and now it "
            "is 0.0001: something else writes there, such as a callback, a second scheduler, or a"
            " loaded optimizer state. Leave it out, or give Trainer(optimizers=(optimizer, "
            "scheduler)) a scheduler that does it, such as a LambdaLR, and the genes multiply "
            "what that sets"
        ),
    ),
    Feature(
        "a scheduler that a callback steps",
        "second_scheduler",
        refusal=(
            "LambdaLR of Trainer has set the learning rate of param group 0 to 0.01, and now it "
            "is 0.005: something else writes there, such as a callback, a second scheduler, or a "
            "loaded optimizer state. Leave it out, or give Trainer(optimizers=(optimizer, "
            "scheduler)) a scheduler that does it, such as a LambdaLR, and the genes multiply "
            "what that sets"
        ),
    ),
    Feature(
        "`trainer.optimizer = ...` during a training",
        "replaced_optimizer",
        refusal=(
            "trainer.optimizer was replaced after the training had begun (by SGD), and the clan "
            "has the first one: give it to Trainer(optimizers=(optimizer, scheduler)), or make it"
            " in create_optimizer or create_scheduler of a subclass"
        ),
    ),
    Feature(
        "`create_optimizer` during a training",
        "recreated_optimizer",
        refusal=(
            "trainer.optimizer was replaced after the training had begun (by AdamW), and the clan"
            " has the first one: give it to Trainer(optimizers=(optimizer, scheduler)), or make "
            "it in create_optimizer or create_scheduler of a subclass"
        ),
    ),
    Feature(
        "`trainer.lr_scheduler = ...` during a training",
        "replaced_scheduler",
        refusal=(
            "trainer.lr_scheduler was replaced after the training had begun (by ExponentialLR), "
            "and the clan has the first one: give it to Trainer(optimizers=(optimizer, "
            "scheduler)), or make it in create_optimizer or create_scheduler of a subclass"
        ),
    ),
    Feature(
        "`auto_find_batch_size=True`",
        "batch_size_search",
        refusal=(
            "auto_find_batch_size=True begins the run anew when memory runs out, on the ranks "
            "where that happens: set per_device_train_batch_size instead"
        ),
    ),
    Feature(
        "`split_batches=True`",
        "split_batches",
        refusal=(
            "split_batches=True cuts a batch into one part per rank, and competing members need "
            "whole ones: leave it out, and divide per_device_train_batch_size by the number of "
            "ranks"
        ),
    ),
    Feature(
        "`dispatch_batches=False` with a stream",
        "divided_stream",
        refusal=(
            "dispatch_batches=False gives each rank a part of the stream, and competing members "
            "need the same samples: leave it out of accelerator_config="
        ),
    ),
    Feature(
        '`train_sampling_strategy="group_by_length"`',
        "grouped",
        refusal=(
            "train_sampling_strategy='group_by_length' orders the samples itself, and a clan "
            "deals them out by phase: leave it out, and the order is random"
        ),
    ),
    Feature(
        "`hyperparameter_search`",
        "hyperparameter_search",
        refusal=(
            "hyperparameter_search makes a run per trial, and a clan tunes within one run: call "
            "train(), and give ClanCallback the genes to tune"
        ),
    ),
    Feature(
        "DeepSpeed",
        "deepspeed",
        refusal=(
            "DeepSpeed averages gradients itself, and a clan decides that by phase: leave "
            "deepspeed= out, so that Trainer uses DistributedDataParallel"
        ),
    ),
    Feature(
        "FSDP",
        "fsdp",
        refusal=(
            "the FSDP of Trainer shards a model over all ranks, and in a clan each member has a "
            "whole one: leave fsdp= out; a loop of your own can shard within members, see "
            "Clan.member_mesh"
        ),
    ),
    Feature(
        "models that are loaded in shards",
        "sharded",
        refusal=(
            "the model was sharded over the ranks when it was loaded, and in a clan each member "
            "has a whole one: load it without distributed_config="
        ),
    ),
    Feature(
        "`torch.nn.DataParallel`",
        "data_parallel",
        refusal=(
            "torch.nn.DataParallel uses several GPUs in one process, and a clan has a process per"
            " member: start the script with torchrun --nproc-per-node"
        ),
    ),
)
