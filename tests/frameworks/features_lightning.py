"""The features of Lightning in a clan. The functions that try them have the same names."""

from feature import Feature


def _with_its_own_batches(why):
    return (
        f"the clan leaves the batches to Lightning, since {why}. So members see different data "
        "also while they compete, and a resumed run does not go on in the middle of an epoch"
    )


def _without(callback):
    return (
        f"{callback} does not go with a clan: the clan keeps running averages itself, and "
        "`clan.best()` has them: leave the callback out"
    )


def _sharded(strategy):
    return (
        f"{strategy} averages gradients in a way that a clan cannot switch between its phases: "
        "give Trainer(strategy='ddp'), or for a sharded model a loop of your own, see 'Sharded "
        "members' in the docs of the clan"
    )


_ANOTHER_OPTIMIZER = (
    "the AdamW that has made this step has parameters of the clan, and the clan has another "
    "optimizer for them, so no gene governs this one: give the clan the optimizer that makes the "
    "steps, and make no other later"
)

FEATURES = (
    Feature("Progress bar"),
    Feature("Loggers (`CSVLogger`)"),
    Feature("Loggers (`TensorBoardLogger`, `WandbLogger`, `MLFlowLogger`)"),
    Feature("`LearningRateMonitor`"),
    Feature("`ModelCheckpoint(monitor=...)`"),
    Feature("`ModelCheckpoint(save_weights_only=True)`"),
    Feature("`EarlyStopping`"),
    Feature("`max_steps`"),
    Feature("`gradient_clip_val`"),
    Feature("`accumulate_grad_batches`"),
    Feature("`precision='bf16-mixed'`"),
    Feature("`precision='16-mixed'`, with its scaler"),
    Feature("`torch.compile(module)`"),
    Feature("Scheduler, stepped by batch"),
    Feature("Scheduler, stepped by epoch"),
    Feature("`ReduceLROnPlateau`"),
    Feature("`OneCycleLR`, with `estimated_stepping_batches`"),
    Feature("Validation, `val_check_interval`"),
    Feature("Several validation loaders"),
    Feature("Metrics of torchmetrics"),
    Feature("`limit_train_batches`, `limit_val_batches`"),
    Feature("`LightningDataModule`"),
    Feature("BatchNorm"),
    Feature("`find_unused_parameters=True`"),
    Feature("Manual optimization, several optimizers"),
    Feature(
        "`overfit_batches`", warning=_with_its_own_batches("overfit_batches repeats the same ones")
    ),
    Feature(
        "`reload_dataloaders_every_n_epochs`",
        warning=_with_its_own_batches(
            "reload_dataloaders_every_n_epochs replaces the loader in the middle of the run"
        ),
    ),
    Feature(
        "`IterableDataset`",
        warning=_with_its_own_batches(
            "a stream (IterableDataset) is read by each rank in the way that it is written"
        ),
    ),
    Feature(
        "`WeightedRandomSampler`",
        warning=_with_its_own_batches(
            "a WeightedRandomSampler chooses the samples of the DataLoader"
        ),
    ),
    Feature(
        "`CombinedLoader`",
        warning=_with_its_own_batches(
            "it deals out the samples of one DataLoader, and has got a CombinedLoader"
        ),
    ),
    Feature(
        "`use_distributed_sampler=False`",
        warning=_with_its_own_batches(
            "use_distributed_sampler=False says that each rank has data of its own"
        ),
    ),
    Feature("`StochasticWeightAveraging`", refusal=_without("StochasticWeightAveraging")),
    Feature("`WeightAveraging`", refusal=_without("WeightAveraging")),
    Feature(
        "`GradientAccumulationScheduler`",
        refusal="GradientAccumulationScheduler does not go with a clan: the rounds of a clan count "
        "windows of one length: give Trainer(accumulate_grad_batches=...)",
    ),
    Feature("`FSDPStrategy`", refusal=_sharded("FSDPStrategy")),
    Feature("`ModelParallelStrategy`", refusal=_sharded("ModelParallelStrategy")),
    Feature("`DeepSpeedStrategy`", refusal=_sharded("DeepSpeedStrategy")),
    Feature(
        "`DDPStrategy(ddp_comm_hook=...)`",
        refusal="DDPStrategy has a communication hook or a model_averaging_period, and the clan "
        "has a hook of its own there: leave them out",
    ),
    Feature(
        "LBFGS",
        refusal="a clan cannot train with LBFGS: its step calls a closure several times, and other "
        "times on each rank, so members could not average their gradients",
    ),
    Feature(
        "`devices=1` under torchrun",
        refusal="WORLD_SIZE says that this is one of 4 processes, and Trainer(devices=1) makes "
        "each of them rank 0 of its own run, which share the logs and checkpoints: give "
        "Trainer(strategy='ddp', devices=4)",
    ),
    Feature(
        "A preset for accumulation",
        refusal="the gene 'num_grad_accum' would do nothing, since Lightning counts the batches of "
        "a step of the optimizer: leave it out, and give Trainer(accumulate_grad_batches=...), or "
        "optimize by hand (automatic_optimization = False)",
    ),
    Feature(
        "`judge=` of an unknown metric",
        refusal="judge='accuracy' is not a metric that validation_step or on_validation_epoch_end "
        "logs; they log 'val_loss'",
    ),
    Feature(
        "`judge=` without validation data",
        refusal="ClanCallback(judge='val_loss') judges members by the module's validation_step, on "
        "its validation data, and there is none: write validation_step and val_dataloader without "
        "limit_val_batches=0, or give judge= a function of the module",
    ),
    Feature(
        "A validation loader with `DistributedSampler`",
        refusal="the validation loader has a DistributedSampler, and a clan judges all members on "
        "the same data: leave the sampler out; Lightning adds one for its own validation",
    ),
    Feature(
        "`ckpt_path` of a run without a clan",
        refusal="the checkpoint was saved without a clan, or after an exception: to begin with its "
        "weights, make the module by load_from_checkpoint and fit without ckpt_path=",
    ),
    Feature(
        "A scheduler that `configure_optimizers` does not return",
        refusal="a learning rate scheduler is on this optimizer, and a gene or the warm-up sets "
        "the learning rate: one would overwrite the other. Hand it in, Clan(..., "
        "scheduler=scheduler), and the gene multiplies what it sets; or leave it out, and give "
        "total_steps= for a warm-up and a cooldown (if it is gone already, delete 'initial_lr' "
        "from the param groups)",
    ),
    Feature("`trainer.optimizers`, replaced while it trains", refusal=_ANOTHER_OPTIMIZER),
    Feature("`configure_optimizers`, called again by a callback", refusal=_ANOTHER_OPTIMIZER),
)
