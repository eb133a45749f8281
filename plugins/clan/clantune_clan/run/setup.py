"""The setup of a clan before its first round: model, optimizer, genes, loader, and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import attrs
from torch import nn
from torch.amp import GradScaler

from clantune_clan.communication import Communication
from clantune_clan.errors import CheckpointError, ClanError
from clantune_clan.loader import ClanLoader, clan_loader
from clantune_clan.loader.arguments import samples_of
from clantune_clan.loader.given import arguments_for
from clantune_clan.member.binding import require_fitting
from clantune_clan.member.construction import build_state
from clantune_clan.member.optimizers import Optimizers, OptimizersLike
from clantune_clan.member.state import State
from clantune_clan.reduction import ReductionName
from clantune_clan.run import genes, going_back
from clantune_clan.run.autobind import Autobind, bind_optimizers
from clantune_clan.run.length import steps_of_epochs
from clantune_clan.run.observers import Observers
from clantune_clan.run.scheduler import at_base_rates
from clantune_clan.run.schedulers import Schedulers
from clantune_clan.run.settings import RunArguments, Settings
from clantune_clan.run.snapshot import restore_random_streams
from clantune_clan.run.start_log import log_start
from clantune_clan.run.state import RunState
from clantune_clan.run.training import Training
from clantune_clan.schedule import Schedule
from clantune_core import Genome


@attrs.define
class Setup:
    """Collects the objects of a run, and starts it.

    Attributes:
        communicator: Channel to the other ranks.
        arguments: Arguments of the user.
        autobind: Presets that bind genes, as the user gave them.
        genome_config: Overrides by gene name, and further genes.
        schedulers: Learning rate schedulers; given as one, a list, or None.
        scaler: Scaler of the loss, or None.
        reduction: Method of averaging gradients.
        epochs: Length of the run in epochs, until it is known in steps.
        registered: Objects that are inherited with the weights, by name.
        loader: Loader of the clan; None if the user has another one.
        resumed: Saved state of this rank; None on a fresh start.
        presets: The presets that have bound genes, as text.
    """

    communicator: Communication
    arguments: RunArguments
    autobind: Autobind
    genome_config: Mapping[str, Any]
    schedulers: Schedulers = attrs.field(converter=Schedulers)
    scaler: GradScaler | None
    reduction: ReductionName
    epochs: int | None
    registered: dict[str, Any] = attrs.field(factory=dict, init=False)
    loader: ClanLoader | None = attrs.field(default=None, init=False)
    resumed: Mapping[str, Any] | None = attrs.field(default=None, init=False)
    presets: tuple[str, ...] = attrs.field(default=(), init=False)
    settings: Settings = attrs.field(init=False)
    _draft: State | None = attrs.field(default=None, init=False)

    @settings.default
    def _resolve(self) -> Settings:
        return self.arguments.resolve()

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.scaler, GradScaler | None):
            raise ClanError(f"scaler is a torch.amp.GradScaler; got {self.scaler!r}")
        if self.scaler is not None and self.scaler.is_enabled():
            self.registered["scaler"] = self.scaler

    @property
    def draft(self) -> State:
        """Model, optimizer and genes.

        Raises:
            ClanError: The clan has no model yet.
        """
        if self._draft is None:
            raise ClanError(
                "this clan has no model yet: Clan(model=..., optimizer=...), or "
                "clan.attach(model, optimizer)"
            )
        return self._draft

    def attach_both(self, model: nn.Module | None, optimizer: OptimizersLike | None) -> None:
        """Attach both, or neither if both are None."""
        if model is not None and optimizer is not None:
            self.attach(model, optimizer)
        elif model is not None or optimizer is not None:
            raise ClanError("a clan needs both, model= and optimizer=, or neither for now")

    def attach(self, model: nn.Module, optimizer: OptimizersLike, scheduler: Any = None) -> None:
        """Attach the model, its optimizers and their schedulers, and bind genes."""
        if self._draft is not None:
            raise ClanError("this clan has its model and optimizer already")
        if scheduler is not None:
            self._add_scheduler(scheduler)
        optimizers = Optimizers(optimizer)
        self.schedulers.require_fitting(optimizers, self.settings.mode)
        seed, index = self.arguments.seed, self.communicator.member_index
        identity = uuid5(NAMESPACE_URL, f"clantune/{seed}/{index}")
        draft = State(Genome(uuid=identity), model, optimizers)
        with at_base_rates(optimizers):
            bound = bind_optimizers(draft.genome, self.autobind, model, optimizers)
            draft.genome = bound.genome
            draft.genome = genes.configure(draft.genome, self.genome_config, draft)
        require_fitting(draft.genome, draft)
        self.presets, self._draft = bound.presets, draft

    def _add_scheduler(self, scheduler: Any) -> None:
        if self.schedulers.given:
            raise ClanError("this clan has its scheduler already, from Clan(scheduler=...)")
        self.schedulers = scheduler  # attrs converts it
        self.arguments = attrs.evolve(self.arguments, has_scheduler=True)
        self.settings = self.arguments.resolve()  # without a warm-up and a cooldown of its own

    def add_gene(self, name: str, kind: str, **options: Any) -> None:
        """Add a gene."""
        with at_base_rates(self.draft.optimizers):
            genome = genes.add_gene(self.draft.genome, name, self.draft, type=kind, **options)
        require_fitting(genome, self.draft)
        self.draft.genome = genome

    def register(self, name: str, thing: Any) -> None:
        """Register an object that children inherit with the weights.

        Raises:
            ClanError: The object has no state.
        """
        if isinstance(thing, GradScaler):
            raise ClanError(
                f"hand in a GradScaler by Clan(scaler={name}), so that members share it"
            )
        if name in self.registered:
            raise ClanError(f"{name!r} is registered already: give it another name")
        if not (hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")):
            raise ClanError(f"{name} has no state_dict and load_state_dict: it cannot be inherited")
        self.registered[name] = thing

    def make_loader(
        self,
        dataset: Any,
        batch_size: int | None,
        epochs: int | None,
        steps_done: Callable[[], int],
        *,
        has_begun: bool,
        **options: Any,
    ) -> ClanLoader:
        """Return a loader that knows the phases; `epochs` also sets the length of the run.

        Args:
            dataset: Dataset of the run, or a `DataLoader` of it.
            batch_size: Samples in a batch of one rank; None: 1, or as in the `DataLoader`.
            epochs: Length of the run in epochs; None if it is known already, or stays unknown.
            steps_done: Function that returns the number of steps of the run that are done.
            has_begun: Whether the first round has begun.
            options: Further options of `clan_loader`.
        """
        fixed = {
            **arguments_for(dataset, batch_size),
            "seed": self.arguments.seed,
            "rank": self.communicator.rank,
            "world_size": self.communicator.world_size,
            "ranks_per_member": self.communicator.ranks_per_member,
            "first_step": steps_done(),
            **options,
        }

        def make(schedule: Schedule) -> ClanLoader:
            return clan_loader(**{"schedule": schedule, **fixed})

        def data() -> dict[str, Any]:
            return {"samples": samples_of(fixed["dataset"]), "batch_size": fixed["batch_size"]}

        self.communicator.require_same("the loader", lambda: {"the data": data()})
        if epochs is None and self.arguments.total_steps is None:
            epochs = self.epochs
        if epochs is not None:
            self._set_length(steps_of_epochs(epochs, self._schedule_for, make), has_begun=has_begun)
        self.loader = make(self.settings.schedule)
        self.loader.require_steps(steps_done)
        self._place_loader()
        return self.loader

    def resume(self, saved: Mapping[str, Any]) -> None:
        """Resume the run from a state that `state_dict` returned.

        Raises:
            ClanError: The scheduler, loader or objects of the run differ from the saved ones.
        """
        self.schedulers.require_same(saved["scheduler"])
        if self.loader is not None and saved["loader"] is None:
            raise CheckpointError("the checkpoint has no loader: make the clan without one")
        if (names := {*saved["training"]["registered"]}) != {*self.registered}:
            raise CheckpointError(
                f"the checkpoint has the objects {sorted(names)}, and this clan has "
                f"{sorted(self.registered)}: register the same ones before clan.resume"
            )
        self.resumed = saved
        self._place_loader()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the user's schedulers and of the loader."""
        loader = None if self.loader is None else self.loader.state_dict()
        return {"scheduler": self.schedulers.state_dict(), "loader": loader}

    def _place_loader(self) -> None:
        place = None if self.resumed is None else self.resumed["loader"]
        if self.loader is not None and place is not None:
            self.loader.load_state_dict(place)

    def refuse_another_pace(self, steps_done: int) -> None:
        """Raise an error if the member has made another number of steps than the loader."""
        if self.loader is not None and self.loader.step != steps_done:
            raise ClanError(
                f"the loader has given {self.loader.step} batches, and the member has made "
                f"{steps_done} steps, so members got the data of other phases: call "
                "member.step() once per batch, and make one loader for the whole run"
            )

    def require_between_steps(self, steps_done: int) -> None:
        """Raise an error if a batch has been read and its step of the member is not made yet."""
        if self.loader is not None and self.loader.step != steps_done:
            raise ClanError(
                f"the batch of step {steps_done} was read, and member.step() has not followed: "
                "save after it, or between two rounds (member.batches steps after each batch)"
            )

    def start(self, run: RunState, observers: Observers) -> Training:
        """Start the run. All ranks call this together."""
        draft, settings = self.draft, going_back.if_possible(self.draft.genome, self.settings)
        if self.epochs is not None and settings.total_steps is None:
            raise ClanError(
                "epochs= needs to know how long one is: make the loader with clan.loader(...) "
                "before the first round, or give steps_per_epoch="
            )
        self.settings, has_ramp = settings, settings.ramp.end is not None
        genome = self.schedulers.begin(draft.genome, draft.optimizers, has_ramp=has_ramp)
        if self.communicator.rank == 0:
            log_start(draft.genome, settings, self.presets, self.communicator.num_members)
        state = build_state(
            genome,
            draft.model,
            draft.optimizers,
            self.communicator,
            reduction=self.reduction,
            scaler=self.scaler,
            resume=self.resumed is not None,
            compared={
                "the settings": settings.compared(),
                "the first values of genes": genome.as_hyperparameters(),
            },
        )
        try:
            training = Training(
                state,
                self.communicator,
                settings,
                run,
                registered=self.registered,
                schedulers=self.schedulers,
                observers=observers,
            )
            if self.resumed is not None:
                self._restore(training, self.resumed)
        except BaseException:
            state.close()
            raise
        return training

    def _restore(self, training: Training, saved: Mapping[str, Any]) -> None:
        self.schedulers.load_state_dict(saved["scheduler"] or [])
        training.load_state_dict(saved["training"])
        restore_random_streams(saved["random"])  # last: making a round may have drawn from them

    def _schedule_for(self, total_steps: int) -> Schedule:
        return attrs.evolve(self.arguments, total_steps=total_steps).resolve().schedule

    def _set_length(self, steps: int, *, has_begun: bool) -> None:
        known = self.arguments.total_steps
        if known not in (None, steps) or has_begun:
            why = "has begun already" if has_begun else f"is to make {known}"
            raise ClanError(
                f"clan.loader(..., epochs=) means a run of {steps} steps, and this one {why}: give "
                "the length of a run once, before its first round"
            )
        self.arguments = attrs.evolve(self.arguments, total_steps=steps)
        self.settings = self.arguments.resolve()
