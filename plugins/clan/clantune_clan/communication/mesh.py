"""The device mesh of a member, over which `fully_shard` shards the model."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh

from clantune_clan.communication.channel import Communication
from clantune_clan.communication.joining import join
from clantune_clan.errors import ClanError


def member_mesh(communicator: Communication) -> DeviceMesh:
    """Return a mesh of the ranks of this member. All ranks call this together.

    Its process group is not one of the clan's, since the sharded model outlives the clan. For the
    same reason the default process group stays until the process ends.

    Raises:
        ClanError: There is one process without a process group.
    """
    size, world_size = communicator.ranks_per_member, communicator.world_size
    if world_size == 1:
        raise ClanError(
            "there is one process, so there is nothing to shard: start several ranks per member, "
            "such as 4 processes for Clan(population_size=2), or leave fully_shard out"
        )
    members = [[*range(first, first + size)] for first in range(0, world_size, size)]
    communicator.gather("making the meshes of the members", None)
    join(communicator.deadline)  # and never leave
    own, _ = dist.new_subgroups_by_enumeration(members, timeout=communicator.deadline)
    # torch keeps results of operations for all meshes of equal ranks and names, also after their
    # groups are destroyed. So the name is that of the group.
    name = f"member_{own.group_name}"
    return DeviceMesh.from_group(own, _device_type(), mesh_dim_names=(name,))


def _device_type() -> str:
    """Return the kind of the current accelerator if there is a backend for it, or `"cpu"`."""
    device = torch.accelerator.current_accelerator(check_available=True)
    backends = [each.partition(":")[0] for each in dist.get_backend_config().split(",")]
    return device.type if device is not None and device.type in backends else "cpu"
