"""The clan, which a training script uses from its first round to its last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from torch import nn
from torch.amp import GradScaler

from clantune_clan.checkpoint import Checkpoints
from clantune_clan.communication import Communication
from clantune_clan.communication.joining import TIMEOUT
from clantune_clan.errors import ClanError
from clantune_clan.loader import ClanLoader
from clantune_clan.member.individual import Individual
from clantune_clan.member.optimizers import OptimizersLike
from clantune_clan.member.state import State
from clantune_clan.records.history import open_history
from clantune_clan.reduction import ReductionName
from clantune_clan.run.autobind import Autobind
from clantune_clan.run.describe import describe
from clantune_clan.run.fitness import Judge
from clantune_clan.run.length import steps_of
from clantune_clan.run.observers import Reporting
from clantune_clan.run.results import Results
from clantune_clan.run.saving import Saving
from clantune_clan.run.settings import RecipeLike, RunArguments, Settings
from clantune_clan.run.setup import Setup
from clantune_clan.run.shardable import Shardable
from clantune_clan.run.state import RunState
from clantune_clan.run.stoppable import Stoppable
from clantune_core import Genome
from clantune_core.contracts import RecipeSettings


class Clan(Shardable, Results, Stoppable):
    """Members that train together and evolve: one per process, or per group of processes.

    `rounds()` hands out this rank's member, round by round, and `step(loss)` ends a round. All
    ranks call the same methods in the same order. A run of known length closes itself; others are
    closed by `close()`, by a `with` block, or when the process ends.

    Attributes:
        history: Records of all members and rounds, on rank 0.
        run_state: Place in the run, between its rounds.
        communicator: Channel between the ranks.
    """

    def __init__(
        self,
        *,
        model: nn.Module | None = None,
        optimizer: OptimizersLike | None = None,
        autobind: Autobind = (),
        genome_config: Mapping[str, Any] | None = None,
        population_size: int | None = None,
        round_length: int | None = None,
        duty_cycle: float | None = None,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        strategies: RecipeLike | None = None,
        settings: RecipeSettings | Mapping[str, Any] | None = None,
        scheduler: Any = None,
        scaler: GradScaler | None = None,
        warmup: float = 0.1,
        cooldown: float = 0.2,
        accumulate: int = 1,
        reduction: ReductionName = "auto",
        seed: int = 0,
        mode: Literal["min", "max"] = "min",
        judge: Literal["shared", "per rank"] = "shared",
        observers: Iterable[Any] = (),
        verbose: bool | None = None,
        progress: bool = False,
        history: str | Path | None = None,
        checkpoints: str | Path | Checkpoints | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Set up a clan. All ranks call this together.

        Args:
            model: Model, bare or wrapped; `attach` can add it later.
            optimizer: Optimizer of its parameters, or several: a list, or by name.
            autobind: Presets that bind genes, or `"auto"`; several optimizers may have their own.
            genome_config: Overrides by gene name, such as `{"lr": {"domain": (1e-5, 0.1)}}`; also
                new genes, with the options of `add_gene`, or alleles.
            population_size: Number of members; None: one per rank.
            round_length: Steps in a round; None: `total_steps` divided by the recipe's number of
                rounds, or 1000 if the length of the run is unknown. A step is one batch.
            duty_cycle: Share of a round in which members compete, 0 to 1; None: the recipe's.
            total_steps: Steps of the run. Gives the length of rounds, a warm-up and a cooldown.
            epochs: Length of the run in epochs, instead of `total_steps`.
            steps_per_epoch: Batches of a rank in an epoch; None: the number from `clan.loader`.
            strategies: Recipe or its name, or a list of strategies; None: `cautious()`, or
                `factorial()` for one member, unknown length, or fewer than ten rounds.
            settings: Settings of a recipe other than its strategies; None: the recipe's own.
            scheduler: Learning rate scheduler, or several, whose rates the genes then multiply.
            scaler: Scaler of the loss for float16; all members share its scale.
            warmup: Share of the run in which the learning rate rises.
            cooldown: Share of the run in which the learning rate falls.
            accumulate: Batches per step of the optimizer; rounds and phases are multiples of it.
            reduction: Method of averaging gradients, see `build_state`.
            seed: Seed of all random streams.
            mode: `"min"` if a low loss is good, `"max"` if a high score is.
            judge: `"shared"` if all ranks judge on the same data, `"per rank"` to use their mean.
            observers: Functions of a round's records, or objects with methods such as `on_step`.
            verbose: Whether rank 0 logs each round; None: only if the error stream is a terminal.
            progress: Whether rank 0 shows a progress bar, by tqdm.
            history: File that rank 0 writes records to; None: a temporary file.
            checkpoints: Folder for a checkpoint after each round, or `Checkpoints(...)`.
            timeout: Seconds to wait for another rank.
        """
        self.communicator = Communication(num_members=population_size, timeout=timeout)
        with self.communicator.announcing():
            arguments = RunArguments(
                strategies=strategies,
                settings=settings,
                round_length=round_length,
                duty_cycle=duty_cycle,
                total_steps=steps_of(total_steps, epochs, steps_per_epoch),
                warmup=warmup,
                cooldown=cooldown,
                accumulate=accumulate,
                mode=mode,
                judge=judge,
                seed=seed,
                has_scheduler=scheduler is not None,
                num_members=self.communicator.num_members,
            )
            self._saving = Saving.of(checkpoints, self.communicator)
            self._reporting = Reporting(observers=observers, verbose=verbose, progress=progress)
            self.run_state = RunState(seed)
            given = (autobind, genome_config or {}, scheduler, scaler, reduction, epochs)
            self._setup = Setup(self.communicator, arguments, *given)
            self._training, self._is_closed = None, False
            self._setup.attach_both(model, optimizer)
            self.history = open_history(history, self.communicator)  # last: a file is made

    # ---- Before the first round ----

    def attach(self, model: nn.Module, optimizer: OptimizersLike, *, scheduler: Any = None) -> None:
        """Give the clan its model, optimizer and scheduler, if it was made without them."""
        self._setup.attach(model, optimizer, scheduler)

    def add_gene(self, name: str, type: str = "optimizer", **options: Any) -> None:
        """Add a gene, before the first round.

        Args:
            name: Name and place: `"lr"` in all param groups, `"critic/lr"`, or a path in the model.
            type: `"optimizer"`, `"model"`, `"value"` (only read), or `"gradient_accumulation"`.
            options: `allele`, or `value` and `domain`; `path`, `can_mutate`, `can_crossbreed`,
                `is_cooperative`, `is_competitive`, `role`.
        """
        if self._training is not None:
            raise ClanError(f"gene {name!r} comes too late: genes are added before the first round")
        self._setup.add_gene(name, type, **options)

    def inherits(self, name: str, thing: Any) -> None:
        """Save an object in checkpoints, and let it be inherited with the weights.

        Args:
            name: Name of the object.
            thing: Object with `state_dict` and `load_state_dict`, such as your own average.
        """
        if self._training is not None:
            raise ClanError(f"{name!r} comes too late: call inherits() before the first round")
        self._setup.register(name, thing)

    add_genome, register = add_gene, inherits  # their names in the specification

    def loader(
        self,
        dataset: Any,
        batch_size: int | None = None,
        *,
        epochs: int | None = None,
        **options: Any,
    ) -> ClanLoader:
        """Return a loader that knows the phases of this clan.

        Args:
            dataset: Dataset that `clan_loader` accepts, or a `DataLoader` to take over.
            batch_size: Samples in a batch of one rank; None: 1, or as in the `DataLoader`.
            epochs: Length of the run in epochs, if the clan does not know it yet.
            options: Further options of `clan_loader`.
        """
        options["has_begun"] = self._training is not None
        return self._setup.make_loader(dataset, batch_size, epochs, self._steps_done, **options)

    @property
    def settings(self) -> Settings:
        """The resolved settings of the run."""
        return self._setup.settings

    @property
    def genome(self) -> Genome:
        """This member's genome."""
        return self._state.genome

    def describe(self) -> str:
        """Return a description of this clan as text."""
        training, setup = self._training, self._setup
        reduction = training.state.gradients.name if training else setup.reduction
        count = self.communicator.num_members
        return describe(setup.settings, self.genome, setup.presets, count, reduction, self.history)

    # ---- Rounds ----

    def rounds(self) -> Iterator[Individual]:
        """Yield this rank's member of each round until the run is over.

        The loop body trains the member and calls `step(loss)`. Leave an endless run by `break`.
        """
        while not self.finished:
            yield self.round()

    def round(self) -> Individual:
        """Begin a round and return this rank's member for it.

        After the last step of a run of known length this returns the last member, which is done.
        """
        training = self._training
        if training is not None and training.is_over:
            return training.member
        self._require_open("round")
        if training is None:
            self._look_back()
            self._handle_signals()
            start = self._run_start()
            observers = self._reporting.start(self.history, start, self.communicator)
            training = self._training = self._setup.start(self.run_state, observers)
        return training.begin_round()

    def step(self, result: float | Judge) -> None:
        """End a round: judge the members, select, inherit, and breed the next genomes.

        Args:
            result: Loss (or score) of this member on data that all members share, or a function of
                the model that returns it, called in eval mode and without gradients.
        """
        training = self._training
        if training is None:
            raise ClanError("clan.step(loss) ends a round: call it once, when member.done is true")
        if not training.is_over:
            self._require_open("step")
        training.require_done()
        self._setup.refuse_another_pace(training.member.steps_done)
        training.end_round(result)
        self._save_after_round()
        if training.is_over:
            self.close()

    @property
    def finished(self) -> bool:
        """Whether all steps of a run of known length are done."""
        return self._training is not None and self._training.is_over

    # ---- The end ----

    def close(self) -> None:
        """End the run on this rank, and restore the model and the optimizer to plain objects.

        It removes all hooks and leaves the clan's process groups. The ranks complete a checkpoint
        in the background together; after an exception each deletes it. Later calls do nothing.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._restore_signals()
        try:
            self._end_training()
        finally:
            self.communicator.close()

    def __enter__(self) -> Self:
        """Return this clan."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the clan."""
        self.close()

    def __repr__(self) -> str:
        members, run = self.communicator.num_members, self.run_state
        closed = ", closed" if self._is_closed else ""
        return f"<Clan of {members}: {run.round} rounds and {run.step} steps{closed}>"

    @property
    def _state(self) -> State:
        return self._setup.draft if self._training is None else self._training.state
