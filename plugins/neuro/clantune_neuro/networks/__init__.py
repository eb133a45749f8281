"""Networks to evolve. Any other `torch.nn.Module` with floating parameters does as well."""

from clantune_neuro.networks.answer import Answer, answer_of
from clantune_neuro.networks.conv import ConvPolicy
from clantune_neuro.networks.heads import Heads
from clantune_neuro.networks.linear import LinearPolicy
from clantune_neuro.networks.multi import Multi, MultiConv
from clantune_neuro.networks.plastic import PlasticHeads

__all__ = [
    "Answer",
    "ConvPolicy",
    "Heads",
    "LinearPolicy",
    "Multi",
    "MultiConv",
    "PlasticHeads",
    "answer_of",
]
