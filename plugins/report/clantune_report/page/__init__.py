"""The page that shows a run: one file of HTML that needs nothing else."""
