"""A checksum of tensors' bits that an accelerator takes without moving them.

Words of 64 bits are multiplied by odd weights, a fixed one for each place, and added up modulo
2**64. The lower half of each word is mixed with the upper one before: otherwise a change of a sign,
which is far up, would count for nothing but its being even or odd, and a second one would undo it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from clantune_clan.inheritance.pieces import blocks, is_plain

WORDS = 2**17
"""Words that are added up at once."""

_MODULUS = 2**64
_STEP = 0x9E3779B97F4A7C15
_WEIGHTS: dict[torch.device, Tensor] = {}


def sum_of_words(tensor: Tensor) -> int:
    """Return the checksum of a tensor's elements in order, whatever their layout in memory."""
    weights = _weights(tensor.device)
    step = WORDS * 8 // tensor.element_size()
    total = tensor.nbytes
    for begin in range(0, tensor.numel(), step):
        words = _words(tensor, begin, min(begin + step, tensor.numel()))
        mixed = torch.bitwise_right_shift(words, 32)
        if tensor.is_floating_point():
            mixed.bitwise_xor_(words)
        else:
            mixed.add_(words)  # slower, but it tells 0 from -1: their bits are all different
        added = int(mixed.mul_(weights[: len(words)]).sum())
        total = (total * _STEP + added) % _MODULUS
    return total


def _words(tensor: Tensor, begin: int, end: int) -> Tensor:
    """Return the bytes of a range of elements as words, with zeros at the end if they need some."""
    size = (end - begin) * tensor.element_size()
    if is_plain(tensor):
        there = tensor.view(-1)[begin:end].view(torch.uint8)
        if size % 8 == 0 and there.storage_offset() % 8 == 0 and there.data_ptr() % 8 == 0:
            return there.view(torch.int64)
    padded = torch.zeros(-(-size // 8) * 8, dtype=torch.uint8, device=tensor.device)
    values = padded[:size].view(tensor.dtype)
    for block in blocks(tensor, begin, end):
        values[: block.numel()].view(block.shape).copy_(block)
        values = values[block.numel() :]
    return padded.view(torch.int64)


def _weights(device: torch.device) -> Tensor:
    """Return an odd number for each place; they look random, and are the same everywhere."""
    if device not in _WEIGHTS:
        numbers = torch.arange(1, WORDS + 1, dtype=torch.int64) * _signed(_STEP)
        numbers ^= numbers >> 30
        numbers *= _signed(0xBF58476D1CE4E5B9)
        numbers ^= numbers >> 27
        numbers *= _signed(0x94D049BB133111EB)
        _WEIGHTS[device] = ((numbers ^ (numbers >> 31)) | 1).to(device)
    return _WEIGHTS[device]


def _signed(number: int) -> int:
    return number - _MODULUS if number >= _MODULUS // 2 else number
