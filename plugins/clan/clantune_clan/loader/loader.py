"""The loader of a clan, which distributes batches by the number of the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from clantune_clan.errors import LoaderError
from clantune_clan.loader import arguments
from clantune_clan.loader.batches import MapBatches, StreamBatches
from clantune_clan.loader.deal import Deal
from clantune_clan.loader.order import Order
from clantune_clan.loader.place import Place, from_state, to_state
from clantune_clan.loader.worker import begin_worker
from clantune_clan.schedule import Mode, Schedule

_END = object()


class ClanLoader:
    """Batches of one rank; `clan_loader` makes it. Iterating over it is one epoch.

    After a complete pass the next epoch follows, in another order. Iterating again after a break
    in a pass begins the next epoch too, but `load_state_dict` continues in the middle of one. If
    the length of the run is known, the last batch is that of its last step.

    Attributes:
        dataset: Dataset of the samples.
        batch_size: Samples in a full batch; batches at the end of an epoch may differ.
        schedule: Schedule that defines for each step whether members cooperate in it.
        rank: Rank that gets the batches.
        world_size: Number of ranks that share the samples.
    """

    def __init__(
        self, dataset: Any, deal: Deal, order: Order, rank: int, first_step: int, **options: Any
    ) -> None:
        self.dataset, self.schedule, self.rank = dataset, deal.schedule, rank
        self.batch_size, self.world_size = deal.batch_size, deal.world_size
        self._deal, self._order, self._generator = deal, order, torch.Generator()
        self._place, self._goes_on = Place(epoch=0, first=first_step), True
        self._steps_done: Callable[[], int] = lambda: self.step
        self._began: tuple[int, int] | None = None  # steps done and given before the last pass
        options["worker_init_fn"] = partial(begin_worker, options.get("worker_init_fn"))
        self._batches: MapBatches | StreamBatches
        if order.samples is None:
            stream = self._batches = StreamBatches(dataset, deal, rank)
            options["collate_fn"] = options.get("collate_fn") or default_collate
            self._loader = DataLoader(stream, batch_size=None, generator=self._generator, **options)
        else:
            self._batches = MapBatches(deal, order, rank)
            self._loader = DataLoader(
                dataset, batch_sampler=self._batches, generator=self._generator, **options
            )

    @property
    def epoch(self) -> int:
        """Number of the current epoch, or of the next one after a complete pass."""
        return self._place.epoch

    @property
    def step(self) -> int:
        """Number of the step that the next batch is for, counted over all epochs."""
        return self._place.step

    @property
    def mode(self) -> Mode:
        """The phase in which members use the next batch."""
        return self.schedule.mode_at(self.step)

    def __len__(self) -> int:
        """Return the number of batches in the next pass, if it begins at this step."""
        if isinstance(self._batches, StreamBatches):
            raise TypeError("a stream has no length: where it ends shows when it has been read")
        return self._batches.left(self._next_place())

    def steps_in(self, epochs: int) -> int:
        """Return the number of batches in a number of epochs, from the next pass on.

        Raises:
            LoaderError: The dataset is a stream, whose length is unknown.
        """
        if isinstance(self._batches, StreamBatches):
            raise LoaderError("the length of a stream is unknown: give total_steps=, not epochs=")
        place = begin = self._next_place()
        for _ in range(epochs):
            place = Place(place.epoch + 1, place.step + self._batches.left(place))
        return place.step - begin.step

    def require_steps(self, steps_done: Callable[[], int]) -> None:
        """Make a new pass raise an error if no step was made with the batches of the last one.

        Args:
            steps_done: Function that returns the number of steps of the run that are done.
        """
        self._steps_done = steps_done

    def __iter__(self) -> Iterator[Any]:
        self._refuse_idle_pass()
        self._place = self._batches.place = place = self._next_place()
        self._goes_on = False
        self._generator.manual_seed(self._order.seed_of("workers", place.epoch, self.rank))
        with torch.device("cpu"):  # the device of the generator, for any default device
            batches = iter(self._loader)
        while self._place is place:
            if self.schedule.is_over_at(place.step):
                return
            batch = next(batches, _END)
            if batch is _END:
                self._place, self._goes_on = place.at_epoch(place.epoch + 1), True
                return
            self._place = place = place.after_a_batch()
            yield batch
        raise LoaderError(
            "This pass over the loader is over: another pass, set_epoch or load_state_dict came "
            "in between. Call them before a pass, and make one pass at a time"
        )

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next pass, from its start. A resumed pass of it continues."""
        arguments.check_whole("epoch", "the number of an epoch", epoch, 0)
        if not (self._goes_on and epoch == self.epoch):
            self._place, self._goes_on = self._place.at_epoch(epoch), True

    def state_dict(self) -> dict[str, Any]:
        """Return the place after the last batch as JSON data, which is equal on all ranks."""
        return to_state(self._place, self._deal, self._order)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load the place of a saved loader. The next pass is the rest of its epoch.

        With another `world_size` or `ranks_per_member` it is the samples that were not used yet.

        Raises:
            LoaderError: The saved loader distributed samples in another way.
        """
        self._place, self._goes_on = from_state(state, self._deal, self._order), True

    def __repr__(self) -> str:
        samples = self._order.samples
        return (
            f"<ClanLoader of {'a stream' if samples is None else f'{samples} samples'}: "
            f"batch_size {self.batch_size}, rank {self.rank} of {self.world_size}, "
            f"epoch {self.epoch}, step {self.step} ({self.mode})>"
        )

    def _refuse_idle_pass(self) -> None:
        done, given = self._steps_done(), self.step
        began, self._began = self._began, (done, given)
        if began is not None and began[0] == done and began[1] < given:
            raise LoaderError(
                f"the last pass over this loader gave {given - began[1]} batches, and the member "
                "has made no step with them: call member.step() after each batch, or take the "
                "batches from member.batches(loader), which does so"
            )

    def _next_place(self) -> Place:
        return self._place if self._goes_on else self._place.at_epoch(self.epoch + 1)


def clan_loader(
    dataset: Dataset[Any] | Sequence[Any],
    batch_size: int = 1,
    *,
    round_length: int | None = None,
    duty_cycle: float | None = None,
    schedule: Schedule | None = None,
    shuffle: bool | None = None,
    seed: int = 0,
    drop_last: bool = False,
    num_workers: int = 0,
    collate_fn: Callable[[list[Any]], Any] | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    ranks_per_member: int = 1,
    first_step: int = 0,
    **options: Any,
) -> ClanLoader:
    """Make the loader of a rank: shards of the data in cooperation, common windows in competition.

    Every sample is used once in an epoch: in cooperation by one rank, in competition by one rank of
    each member. Loaders of different ranks do not communicate. They agree because all ranks pass
    the same arguments.

    Args:
        dataset: Dataset with `__len__` and `__getitem__`, or a stream, which is a
            `torch.utils.data.IterableDataset`. A stream must be the same on all ranks: each reads
            all of it and uses its part. The loader calls its `set_epoch(epoch)` if it has one.
        batch_size: Samples in a batch of one rank, 1 or more.
        round_length: Steps in a round of the clan, 1 or more. A step is one batch.
        duty_cycle: Share of a round in which members compete, 0 to 1.
        schedule: `Schedule` to use instead of these two.
        shuffle: Whether each epoch has an order of its own; None: yes, except for a stream.
        seed: Seed of the orders, 0 or more, equal on all ranks.
        drop_last: Whether to drop the last samples of an epoch if they do not fill a step. If not,
            they make smaller batches.
        num_workers: Processes that load ahead, 0 or more; at most 1 for a stream.
        collate_fn: Function that makes a batch of a list of samples; None: torch's default.
        rank: Number of this rank, 0 to `world_size` - 1; None: from torch.distributed or torchrun.
        world_size: Number of ranks, 1 or more; required together with `rank`.
        ranks_per_member: Number of consecutive ranks that train one member, 1 or more.
        first_step: Number of the step that uses the first batch, 0 or more.
        **options: Further options of `torch.utils.data.DataLoader`, such as `pin_memory`,
            `prefetch_factor` or `persistent_workers`.

    Raises:
        ClanError: An argument is invalid.
        LoaderError: The dataset has too few samples, or is not a dataset.
    """
    arguments.check_options(options)
    arguments.check_whole("seed", "a whole number", seed, 0)
    arguments.check_whole("num_workers", "a number of processes", num_workers, 0)
    arguments.check_whole("first_step", "the number of a step", first_step, 0)
    schedule = arguments.resolve_schedule(schedule, round_length, duty_cycle)
    rank, world_size = arguments.rank_and_world_size(rank, world_size)
    deal = Deal(schedule, batch_size, world_size, ranks_per_member, drop_last)
    samples = arguments.samples_of(dataset)
    if samples is None:
        arguments.check_stream(shuffle, num_workers)
    else:
        deal.check_suffices(samples, "The dataset has")
    order = Order(samples, samples is not None and shuffle is not False, seed)
    options |= {"num_workers": num_workers, "collate_fn": collate_fn}
    return ClanLoader(dataset, deal, order, rank, first_step, **options)
