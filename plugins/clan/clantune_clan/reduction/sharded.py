"""The reduction of sharded models: hooks of `fully_shard`, in its backward pass.

`fully_shard` averages over the ranks of a member, and leaves each rank its shard of the mean. Then
it calls a hook, which averages that shard over the members that cooperate.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import ClassVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Variable
from torch.distributed.fsdp import FSDPModule
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import GradientError
from clantune_clan.reduction.along import Counts, numbers_of, read_counts
from clantune_clan.reduction.gradients import Gradients
from clantune_clan.reduction.sharding import parameters_of
from clantune_clan.reduction.soundness import is_finite, zero_unless
from clantune_clan.shards import local, sharded_modules


class ShardedGradients(Gradients):
    """Averages the shards of a member's gradients over the members.

    After the last shard goes a small tensor, which says for each rank whether its shards are
    finite. A member none of whose shards is finite does not count. If only some of them are, all
    members skip the pass.
    """

    name: ClassVar = "fsdp"

    def __init__(
        self, model: nn.Module, optimizers: Sequence[Optimizer], communicator: Communication
    ) -> None:
        """Register hooks on the parameters and the sharded modules."""
        super().__init__(model, optimizers, communicator)
        self._backward = -1  # number of the graph of the current backward pass
        self._sound: list[tuple[FSDPModule, Tensor]] = []  # whether shards of this pass are finite
        self._earlier: list[tuple[Tensor, Tensor]] = []  # gradients that this pass adds to
        self._is_local = False  # whether they include passes that were not averaged
        modules = sharded_modules(model)
        self._parameters_of = {module: [*parameters_of(module)] for module in modules}
        method = weakref.WeakMethod(self._average_shard)

        def average(module: FSDPModule, shard: Tensor) -> None:
            if (average_shard := method()) is not None:
                average_shard(module, shard)

        for module in modules:
            module.set_all_reduce_hook(functools.partial(average, module))

        def leave() -> None:
            for module in modules:
                module.set_all_reduce_hook(None)  # type: ignore[arg-type]  # removes it

        self.when_closed(leave)

    def _note(self, parameter: Tensor) -> None:  # noqa: ARG002
        if self.group is None:
            self._is_local = True

    def _average_shard(self, module: FSDPModule, shard: Tensor) -> None:
        """Average the shard of a module's gradients, in place."""
        if shard.device.type != "cpu":
            # Torch made it on another stream, and may free it there while this one still uses it.
            shard.record_stream(torch.accelerator.current_stream(shard.device))
        group = self.group
        if group is None:
            return
        backward = torch._C._current_graph_task_id()
        if backward != self._backward:
            self._begin(backward)
        sound = is_finite(shard)
        self._sound.append((module, sound))
        zero_unless(sound, shard)
        self._average_over_members(shard, group)

    def _average_over_members(self, tensor: Tensor, group: dist.ProcessGroup) -> None:
        peers = self._communicator.peers_in(group)
        if peers is None:
            return
        try:
            work = dist.all_reduce(tensor, dist.ReduceOp.AVG, group=peers, async_op=True)
            if tensor.device.type == "cpu":
                self.wait(work)
            else:  # with NCCL, the stream of this hook waits and not the host
                work.wait()
        except (RuntimeError, ValueError) as error:
            raise self._interrupted(error) from error

    def _begin(self, backward: int) -> None:
        self._backward, self._sound = backward, []
        # The mean of this pass may have to be corrected, and only of this pass.
        self._earlier = [(p, p.grad) for p in self.parameters if p.grad is not None]
        for parameter, _ in self._earlier:
            parameter.grad = None
        self._is_local = self._is_local and bool(self._earlier)
        # fully_shard reduces the gradients of modules whose inputs need none in callbacks of its
        # own, which torch calls between these.
        queue = Variable._execution_engine.queue_callback
        queue(lambda: queue(functools.partial(self._end, backward)))

    def _end(self, backward: int) -> None:
        if backward != self._backward:
            raise self.nested()
        try:
            self.average()
        finally:
            self._backward, self._sound, self._earlier = -1, [], []

    def _sum(self) -> Counts:
        group, channel = self.group, self._communicator
        assert group is not None  # noqa: S101  (a shard of this pass has found it)
        sound_shards = [sound for module, sound in self._sound if self._has_gradient(module)]
        earlier = self._flat_earlier()
        if earlier is not None and earlier.numel():
            sound_shards.append(is_finite(earlier))
            zero_unless(sound_shards[-1], earlier)
        size, device = channel.num_members, self.parameters[0].device
        own, is_sound = torch.zeros(2 * size + 1, device=device), torch.ones((), device=device)
        if sound_shards:
            me, sound = channel.member_index, torch.stack(sound_shards)
            is_sound = sound.all()
            own[me], own[size + me], own[-1] = is_sound, 1.0, sound.any() ^ is_sound
        along = [float(earlier is not None), *numbers_of(self.step, stops=self.wants_to_stop)]
        numbers = torch.cat([own, torch.tensor(along, device=device)])
        self.wait(dist.all_reduce(numbers, group=group, async_op=True))
        sums = numbers.tolist()
        self.left_out += not is_sound
        counts = self._counts(sums, size)
        if earlier is not None and counts.present == self.size:
            self._average_earlier(earlier, group)
        return counts

    def _counts(self, sums: list[float], size: int) -> Counts:
        """Return the counts from the sums of all ranks.

        Args:
            sums: For each member, the number of its sound ranks and that of its ranks with shards;
                the number of ranks whose shards are sound in part; that of ranks with gradients of
                passes that were not averaged; and the numbers of `along`.
            size: Number of members.
        """
        pairs = [*zip(sums[:size], sums[size : 2 * size], strict=True)]
        torn, held, *along = sums[2 * size :]
        torn += sum(0 < sound < known for sound, known in pairs)
        whole = sum(sound == known > 0 for sound, known in pairs)
        ranks = self._communicator.ranks_per_member  # a member counts as all its ranks
        counts = read_counts(whole * ranks, torn, along, self.step)
        if counts.present == self.size and round(held) not in (0, self.size):
            raise GradientError(
                f"{round(held)} of {self.size} ranks have gradients of passes that were not "
                "averaged: every rank calls sync_context(sync=False) and zero_grad() as the "
                "others do"
            )
        return counts

    def _has_gradient(self, module: FSDPModule) -> bool:
        """Whether this rank has values of a gradient; a shard may consist of padding alone."""
        parameters = self._parameters_of[module]
        return any(p.grad is not None and local(p.grad).numel() for p in parameters)

    def _flat_earlier(self) -> Tensor | None:
        """Return the earlier gradients in one tensor if they are to be averaged, or None."""
        if not self._is_local:
            return None
        return torch.cat([local(gradient).reshape(-1) for _, gradient in self._earlier])

    def _average_earlier(self, flat: Tensor, group: dist.ProcessGroup) -> None:
        self._average_over_members(flat, group)
        parts = [local(gradient) for _, gradient in self._earlier]
        for part, mean in zip(parts, flat.split([p.numel() for p in parts]), strict=True):
            part.copy_(mean.view_as(part))

    def _hand_out(self, factor: float) -> None:
        if factor != 1.0:
            corrected = [p.grad for p in self.parameters if p.grad is not None]
            corrected += [gradient for _, gradient in self._earlier if self._is_local]
            torch._foreach_mul_([local(gradient) for gradient in corrected], factor)
        for parameter, gradient in self._earlier:
            if parameter.grad is not None:
                local(gradient).add_(local(parameter.grad))
            parameter.grad = gradient
        self._is_local = False
