"""The exceptions of ClanTune. A message says who failed, where, and what to do.

An exception that passes through a strategy or a gene gets a note (`BaseException.add_note`) with
that place. This includes the exceptions of third parties: a `ZeroDivisionError` in a strategy is
shown with the strategy, the hook and the gene below it.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable


class ClanTuneError(Exception):
    """Base class of all exceptions that ClanTune raises."""


class AlleleError(ClanTuneError, ValueError):
    """A value, domain or metadata that an allele cannot hold.

    Attributes:
        field: Which field of the allele, such as `"value"`; empty if it is not known.
    """

    field = ""


class TreeError(ClanTuneError, ValueError):
    """Genomes or allele trees that should have the same shape, but differ."""


class AncestryError(ClanTuneError, ValueError):
    """An ancestry that is not one probability per member, in rank order, summing to 1."""


class StrategyError(ClanTuneError):
    """A strategy that breaks the contract of a hook, or a list without a strategy for a hook.

    Attributes:
        strategy: Position and class, such as `"1:Gaussian"`; empty if no strategy is at fault.
        hook: The hook, such as `"handle_mutating"`; empty if no hook is at fault.
    """

    def __init__(self, message: str, *, strategy: str = "", hook: str = "") -> None:
        super().__init__(message)
        self.strategy = strategy
        self.hook = hook


class PluginError(ClanTuneError, LookupError):
    """A plugin that is not installed, switched off, broken, or installed twice.

    Attributes:
        name: The requested name.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class DataError(ClanTuneError, ValueError):
    """Plain data that cannot be read or written.

    Attributes:
        path: Path of the fault, such as `"$.alleles.lr.value"`; `"$"` is the whole document.
        problem: Description of the fault.
    """

    def __init__(self, problem: str, *, path: str = "$") -> None:
        super().__init__(f"{path}: {problem}")
        self.problem = problem
        self.path = path

    def below(self, path: str) -> DataError:
        """Return the same error for a document that contains this one at `path`."""
        inner = self.path.removeprefix("$") if self.path.startswith("$") else f".{self.path}"
        return DataError(self.problem, path=path + inner)

    def __reduce__(self) -> tuple[object, ...]:
        return (_data_error, (self.problem, self.path))


def _data_error(problem: str, path: str) -> DataError:
    return DataError(problem, path=path)


def shown(value: object, limit: int = 80) -> str:
    """Return the repr of a value for a message, cut to a length."""
    try:
        text = _SHORT.repr(value)
    except Exception:  # noqa: BLE001  (integers too long for `repr`, objects that are broken)
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name, with the nearest known name, if any."""
    near = difflib.get_close_matches(str(name)[:64], known, 1)
    return f"; did you mean {near[0]!r}?" if near else "."


def step(path: str, name: str) -> str:
    """Return the path of the entry `name` below `path`, as one short line."""
    plain = name.isprintable() and len(name) <= 80
    return f"{path}.{name}" if plain else f"{path}[{shown(name)}]"


# This also limits the time: the repr of nested data repeats a part at every place that shares it.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 4
_SHORT.maxtuple = _SHORT.maxlist = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxfrozenset = 16
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 200
