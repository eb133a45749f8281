"""Clans in the training loops of Lightning, of Hugging Face, and of Accelerate.

Each framework has a module of its own, which imports it: `clantune_frameworks.lightning`,
`clantune_frameworks.transformers`, and `clantune_frameworks.accelerate`.
"""
