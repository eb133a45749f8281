"""Gradients, averaged over the clan, over half of it, or within each member alone."""

from clantune_clan.reduction.choosing import NAMES, ReductionName, make_gradients
from clantune_clan.reduction.fingerprint import ParameterFingerprint
from clantune_clan.reduction.gradients import Gradients

__all__ = ["NAMES", "Gradients", "ParameterFingerprint", "ReductionName", "make_gradients"]
