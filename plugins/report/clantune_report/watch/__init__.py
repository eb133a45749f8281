"""The live view of a run: what its file says, as text that fits a terminal."""
