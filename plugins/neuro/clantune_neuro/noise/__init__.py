"""Noise of genes: words of a counter-based generator, and tables that turn them into steps."""
