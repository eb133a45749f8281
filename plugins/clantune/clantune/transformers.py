"""Clans in the Trainer of Hugging Face."""

try:
    from clantune_frameworks.transformers import ClanCallback
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in {
        "accelerate",
        "clantune_frameworks",
        "transformers",
    }:
        raise
    raise ImportError(
        f"clantune.transformers needs {missing.name}, which is not installed: "
        "pip install 'clantune[transformers]'"
    ) from missing

__all__ = ["ClanCallback"]
