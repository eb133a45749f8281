"""Strategies for lineages: they append genes, cross lineages, and order members by their scores."""
