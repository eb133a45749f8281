"""Inheritance: children receive weights, buffers and optimizer state from their parents."""

from clantune_clan.inheritance.inherit import Inheritance, Report
from clantune_clan.inheritance.plan import Plan

__all__ = ["Inheritance", "Plan", "Report"]
