"""Breeding new groups of values from the best ones."""
