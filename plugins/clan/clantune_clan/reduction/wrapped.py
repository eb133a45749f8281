"""The reduction `"ddp"`: the buckets of `DistributedDataParallel`, in its backward pass.

A communication hook of the wrapper is called when a bucket is full, and decides there over which
group the bucket is averaged. The wrapper's own flag, which its forward pass reads, is not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import attrs
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._C._distributed_c10d import GradBucket
from torch.autograd import Variable
from torch.futures import Future
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from clantune_clan.communication import Communication
from clantune_clan.errors import GradientError
from clantune_clan.module_hook import ModuleHook
from clantune_clan.reduction.along import Counts, numbers_of, read_counts
from clantune_clan.reduction.gradients import Gradients
from clantune_clan.reduction.soundness import is_finite, require_plain, zero_unless
from clantune_clan.reduction.switchboard import connect, disconnect


@attrs.frozen(eq=False)
class _Part:
    """A bucket that is under way, and the future that the wrapper waits for."""

    gradients: Tensor
    sound: Tensor
    work: dist.Work
    arrived: Future[Tensor]


class _Calls:
    """How the wrapper was called since the last backward pass.

    Attributes:
        average: Whether the wrapper is to average, which `no_sync` prevents; None if it was not
            called.
    """

    average: bool | None = None

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def note(self, wrapper: Any, *_: object) -> None:
        if torch.is_grad_enabled():
            self.average = wrapper.require_backward_grad_sync
        wrapper.require_forward_param_sync = False  # it would copy buffers from rank 0


class WrappedGradients(Gradients):
    """Adds up the buckets of a `DistributedDataParallel` while the backward pass goes on.

    Beside the last bucket goes a small tensor, which says whether all buckets of a rank are finite,
    or only some. A rank without finite buckets does not count. If a rank has both kinds, all ranks
    skip the pass.
    """

    name: ClassVar = "ddp"

    def __init__(
        self,
        model: nn.Module,
        wrapper: DistributedDataParallel,
        optimizers: Sequence[Optimizer],
        communicator: Communication,
    ) -> None:
        """Register hooks on the parameters, and take over the buckets of the wrapper.

        Args:
            model: Model to call: the wrapper, or what torch.compile has made of it.
            wrapper: Wrapper around the whole model.
            optimizers: Optimizers of its parameters.
            communicator: Channel to the other ranks.

        Raises:
            GradientError: Something else averages already, or an optimizer has other parameters.
        """
        super().__init__(model, optimizers, communicator)
        self._parts: list[_Part] = []
        self._arrived_parameters: set[int] = set()
        self._calls = _Calls()
        connect(wrapper, self._average_bucket)
        self.when_closed(lambda: disconnect(wrapper))
        note = wrapper.register_forward_pre_hook(ModuleHook(self._calls.note))
        self.when_closed(note.remove)
        self.before_steps(optimizers, self._require_complete)

    def _note(self, parameter: Tensor) -> None:
        if self.group is not None:
            self._arrived_parameters.add(id(parameter))

    def _average_bucket(self, bucket: GradBucket) -> Future[Tensor]:
        """Begin to average a bucket. With the last one, complete the pass."""
        gradients, group = bucket.buffer(), self.group
        is_on_cpu = gradients.device.type == "cpu"
        arrived = Future[Tensor](devices=None if is_on_cpu else [gradients.device])
        if group is None:
            arrived.set_result(gradients)
            return arrived
        require_plain(gradients)
        sound = is_finite(gradients)
        zero_unless(sound, gradients)
        work = dist.all_reduce(gradients, dist.ReduceOp.AVG, group=group, async_op=True)
        self._parts.append(_Part(gradients, sound, work, arrived))
        if bucket.is_last():
            try:
                self._require_all()
                self.average()
                for part in self._parts:
                    part.arrived.set_result(part.gradients)
            finally:
                self._forget()
        return arrived

    def _require_all(self) -> None:
        """Raise an error if some parameters are in no bucket."""
        count = sum(part.gradients.numel() for part in self._parts)
        if count != sum(parameter.numel() for parameter in self.parameters):
            raise GradientError(
                "the DistributedDataParallel around the model does not average the parameters that "
                "require gradients now: wrap the model after they are frozen and unfrozen"
            )

    def _sum(self) -> Counts:
        group = self.group
        assert group is not None  # noqa: S101  (a bucket of this pass has found it)
        parts = torch.stack([part.sound for part in self._parts])
        sound = parts.all()
        along = torch.tensor(numbers_of(self.step, stops=self.wants_to_stop), device=sound.device)
        numbers = torch.cat([torch.stack([sound, parts.any() ^ sound]), along])
        works = [part.work for part in self._parts]
        works.append(dist.all_reduce(numbers, group=group, async_op=True))
        for work in works:
            self.wait(work)
        self.left_out += not sound
        all_sound, torn, *rest = numbers.tolist()
        return read_counts(all_sound, torn, rest, self.step)

    def _hand_out(self, factor: float) -> None:
        if factor != 1.0:
            for part in self._parts:
                part.gradients.mul_(factor)

    def _discard(self) -> None:
        # The wrapper sets gradients at its own end of the pass, which torch calls between these.
        engine, discard = Variable._execution_engine, super()._discard
        engine.queue_callback(lambda: engine.queue_callback(discard))

    def average_over(self, group: dist.ProcessGroup | None) -> None:
        """Set the group that averages gradients from now on; None: each rank keeps its own."""
        super().average_over(group)
        self._forget()

    def _forget(self) -> None:
        self._parts, self._arrived_parameters, self._calls.average = [], set(), None

    def _require_complete(self, *_: object) -> None:
        """Raise an error if a step follows a pass that was to be averaged and is not."""
        problem = None
        if self._arrived_parameters and self._calls.average is not False:
            problem = self._incomplete()
        self._forget()  # the next pass begins with another call
        if problem is not None:
            raise problem

    def _incomplete(self) -> GradientError:
        if self._calls.average is None:
            return GradientError(
                "a backward pass did not go through the DistributedDataParallel that averages its "
                "gradients, so each rank has kept its own: call member.model(...) before each "
                "backward pass, or choose reduction='exact', which averages at every backward pass"
            )
        missing = [p for p in self.parameters if id(p) not in self._arrived_parameters]
        names = ", ".join(repr(self.name_of(parameter)) for parameter in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        return GradientError(
            f"a backward pass has not reached the parameters {names}{more}, and without them "
            "DistributedDataParallel averages no gradients: give it find_unused_parameters=True, "
            "or choose reduction='exact', which does not need them"
        )
