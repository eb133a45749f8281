"""Runs of a program, and their results."""
