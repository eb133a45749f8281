"""The sub-commands of `clantune` that read what a run has written."""
