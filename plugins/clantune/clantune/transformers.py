"""Clans in the Trainer of Hugging Face: `from clantune.transformers import ClanCallback`."""

from clantune._extras import extra

with extra("transformers"):
    from clantune_frameworks.transformers import ClanCallback

__all__ = ["ClanCallback"]
