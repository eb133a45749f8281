"""The errors of neuroevolution. A message names the tensor, gene or value, and says what to do."""

from __future__ import annotations

from clantune_core import AlleleError, ClanTuneError


class NeuroError(ClanTuneError):
    """Base class of the errors of neuroevolution."""


class LineageError(NeuroError, AlleleError):
    """A text that is not a lineage, or a lineage that its blueprint cannot replay.

    Attributes:
        gene: Number of the gene, from 0; None if the error is not about one gene.
    """

    def __init__(self, message: str, *, gene: int | None = None) -> None:
        super().__init__(message if gene is None else f"gene {gene}: {message}")
        self.gene = gene


class BlueprintError(NeuroError, AlleleError):
    """A module that cannot evolve as asked, or data that is not a blueprint.

    Attributes:
        tensor: Name of the tensor; empty if the error is not about one tensor.
    """

    def __init__(self, message: str, *, tensor: str = "") -> None:
        super().__init__(message)
        self.tensor = tensor


class StrengthError(NeuroError, ValueError):
    """A strength that a tensor cannot represent.

    Attributes:
        strength: The strength.
        tensor: Name of the tensor; empty if it is too large or too small for every tensor.
        gene: Number of the gene that has it; None outside of replay.
    """

    def __init__(self, message: str, *, strength: float, tensor: str = "") -> None:
        super().__init__(message)
        self.strength = strength
        self.tensor = tensor
        self.gene: int | None = None


class RangeError(NeuroError, ArithmeticError):
    """A weight that leaves the range of its tensor during replay.

    Attributes:
        tensor: Name of the tensor.
        gene: Number of the gene that moved it; None outside of replay.
    """

    def __init__(self, message: str, *, tensor: str) -> None:
        super().__init__(message)
        self.tensor = tensor
        self.gene: int | None = None


class OperatorError(NeuroError, AlleleError):
    """An operator that is not known, is known twice, cannot be used on a blueprint, or fails.

    Attributes:
        name: Name of the operator.
        gene: Number of the gene on which it failed; None outside of replay.
    """

    def __init__(self, message: str, *, name: str, gene: int | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.gene = gene


class BirthError(NeuroError, LookupError):
    """Given weights of a birth that are missing or damaged.

    Attributes:
        name: SHA-256 of the weights.
    """

    def __init__(self, message: str, *, name: str) -> None:
        super().__init__(message)
        self.name = name


class NetworkError(NeuroError, ValueError):
    """A network that cannot be built from its arguments."""


class TaskError(NeuroError, ValueError):
    """A task whose arguments or data cannot be used, or that does not return a score."""


class EvaluationError(NeuroError, ValueError):
    """A population that cannot be evaluated in the form that was asked for."""


class DirectoryError(NeuroError, ValueError):
    """A run directory that cannot be used.

    Attributes:
        folder: The directory.
    """

    def __init__(self, message: str, *, folder: str) -> None:
        super().__init__(message)
        self.folder = folder
