"""What can go wrong, as data: one root, few children, each saying who, where and what to do.

Where an error passes through a gene or a strategy on its way up, that place is added as a note
(`BaseException.add_note`), whatever the error is: a plain `ZeroDivisionError` of a third party
reaches its reader with the strategy, the hook and the gene beneath it.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable


class ClanTuneError(Exception):
    """Root of everything that ClanTune raises on purpose."""


class AlleleError(ClanTuneError, ValueError):
    """A value, domain or metadata that an allele cannot hold.

    Attributes:
        field: Which field of the allele, such as `"value"`; empty if it is not known.
    """

    field = ""


class TreeError(ClanTuneError, ValueError):
    """Genomes or allele trees that should have one shape, and do not."""


class AncestryError(ClanTuneError, ValueError):
    """An ancestry that is not one probability per member, in rank order, summing to 1."""


class StrategyError(ClanTuneError):
    """A strategy that breaks the contract of a hook, or a list that lacks one.

    Attributes:
        strategy: Its place and class, such as `"1:Gaussian"`; empty if none is at fault.
        hook: The hook, such as `"handle_mutating"`; empty if none is at fault.
    """

    def __init__(self, message: str, *, strategy: str = "", hook: str = "") -> None:
        super().__init__(message)
        self.strategy = strategy
        self.hook = hook


class PluginError(ClanTuneError, LookupError):
    """A plugin that is not installed, switched off, broken, or there twice.

    Attributes:
        name: The name that was asked for.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class DataError(ClanTuneError, ValueError):
    """Plain data that cannot be read or written.

    Attributes:
        path: Where the fault is, such as `"$.alleles.lr.value"`; `"$"` is the whole document.
        problem: What is wrong there.
    """

    def __init__(self, problem: str, *, path: str = "$") -> None:
        super().__init__(f"{path}: {problem}")
        self.problem = problem
        self.path = path

    def below(self, path: str) -> DataError:
        """Return the same error seen from a document in which this one lies at `path`."""
        inner = self.path.removeprefix("$") if self.path.startswith("$") else f".{self.path}"
        return DataError(self.problem, path=path + inner)

    def __reduce__(self) -> tuple[object, ...]:
        return (_data_error, (self.problem, self.path))


def _data_error(problem: str, path: str) -> DataError:
    return DataError(problem, path=path)


def shown(value: object, limit: int = 80) -> str:
    """Return a value as a message shows it: its repr, cut where it would drown the message."""
    try:
        text = _SHORT.repr(value)
    except Exception:  # noqa: BLE001  (integers too long for `repr`, objects that are broken)
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return how a sentence about an unknown name ends: with the nearest known one, if any."""
    near = difflib.get_close_matches(str(name)[:64], known, 1)
    return f"; did you mean {near[0]!r}?" if near else "."


def step(path: str, name: str) -> str:
    """Return the path of the entry called `name` in what lies at `path`: one line, not long."""
    plain = name.isprintable() and len(name) <= 80
    return f"{path}.{name}" if plain else f"{path}[{shown(name)}]"


# Bounds the work too, which the repr of nested data repeats for every place that shares a part.
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 4
_SHORT.maxtuple = _SHORT.maxlist = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxfrozenset = 16
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 200
