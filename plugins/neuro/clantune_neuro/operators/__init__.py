"""Operators: what one gene does to the integer weights of a network."""
