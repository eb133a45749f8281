"""Clans in Lightning: `Trainer(callbacks=[ClanCallback(judge="val_loss")], strategy="ddp")`."""

from clantune_frameworks.lightning.callback import ClanCallback

__all__ = ["ClanCallback"]
