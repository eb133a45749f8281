"""Lineages: genes, the texts that hold them, the blueprint that gives them meaning, the allele."""
