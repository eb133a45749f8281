"""A run of evolution: breed, evaluate, remember."""
