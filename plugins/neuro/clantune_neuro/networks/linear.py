"""One hidden layer between the inputs and the classes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from clantune_neuro.errors import NetworkError


class LinearPolicy(nn.Module):
    """A hidden layer with ReLU, and an output layer.

    `LinearPolicy(784, classes=10)` has 101,632 weights.
    """

    def __init__(self, inputs: int, *, hidden: int = 128, classes: int, bias: bool = False) -> None:
        """Make the network, with weights of the standard deviation 2 / sqrt(fan-in).

        Args:
            inputs: Number of values per point, after flattening.
            hidden: Width of the hidden layer.
            classes: Number of logits.
            bias: Whether the layers have biases, which are 0 at first.

        Raises:
            NetworkError: A number is below 1.
        """
        super().__init__()
        for name, number in (("inputs", inputs), ("hidden", hidden), ("classes", classes)):
            if number < 1:
                raise NetworkError(f"LinearPolicy: {name} is {number}; it must be at least 1")
        self.hidden = nn.Linear(inputs, hidden, bias=bias)
        self.out = nn.Linear(hidden, classes, bias=bias)
        draw_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of each point."""
        logits: Tensor = self.out(torch.relu(self.hidden(x.flatten(1))))
        return logits


def draw_weights(module: nn.Module) -> None:
    """Draw every weight with the standard deviation 2 / sqrt(fan-in), and set every bias to 0.

    The notes call this initialisation He's. It is larger than He's by the square root of 2.
    """
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=2 / math.sqrt(parameter[0].numel()))
        else:
            nn.init.zeros_(parameter)
