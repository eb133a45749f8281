"""Replay: the weights of a lineage, computed in integers and kept in a cache."""
