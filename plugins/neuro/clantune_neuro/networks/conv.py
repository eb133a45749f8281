"""Convolutions without padding, and two dense layers: the usual network for small pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from clantune_neuro.errors import NetworkError
from clantune_neuro.networks.linear import draw_weights


class ConvPolicy(nn.Module):
    """Convolutions with ReLU, a hidden layer with ReLU, and an output layer.

    `ConvPolicy((3, 64, 64), classes=10)` has 605,184 weights.
    """

    def __init__(
        self,
        inputs: tuple[int, int, int] = (3, 64, 64),
        *,
        classes: int,
        channels: Sequence[int] = (32, 64, 64),
        kernels: Sequence[int] = (8, 4, 3),
        strides: Sequence[int] = (4, 2, 1),
        hidden: int = 512,
        bias: bool = False,
    ) -> None:
        """Make the network, with weights of the standard deviation 2 / sqrt(fan-in).

        Args:
            inputs: Channels, height and width of a picture.
            classes: Number of logits.
            channels: Output channels of each convolution.
            kernels: Side of each convolution's kernel.
            strides: Stride of each convolution.
            hidden: Width of the hidden layer.
            bias: Whether the layers have biases, which are 0 at first.

        Raises:
            NetworkError: The three sequences differ in length, or a picture is smaller than the
                kernel that reads it.
        """
        super().__init__()
        if not len(channels) == len(kernels) == len(strides):
            raise NetworkError(
                f"ConvPolicy: {len(channels)} channels, {len(kernels)} kernels and {len(strides)} "
                "strides; give one of each per convolution"
            )
        depth, height, width = inputs
        layers: list[nn.Module] = []
        for number, (size, kernel, stride) in enumerate(
            zip(channels, kernels, strides, strict=True), start=1
        ):
            if min(height, width) < kernel:
                raise NetworkError(
                    f"ConvPolicy: convolution {number} reads {height} x {width} values with a "
                    f"kernel of {kernel}; take larger pictures, or smaller kernels or strides"
                )
            layers += [nn.Conv2d(depth, size, kernel, stride, bias=bias), nn.ReLU()]
            depth = size
            height, width = (height - kernel) // stride + 1, (width - kernel) // stride + 1
        self.convolutions = nn.Sequential(*layers)
        self.hidden = nn.Linear(depth * height * width, hidden, bias=bias)
        self.out = nn.Linear(hidden, classes, bias=bias)
        draw_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each picture."""
        logits: Tensor = self.out(torch.relu(self.hidden(self.convolutions(x).flatten(1))))
        return logits
