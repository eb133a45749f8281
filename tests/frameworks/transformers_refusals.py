"""Trainings that a clan refuses."""

from transformers_parts import Stream, WithDeepSpeed, WithShards, WithTwoDevices
from transformers_trainings import ROUND, run, trainer_for

from clantune.transformers import ClanCallback


def late_callback(folder):
    trainer, _, _ = trainer_for(folder)
    trainer.add_callback(ClanCallback())
    trainer.train()


def no_evaluation_set(folder):
    return run(folder, clan=ROUND, eval_dataset=None)


def unknown_loss(folder):
    return run(folder, clan={"judge": "eval_accuracy", **ROUND})


def batch_metrics(folder):
    def metrics(_, compute_result):
        return {}

    return run(
        folder,
        clan={"judge": "eval_f1", **ROUND},
        compute_metrics=metrics,
        batch_eval_metrics=True,
    )


def plateau(folder):
    return run(
        folder,
        clan=ROUND,
        lr_scheduler_type="reduce_lr_on_plateau",
        eval_strategy="steps",
        metric_for_best_model="eval_loss",
    )


def greedy(folder):
    return run(
        folder,
        clan=ROUND,
        lr_scheduler_type="greedy",
        eval_strategy="steps",
        metric_for_best_model="eval_loss",
    )


def fsdp(folder):
    return run(folder, clan=ROUND, fsdp="full_shard")


def sharded(folder):
    return run(folder, clan=ROUND, kind=WithShards)


def deepspeed(folder):
    return run(folder, clan=ROUND, kind=WithDeepSpeed)


def data_parallel(folder):
    return run(folder, clan=ROUND, kind=WithTwoDevices)


def hyperparameter_search(folder):
    trainer, _, _ = trainer_for(folder, clan=ROUND)
    trainer.hp_search_backend = "optuna"  # as in Trainer.hyperparameter_search
    trainer.train()


def batch_size_search(folder):
    return run(folder, clan=ROUND, auto_find_batch_size=True)


def split_batches(folder):
    return run(folder, clan=ROUND, accelerator_config={"split_batches": True})


def divided_stream(folder):
    return run(
        folder,
        clan=ROUND,
        train_dataset=Stream(),
        accelerator_config={"dispatch_batches": False},
    )


def grouped(folder):
    return run(folder, clan=ROUND, train_sampling_strategy="group_by_length")


def a_length(folder):
    return run(folder, clan={"total_steps": 100})


def a_typo(folder):
    return run(folder, clan={"round_lenght": 100})


def unknown_metric(folder):
    return run(
        folder,
        clan={"judge": "eval_accuracy", "round_length": 4},
        compute_metrics=lambda _: {"f1": 0.5},
        max_steps=8,
    )
