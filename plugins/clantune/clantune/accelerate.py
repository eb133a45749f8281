"""Clans for scripts that use Accelerate: `from clantune.accelerate import accelerate_clan`."""

try:
    from clantune_frameworks.accelerate import PlacedLoader, accelerate_clan
except ImportError as error:
    raise ImportError(
        "clantune.accelerate needs more packages: pip install 'clantune[accelerate]'"
    ) from error

__all__ = ["PlacedLoader", "accelerate_clan"]
