"""Clans for Lightning: `from clantune.lightning import ClanCallback`."""

try:
    from clantune_frameworks.lightning import ClanCallback
except ImportError as error:
    raise ImportError(
        "clantune.lightning needs more packages: pip install 'clantune[lightning]'"
    ) from error

__all__ = ["ClanCallback"]
