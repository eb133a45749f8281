"""Evaluation: from the weights of a population to one score per member."""
