"""The mesh over which a model is sharded before the clan gets it."""

from __future__ import annotations

from torch.distributed.device_mesh import DeviceMesh

from clantune_clan.communication import Communication
from clantune_clan.communication.mesh import member_mesh


class Shardable:
    """A clan whose members may have several ranks, and a model sharded over them.

    Attributes:
        communicator: Channel between the ranks.
    """

    communicator: Communication
    _mesh: DeviceMesh | None = None

    def member_mesh(self) -> DeviceMesh:
        """Return the mesh for `fully_shard`: the ranks of this member. All ranks call it together.

        Make the clan without a model, shard the model, and give it to `attach`:

            clan = Clan(population_size=2)  # 4 processes make 2 members of 2 ranks
            fully_shard(model, mesh=clan.member_mesh())
            clan.attach(model, torch.optim.AdamW(model.parameters()))
        """
        if self._mesh is None:
            self._mesh = member_mesh(self.communicator)
        return self._mesh
