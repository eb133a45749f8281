"""Statistics of a run, from its directory alone."""
