"""The callback that lets a Trainer of Lightning train a clan."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from clantune_clan import CheckpointError, Clan, ClanError, CommunicationError, Individual
from clantune_frameworks.genes import require_no_accumulation
from clantune_frameworks.lightning import access
from clantune_frameworks.lightning.checkpoints import KEY, saved_state, state_of_rank
from clantune_frameworks.lightning.data import TrainingData, length_of_run, require_whole_windows
from clantune_frameworks.lightning.judging import JudgeLike, ModuleJudge
from clantune_frameworks.lightning.refusals import require_fitting
from clantune_frameworks.lightning.weights import BestInCheckpoints
from clantune_frameworks.metrics import Logging
from clantune_frameworks.options import require_options
from clantune_frameworks.rounds import Rounds
from clantune_frameworks.weights import put_best

_OF_THE_TRAINER = {
    "model": "it is the module",
    "optimizer": "it is what configure_optimizers returns",
    "scheduler": "it is what configure_optimizers returns",
    "scaler": "it is that of Trainer(precision=...)",
    "accumulate": "it is Trainer(accumulate_grad_batches=...)",
    "checkpoints": "the clan is part of the checkpoints of Lightning, see ModelCheckpoint",
    "epochs": "it is Trainer(max_epochs=...)",
    "steps_per_epoch": "Lightning counts them",
}


class ClanCallback(Callback):
    """Trains a clan: `Trainer(callbacks=[ClanCallback(judge="val_loss")], strategy="ddp")`.

    Each rank is a member. The callback makes the clan from what Lightning has made of the module,
    deals out the batches of its training loader, begins and ends rounds, and adds the clan to
    checkpoints. After training every rank has the best weights of the clan in the module.
    """

    def __init__(self, judge: JudgeLike, *, autobind: Any = "auto", **options: Any) -> None:
        """Describe the clan of a Trainer.

        Args:
            judge: Name of a metric that the module logs in its validation, such as `"val_loss"`,
                or a function of the module that returns the loss or score of its weights.
            autobind: Presets that bind genes, see `Clan`.
            **options: Other options of `Clan`, such as `mode="max"`, `round_length`, `strategies`.

        Raises:
            ClanError: The Trainer decides about an option, or an option is unknown.
        """
        if not (isinstance(judge, str) or callable(judge)):
            raise ClanError(
                "judge= is the name of a metric that the module logs in its validation, or a "
                f"function of the module; got {judge!r}"
            )
        require_options(options, _OF_THE_TRAINER)
        self._judge, self._options = judge, {"autobind": autobind, **options}
        self._clan: Clan | None = None
        self._rounds: Rounds | None = None
        self._data: TrainingData | None = None
        self._saved: Mapping[str, Any] | None = None
        self._is_resumed = False
        self._weights: BestInCheckpoints | None = None
        self._length: int | None = None

    @property
    def clan(self) -> Clan:
        """The clan, from the start of training on.

        Raises:
            ClanError: Training has not begun.
        """
        if self._clan is None:
            raise ClanError("there is no clan before trainer.fit has begun")
        return self._clan

    @property
    def member(self) -> Individual:
        """This rank's member in the current round.

        Raises:
            ClanError: Training has not begun.
        """
        if self._rounds is None:
            raise ClanError("there is no member before the training in trainer.fit has begun")
        return self._rounds.member

    # ---- Before training ----

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stand between Lightning and its training loader, before anyone asks for it."""
        if stage == "fit":
            require_fitting(trainer, pl_module, self._judge)
            self._clan, self._rounds, self._saved, self._is_resumed = None, None, None, False
            self._data = TrainingData(trainer)

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep the state of this rank until training begins."""
        if trainer.training:
            self._saved, self._is_resumed = state_of_rank(checkpoint, trainer), True

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Make the clan from the optimizers that Lightning trains with."""
        assert self._data is not None  # noqa: S101  (setup comes first)
        by_hand = not pl_module.automatic_optimization
        batches = self._data.batches_per_epoch()
        if self._data.batches is not None:
            require_whole_windows(batches, trainer.accumulate_grad_batches)
        self._length = length_of_run(trainer, batches, by_hand=by_hand)
        if by_hand:  # the wrapper would average in each of the module's backward passes
            trainer.strategy.model = pl_module
        optimizers = trainer.optimizers
        observers = [*self._options.get("observers", ()), Logging(_logging(trainer))]
        self._clan = clan = Clan(
            model=trainer.strategy.model,
            optimizer=optimizers[0] if len(optimizers) == 1 else optimizers,
            scheduler=_schedulers(trainer),
            scaler=getattr(trainer.precision_plugin, "scaler", None),
            accumulate=trainer.accumulate_grad_batches,
            **{"total_steps": self._length, **self._options, "observers": observers},
        )
        if not by_hand:
            require_no_accumulation(
                clan.genome,
                "Lightning",
                "give Trainer(accumulate_grad_batches=...), or optimize by hand "
                "(automatic_optimization = False)",
            )
        if self._data.batches is not None:
            self._data.batches.deal_by(clan)
        self._weights = BestInCheckpoints(trainer, clan)

    # ---- While it trains ----

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the first round, or go on in the one that was saved."""
        if self._saved is not None:  # after Lightning has loaded what it saves itself
            self.clan.load_state_dict(self._saved)
            self._saved = None
        elif self._is_resumed:
            raise CheckpointError(
                "the clan in this checkpoint has made all steps of its run, whose length is fixed "
                "at its start: to train more, make the module by load_from_checkpoint and fit "
                "without ckpt_path="
            )
        self._rounds = Rounds(self.clan, ModuleJudge(trainer, self._judge))

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Raise an error if something has overwritten a gene at an epoch's end or first step."""
        if batch_idx > 1 or self.clan.finished:  # to look at each step would cost time
            return
        if problem := self.member.overwritten():
            raise problem

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Make a step of the clan, which may end a phase, a round, or the run."""
        assert self._rounds is not None  # noqa: S101  (on_train_start has made it)
        if self.clan.finished:
            return
        self._rounds.after_batch()
        if self._rounds.are_over:
            put_best(self.clan, pl_module)
            if self.clan.settings.total_steps != self._length:
                trainer.should_stop = True

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the states of all ranks to a checkpoint."""
        if self._weights is not None:
            checkpoint[KEY] = saved_state(self.clan)

    # ---- The end ----

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the best weights in the module on every rank, and end the clan."""
        if not self.clan.finished:
            put_best(self.clan, pl_module)
        self.clan.close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """End the clan on this rank, and tell the others why."""
        if "Clan(..., scheduler=" in str(exception):  # the advice of a clan in a loop of one's own
            exception.add_note(
                "In Lightning, hand a scheduler to the clan by returning it from "
                "configure_optimizers, and leave its steps to Lightning."
            )
        if self._clan is not None and isinstance(exception, Exception):
            with contextlib.suppress(CommunicationError):  # nobody can hear it
                self._clan.communicator.announce(exception)
        self._release()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Remove everything from the trainer."""
        self._release()

    def _release(self) -> None:
        for each in (self._data, self._weights):
            if each is not None:
                each.release()
        self._data = self._weights = None
        if self._clan is not None:
            self._clan.close()


def _logging(trainer: Trainer) -> Any:
    def log(metrics: dict[str, float]) -> None:
        for logger in trainer.loggers:
            logger.log_metrics(metrics, step=access.logging_step(trainer))

    return log


def _schedulers(trainer: Trainer) -> list[Any] | None:
    """Return the schedulers of a trainer, and take those from it that the clan steps itself."""
    configs = trainer.lr_scheduler_configs
    schedulers = [config.scheduler for config in configs]
    trainer.strategy.lr_scheduler_configs = [
        config for config in configs if not isinstance(config.scheduler, ReduceLROnPlateau)
    ]
    return schedulers or None
