"""Inheritance: weights, buffers and optimizer state go from parents to children."""

from clantune_clan.inheritance.inherit import Inheritance, Report
from clantune_clan.inheritance.plan import Plan

__all__ = ["Inheritance", "Plan", "Report"]
