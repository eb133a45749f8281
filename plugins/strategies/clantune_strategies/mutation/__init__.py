"""How an offspring differs from its parents."""

from clantune_strategies.mutation.noise import Cauchy, Gaussian

__all__ = ["Cauchy", "Gaussian"]
