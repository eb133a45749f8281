"""The features of Lightning with a clan: each one works, or is refused with a message.

The tests run all of them, and a table in the docs is made of them.
"""

WORKS = "works"

FEATURES = {
    "Progress bar": WORKS,
    "Loggers (`CSVLogger`)": WORKS,
    "`LearningRateMonitor`": WORKS,
    "`ModelCheckpoint(monitor=...)`": WORKS,
    "`ModelCheckpoint(save_weights_only=True)`": WORKS,
    "`EarlyStopping`": WORKS,
    "`max_steps`": WORKS,
    "`gradient_clip_val`": WORKS,
    "`accumulate_grad_batches`": WORKS,
    "`precision='bf16-mixed'`": WORKS,
    "`precision='16-mixed'`, with its scaler": WORKS,
    "`torch.compile(module)`": WORKS,
    "Scheduler, stepped by batch": WORKS,
    "Scheduler, stepped by epoch": WORKS,
    "`ReduceLROnPlateau`": WORKS,
    "`OneCycleLR`, with `estimated_stepping_batches`": WORKS,
    "Validation, `val_check_interval`": WORKS,
    "Several validation loaders": WORKS,
    "Metrics of torchmetrics": WORKS,
    "`limit_train_batches`, `limit_val_batches`": WORKS,
    "`LightningDataModule`": WORKS,
    "BatchNorm": WORKS,
    "`find_unused_parameters=True`": WORKS,
    "Manual optimization, several optimizers": WORKS,
    "`overfit_batches`": "works, with Lightning's batches: overfit_batches repeats the same ones",
    "`reload_dataloaders_every_n_epochs`": "works, with Lightning's batches: "
    "reload_dataloaders_every_n_epochs replaces the loader in the middle of the run",
    "`IterableDataset`": "works, with Lightning's batches: a stream (IterableDataset) is read by "
    "each rank in the way that it is written",
    "`WeightedRandomSampler`": "works, with Lightning's batches: a WeightedRandomSampler chooses "
    "the samples of the DataLoader",
    "`CombinedLoader`": "works, with Lightning's batches: it deals out the samples of one "
    "DataLoader, and has got a CombinedLoader",
    "`use_distributed_sampler=False`": "works, with Lightning's batches: "
    "use_distributed_sampler=False says that each rank has data of its own",
    "`StochasticWeightAveraging`": "StochasticWeightAveraging does not go with a clan",
    "`WeightAveraging`": "WeightAveraging does not go with a clan",
    "`GradientAccumulationScheduler`": "GradientAccumulationScheduler does not go with a clan",
    "`FSDPStrategy`": "FSDPStrategy averages gradients in a way that a clan cannot switch",
    "`ModelParallelStrategy`": "ModelParallelStrategy averages gradients in a way that a clan",
    "`DeepSpeedStrategy`": "DeepSpeedStrategy averages gradients in a way that a clan cannot",
    "`DDPStrategy(ddp_comm_hook=...)`": "DDPStrategy has a communication hook",
    "LBFGS": "LBFGS",
    "`devices=1` under torchrun": "WORLD_SIZE says that this is one of 4 processes, and "
    "Trainer(devices=1) makes each of them rank 0",
    "A preset for accumulation": "the gene 'num_grad_accum' would do nothing",
    "`judge=` of an unknown metric": "judge='accuracy' is no metric that validation_step or "
    "on_validation_epoch_end logs; they log 'val_loss'",
    "`judge=` without validation data": "ClanCallback(judge='val_loss') judges members by the "
    "module's validation_step",
    "A validation loader with `DistributedSampler`": "the validation loader has a "
    "DistributedSampler, and a clan judges all members on the same data",
    "`ckpt_path` of a run without a clan": "the checkpoint was saved without a clan",
}
