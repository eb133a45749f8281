"""Gradients, averaged over the clan, over half of it, or within each member alone."""

from clantune_clan.gradients.averaging import Gradients, Reduction
from clantune_clan.gradients.fingerprint import ParameterFingerprint

__all__ = ["Gradients", "ParameterFingerprint", "Reduction"]
