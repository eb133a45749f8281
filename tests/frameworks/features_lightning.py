"""The features of Lightning in a clan. The functions that try them have the same names."""

from feature import Feature

FEATURES = (
    Feature("Progress bar"),
    Feature("Loggers (`CSVLogger`)"),
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
    Feature("`overfit_batches`", warning="overfit_batches repeats the same ones"),
    Feature(
        "`reload_dataloaders_every_n_epochs`",
        warning="reload_dataloaders_every_n_epochs replaces the loader in the middle of the run",
    ),
    Feature(
        "`IterableDataset`",
        warning="a stream (IterableDataset) is read by each rank in the way that it is written",
    ),
    Feature(
        "`WeightedRandomSampler`",
        warning="a WeightedRandomSampler chooses the samples of the DataLoader",
    ),
    Feature(
        "`CombinedLoader`",
        warning="it deals out the samples of one DataLoader, and has got a CombinedLoader",
    ),
    Feature(
        "`use_distributed_sampler=False`",
        warning="use_distributed_sampler=False says that each rank has data of its own",
    ),
    Feature(
        "`StochasticWeightAveraging`", refusal="StochasticWeightAveraging does not go with a clan"
    ),
    Feature("`WeightAveraging`", refusal="WeightAveraging does not go with a clan"),
    Feature(
        "`GradientAccumulationScheduler`",
        refusal="GradientAccumulationScheduler does not go with a clan",
    ),
    Feature(
        "`FSDPStrategy`",
        refusal="FSDPStrategy averages gradients in a way that a clan cannot switch",
    ),
    Feature(
        "`ModelParallelStrategy`",
        refusal="ModelParallelStrategy averages gradients in a way that a clan",
    ),
    Feature(
        "`DeepSpeedStrategy`",
        refusal="DeepSpeedStrategy averages gradients in a way that a clan cannot",
    ),
    Feature("`DDPStrategy(ddp_comm_hook=...)`", refusal="DDPStrategy has a communication hook"),
    Feature("LBFGS", refusal="LBFGS"),
    Feature(
        "`devices=1` under torchrun",
        refusal="WORLD_SIZE says that this is one of 4 processes, and Trainer(devices=1) makes each of them rank 0",
    ),
    Feature("A preset for accumulation", refusal="the gene 'num_grad_accum' would do nothing"),
    Feature(
        "`judge=` of an unknown metric",
        refusal="judge='accuracy' is no metric that validation_step or on_validation_epoch_end logs; they log 'val_loss'",
    ),
    Feature(
        "`judge=` without validation data",
        refusal="ClanCallback(judge='val_loss') judges members by the module's validation_step",
    ),
    Feature(
        "A validation loader with `DistributedSampler`",
        refusal="the validation loader has a DistributedSampler, and a clan judges all members on the same data",
    ),
    Feature(
        "`ckpt_path` of a run without a clan", refusal="the checkpoint was saved without a clan"
    ),
)
