"""Mutation: change the genes of an offspring."""

from clantune_strategies.mutation.annealed import Annealed
from clantune_strategies.mutation.at_start import AtStart
from clantune_strategies.mutation.choices import Choose, Flip
from clantune_strategies.mutation.coupled import Coupled
from clantune_strategies.mutation.creep import Creep
from clantune_strategies.mutation.differential_evolution import DifferentialEvolution
from clantune_strategies.mutation.lethal import Lethal
from clantune_strategies.mutation.mirrored import Mirrored
from clantune_strategies.mutation.momentum import Momentum
from clantune_strategies.mutation.noise import Cauchy, Gaussian
from clantune_strategies.mutation.perturb import Perturb
from clantune_strategies.mutation.resample import Resample
from clantune_strategies.mutation.when_replaced import WhenReplaced

__all__ = [
    "Annealed",
    "AtStart",
    "Cauchy",
    "Choose",
    "Coupled",
    "Creep",
    "DifferentialEvolution",
    "Flip",
    "Gaussian",
    "Lethal",
    "Mirrored",
    "Momentum",
    "Perturb",
    "Resample",
    "WhenReplaced",
]
