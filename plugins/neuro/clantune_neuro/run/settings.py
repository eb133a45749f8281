"""The settings of a run, and `run.json`, which keeps them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import attrs

from clantune_core import ClanTuneError, Evolution, deserialize, serialize
from clantune_neuro.errors import DirectoryError
from clantune_neuro.lineage.blueprint import Blueprint, LineageAllele
from clantune_neuro.lineage.lineage import Lineage
from clantune_neuro.run.checking import whole, whole_or_none
from clantune_neuro.run.files import damaged, read_json, require_entries, write_whole
from clantune_neuro.run.machine import versions

NAME = "run.json"

FORMAT = 1
"""The version of the format of a run directory."""

_LOG = logging.getLogger("clantune_neuro")


@attrs.frozen
class Settings:
    """What a run was begun with. It decides the history, together with network and task.

    Attributes:
        blueprint: What the genes of the lineages mean.
        evolution: The strategies; None for a run that was read and whose strategies could not be
            written.
        seed: Seed of the run.
        form: How networks are scored.
        chunk: Lineages per chunk.
        improvement: Whether a score is what a child scores above its parent.
        compact_after: Number of genes after the birth above which common genes become a birth,
            or None.
        threads: Number of threads of torch while it scores.
        command: What the command line wants to find again: options of the network and the task.
        machine: The kind of machine that began the run.
        unwritten: Why the strategies could not be written; empty if they were.
    """

    blueprint: Blueprint
    evolution: Evolution | None
    seed: int = attrs.field(validator=whole())
    form: str
    chunk: int = attrs.field(validator=whole(1))
    improvement: bool
    compact_after: int | None = attrs.field(validator=whole_or_none(0))
    threads: int = attrs.field(validator=whole(1))
    command: Mapping[str, Any]
    machine: str
    unwritten: str = ""

    def write(self, folder: Path) -> None:
        """Write them to `run.json`. A log message tells if the strategies cannot be written."""
        strategies, unwritten = _document(self.evolution)
        if unwritten:
            _LOG.warning(
                "%s does not contain the strategies, so pass them to Evolve.resume: %s",
                folder / NAME,
                unwritten,
            )
        data = {
            "format": FORMAT,
            "versions": versions(),
            **{name: getattr(self, name) for name in _PLAIN},
            "strategies": strategies,
            "unwritten": unwritten,
            "blueprint": plain_blueprint(self.blueprint),
        }
        write_whole(folder / NAME, json.dumps(data, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Settings:
        """Return the settings in `run.json`.

        Raises:
            DirectoryError: The file is missing or damaged, or has a newer format.
        """
        data = read_json(folder / NAME)
        found = data.get("format") if isinstance(data, dict) else None
        if isinstance(found, int) and found > FORMAT:
            raise DirectoryError(
                f"{folder} has the format version {found}, and this clantune-neuro reads versions "
                f"up to {FORMAT}; upgrade it: pip install --upgrade clantune-neuro",
                folder=str(folder),
            )
        try:
            require_entries("it", data, _PLAIN | _OTHERS)
            strategies = data["strategies"]
            return cls(
                blueprint=Blueprint.read(data["blueprint"]),
                evolution=None if strategies is None else deserialize(strategies, Evolution),
                unwritten=data["unwritten"],
                **{name: data[name] for name in _PLAIN},
            )
        except (ClanTuneError, LookupError, TypeError, ValueError) as error:
            raise damaged(folder / NAME, error) from error


_PLAIN: dict[str, tuple[type, ...]] = {
    "seed": (int,),
    "form": (str,),
    "chunk": (int,),
    "improvement": (bool,),
    "compact_after": (int, NoneType),
    "threads": (int,),
    "command": (dict,),
    "machine": (str,),
}
"""The settings that are plain data, and their types in `run.json`."""

_OTHERS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "strategies": (dict, NoneType),
    "unwritten": (str,),
    "blueprint": (dict,),
}


def plain_blueprint(blueprint: Blueprint) -> Any:
    """Return a blueprint as plain data, as documents of alleles contain it."""
    return serialize(LineageAllele(Lineage.born(0), blueprint))["domain"]


def _document(evolution: Evolution | None) -> tuple[Any, str]:
    """Return strategies as a document, or why they cannot be one."""
    if evolution is None:
        return None, "the run was begun without them"
    try:
        return serialize(evolution), ""
    except ClanTuneError as error:
        return None, str(error)
