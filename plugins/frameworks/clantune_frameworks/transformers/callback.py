"""The callback that makes a clan of the ranks of a Trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerState, TrainingArguments

from clantune_clan import Clan, ClanError, Judge
from clantune_frameworks.alike import judging_alike
from clantune_frameworks.genes import require_no_accumulation
from clantune_frameworks.metrics import Logging
from clantune_frameworks.options import require_options
from clantune_frameworks.rounds import Rounds
from clantune_frameworks.transformers import checkpoints
from clantune_frameworks.transformers.data import (
    ClanDataLoader,
    clan_data_loader,
    updates_in_epoch,
    updates_in_run,
)
from clantune_frameworks.transformers.finding import (
    AnyTrainer,
    calling_trainer,
    has_train_dataloader,
    resumed_checkpoint,
)
from clantune_frameworks.transformers.guard import Guard, bare_optimizer
from clantune_frameworks.transformers.judging import Evaluation
from clantune_frameworks.transformers.limits import (
    OF_TRAINER,
    require_supported,
    require_training,
)
from clantune_frameworks.weights import put_best


class ClanCallback(TrainerCallback):
    """Lets the ranks of a Trainer train as the members of a clan.

    Give it to the Trainer, `Trainer(..., callbacks=[ClanCallback()])`, and start the script with
    torchrun. The weights of the model are the clan's best ones after `train`.
    """

    def __init__(
        self, judge: str | Judge = "eval_loss", autobind: Any = "auto", **options: Any
    ) -> None:
        """Prepare for a training.

        Args:
            judge: Metric of Trainer's evaluation, such as `"eval_loss"` or one that
                `compute_metrics` returns, or a function of the model. It is measured on the whole
                evaluation set by each rank. Give `mode="max"` if a high value is good.
            autobind: Presets that bind genes, see `Clan`.
            options: Further options of `Clan`.

        Raises:
            ClanError: Trainer decides an option, or there is none of its name.
        """
        require_options(options, OF_TRAINER)
        self._judge, self._options = judge, {"autobind": autobind, **options}
        self._trainer: AnyTrainer | None = None
        self._own_dataloader: Callable[[], Any]
        self._loader: ClanDataLoader | None = None
        self._clan: Clan | None = None
        self._rounds: Rounds | None = None
        self._guard: Guard | None = None

    @property
    def clan(self) -> Clan:
        """The clan of the current or last training.

        Raises:
            ClanError: No training has begun.
        """
        if self._clan is None:
            raise ClanError("there is no clan before trainer.train()")
        return self._clan

    # ---- Before a training ----

    def on_init_end(self, *_: Any, **__: Any) -> None:
        """Find the Trainer, and let it take the training data from the clan."""
        trainer = calling_trainer()
        if trainer is None:
            raise ClanError("ClanCallback goes into Trainer(callbacks=[...]), and nothing else")
        require_supported(trainer)
        self._trainer, self._own_dataloader = trainer, trainer.get_train_dataloader
        trainer.get_train_dataloader = self._train_dataloader

    def _train_dataloader(self) -> Any:
        trainer = self._found_trainer()
        given = self._own_dataloader()
        if not trainer.is_in_train or has_train_dataloader(trainer):
            return given  # for a script or a callback that looks at the data
        self._close()  # the clan of a training that an exception has ended
        args, window = trainer.args, trainer.args.gradient_accumulation_steps
        updates = updates_in_epoch(given, args)
        seed = args.seed if args.data_seed is None else args.data_seed
        options = {"seed": seed, **self._options}
        options["observers"] = [*options.get("observers", ()), Logging(self._log)]
        self._clan = Clan(
            total_steps=updates_in_run(updates, args) * window,
            accumulate=window,
            scaler=trainer.accelerator.scaler,
            **options,
        )
        self._loader = clan_data_loader(self._clan, given, updates, window)
        return self._loader

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any
    ) -> None:
        """Begin the first round, or go on with the one of the checkpoint."""
        trainer, clan = self._found_trainer(), self.clan
        if state.global_step >= state.max_steps:  # resumed from the end of a run
            return self._close()
        require_training(trainer)
        optimizer, scheduler = bare_optimizer(trainer), trainer.lr_scheduler
        clan.attach(trainer.model_wrapped, optimizer, scheduler=scheduler)
        require_no_accumulation(
            clan.genome, "Trainer", "set gradient_accumulation_steps of TrainingArguments"
        )
        judge = self._judge_of(trainer)
        if (checkpoint := resumed_checkpoint(trainer)) is not None:
            checkpoints.resume(clan, checkpoint)
            self._skip(args, state)
        self._guard = Guard(trainer)
        self._rounds = Rounds(clan, judge)
        return None

    # ---- In a training ----

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Find an optimizer or a scheduler that is not the clan's."""
        if self._guard is not None:
            self._guard.require_same()

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        """Count a batch after which the optimizer has made no step."""
        if self._rounds is not None:
            self._rounds.after_batch()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Count a batch, and end the run after the last one, before Trainer saves the model."""
        if self._rounds is None:
            return
        self._rounds.after_batch()
        if self._rounds.are_over:
            self._end(fill=True)

    def on_save(self, *_: Any, **__: Any) -> None:
        """Put the clan, and its best weights, into the checkpoint."""
        if self._rounds is not None:
            checkpoints.save(self.clan, self._found_trainer())

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any
    ) -> None:
        """End a run that was stopped early."""
        if self._rounds is not None:
            has_loaded = args.load_best_model_at_end and state.best_model_checkpoint is not None
            self._end(fill=not has_loaded)

    # ---- Parts of these ----

    def _end(self, *, fill: bool) -> None:
        """End the run; fill the model with the clan's best weights or leave what it has."""
        if fill:
            put_best(self.clan, self._found_trainer().model)
        self._close()

    def _close(self) -> None:
        """Close the clan of a training, if there is one."""
        if self._guard is not None:
            self._guard.close()
        if self._clan is not None:
            self._clan.close()
        self._guard = self._rounds = None

    def _skip(self, args: TrainingArguments, state: TrainerState) -> None:
        """Prepare for what Trainer skips of the epoch in which it resumes."""
        if self._loader is not None and not args.ignore_data_skip:
            window = args.gradient_accumulation_steps
            batches = self._loader.batches
            batches.skipped = state.global_step % (len(self._loader) // window) * window

    def _judge_of(self, trainer: AnyTrainer) -> Judge:
        judge = self._judge
        measure = Evaluation(trainer, judge) if isinstance(judge, str) else judge

        def judge_bare(_: nn.Module) -> Any:
            with judging_alike():
                return measure(trainer.model)

        return judge_bare

    def _log(self, metrics: dict[str, float]) -> None:
        """Log metrics on this rank alone, at the current step."""
        trainer = self._found_trainer()
        # trainer.log may communicate in a derived class, and clears what all ranks are to log next.
        is_due = trainer.control.should_log
        named = {**metrics, "epoch": trainer.state.epoch}
        trainer.state.log_history.append({**named, "step": trainer.state.global_step})
        handler = trainer.callback_handler
        handler.on_log(trainer.args, trainer.state, trainer.control, named)
        trainer.control.should_log = is_due

    def _found_trainer(self) -> AnyTrainer:
        if self._trainer is None:
            raise ClanError(
                "this ClanCallback was added after its Trainer was made, and the training data "
                "are the Trainer's already: give it to Trainer(callbacks=[ClanCallback(...)])"
            )
        return self._trainer
