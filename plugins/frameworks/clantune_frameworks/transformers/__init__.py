"""Clans in the Trainer of Hugging Face."""

from clantune_frameworks.transformers.callback import ClanCallback

__all__ = ["ClanCallback"]
