"""Several networks in one, which answer together."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from clantune_neuro.errors import NetworkError
from clantune_neuro.networks.conv import ConvPolicy


class Multi(nn.Module):
    """An ensemble: each logit is the largest among its networks.

    A gene of the operator `module` changes one of the networks and leaves the others alone.
    """

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        """Make an ensemble.

        Args:
            networks: Networks that take the same points and return logits of the same shape.

        Raises:
            NetworkError: The list is empty.
        """
        super().__init__()
        self.networks = nn.ModuleList(networks)
        if not self.networks:
            raise NetworkError("Multi: the list of networks is empty; give at least one")

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest logit of each class, per point."""
        return torch.stack([network(x) for network in self.networks]).amax(0)


class MultiConv(Multi):
    """An ensemble of networks of the class `ConvPolicy`."""

    def __init__(
        self, inputs: tuple[int, int, int] = (3, 64, 64), *, classes: int, networks: int = 4
    ) -> None:
        """Make an ensemble.

        Args:
            inputs: Channels, height and width of a picture.
            classes: Number of logits.
            networks: Number of networks.
        """
        super().__init__(ConvPolicy(inputs, classes=classes) for _ in range(networks))
