"""Merging databases, and reading those of older programs."""
