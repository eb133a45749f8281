"""The command `clantune store`."""
