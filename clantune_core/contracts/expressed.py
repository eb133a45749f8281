"""Where and when a gene is expressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import attrs

from clantune_core.alleles import AbstractAllele, ContinuousAllele
from clantune_core.contracts.names import EXPRESSION, Role
from clantune_core.contracts.plain import entries, is_a_flag, is_number, is_one_of
from clantune_core.errors import AlleleError, DataError, shown, step

_LARGEST_OFFSET = 2.0**53
"""With a larger offset, rounding would remove a gene's steps of 1."""

A = TypeVar("A", bound=AbstractAllele)


def _to_paths(path: object) -> Mapping[str, float]:
    if isinstance(path, str):
        return {path: 0.0}
    if isinstance(path, Mapping):
        return {_path_name(name): _offset(name, offset) for name, offset in path.items()}
    raise DataError(
        f"{shown(path)} is neither a path nor a mapping of paths to offsets", path="path"
    )


def _path_name(name: object) -> str:
    if isinstance(name, str):
        return name
    raise DataError(f"the key {shown(name)} is not a string", path="path")


def _offset(name: str, offset: object) -> float:
    if is_number(offset, -_LARGEST_OFFSET, _LARGEST_OFFSET):
        return float(offset)
    raise DataError(
        f"{shown(offset)} is not an offset, a number from -2**53 to 2**53",
        path=step("path", name),
    )


@attrs.frozen
class Expressed:
    """Where and when a gene is expressed: the entry `"expression"` of its allele's metadata.

    Attributes:
        path: Each path with its offset: how far the value there is from the gene's value, on the
            gene's latent line. A string stands for a single path without an offset.
        is_cooperative: Whether members use their own value while they cooperate. If not, they use
            the clan's mean.
        is_competitive: Whether members use their own value while they compete.
        is_patchable: Whether the value is written to the paths. If not, it is only read by name.
        role: A property that a clan treats specially; None for most genes.
    """

    path: Mapping[str, float] = attrs.field(converter=_to_paths, hash=False)
    is_cooperative: bool = attrs.field(default=True, validator=is_a_flag)
    is_competitive: bool = attrs.field(default=True, validator=is_a_flag)
    is_patchable: bool = attrs.field(default=True, validator=is_a_flag)
    role: Role | None = attrs.field(default=None, validator=is_one_of(None, *get_args(Role)))

    @classmethod
    def of(cls, name: str, allele: AbstractAllele) -> Expressed:
        """Read the entry from the metadata of a gene.

        Raises:
            DataError: It is missing or damaged. The error names the gene and the path of the fault.
        """
        if EXPRESSION not in allele.metadata:
            raise DataError(
                "this entry is missing, which says where the gene is expressed; a preset adds it, "
                "and so does Expressed(path).added_to(allele)",
                path=f"gene {name!r}, metadata.{EXPRESSION}",
            )
        try:
            found = cls(**entries(cls, allele.metadata[EXPRESSION], needed=("path",)))
            found._require_latent_line(allele)
        except DataError as error:
            raise error.below(f"gene {name!r}, metadata.{EXPRESSION}") from None
        return found

    def added_to(self, allele: A) -> A:
        """Return the allele with this entry in its metadata.

        Raises:
            DataError: A path has an offset, and the allele has no latent line.
        """
        self._require_latent_line(allele)
        return allele.with_metadata({EXPRESSION: attrs.asdict(self, recurse=False)})

    def value_at(self, path: str, allele: AbstractAllele) -> Any:
        """Return the value at a path: the allele's value, moved by the offset of the path.

        The domain limits the gene, not the path. The widest domain of the kind limits both.

        Raises:
            DataError: The kind of the allele fails at this point of its latent line.
        """
        offset = self.path[path]
        if not offset or not isinstance(allele, ContinuousAllele):
            return allele.value
        anywhere = attrs.evolve(allele, domain=allele.widest)
        try:
            return anywhere.with_latent(anywhere.latent + offset).value
        except (ArithmeticError, ValueError) as error:
            problem = f"{type(allele).__name__} cannot be moved by {offset}: {error}"
            raise DataError(problem, path=step("path", path)) from error

    def _require_latent_line(self, allele: AbstractAllele) -> None:
        for path, offset in self.path.items():
            if offset and not isinstance(allele, ContinuousAllele):
                raise DataError(
                    f"an offset of {offset} needs a latent line, and {type(allele).__name__} has "
                    "none",
                    path=step("path", path),
                )


def offsets(allele: AbstractAllele, values: Mapping[str, Any]) -> dict[str, float]:
    """Return the offset of each path of a gene that is expressed at several paths.

    The first value has the offset 0. The other values keep their distance from it.

    Args:
        allele: The allele of the gene.
        values: The present value at each path. A path is left out if the kind cannot hold its
            value, such as a weight decay of 0 on a logarithmic scale: that value stays as it is.
            If the kind can hold none of the values, every path takes the value of the gene.
    """
    if not isinstance(allele, ContinuousAllele):
        return dict.fromkeys(values, 0.0)
    latents = {
        path: allele.to_latent(value) for path, value in values.items() if _can_hold(allele, value)
    }
    first = next(iter(latents.values()), 0.0)
    return {path: latent - first for path, latent in latents.items()} or dict.fromkeys(values, 0.0)


def _can_hold(allele: ContinuousAllele, value: object) -> bool:
    try:
        number = allele.check_number(value)
    except AlleleError:
        return False
    return allele.widest.min <= number <= allele.widest.max
