"""Benchmarks: each returns a report of times or memory, measured on this machine."""
