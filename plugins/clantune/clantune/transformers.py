"""Clans in the Trainer of Hugging Face."""

try:
    from clantune_frameworks.transformers import ClanCallback
except ModuleNotFoundError as missing:
    package = (missing.name or "").partition(".")[0]
    if package not in {"accelerate", "clantune_frameworks", "transformers"}:
        raise
    raise ImportError(
        f"clantune.transformers needs {package}, which is not installed: "
        "pip install 'clantune[transformers]'"
    ) from missing

__all__ = ["ClanCallback"]
