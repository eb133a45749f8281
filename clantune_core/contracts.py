"""The names and plain data that packages share without importing each other.

A preset writes where a gene is expressed, a recipe says how members are trained, and a clan reads
both. None of them imports another; all of them import this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeGuard, TypeVar, get_args

import attrs

from clantune_core.alleles import AbstractAllele, ContinuousAllele
from clantune_core.errors import AlleleError, DataError, did_you_mean, shown, step
from clantune_core.traits import Trait, trait_at

__all__ = [
    "ALLELES",
    "CENTRE_FITNESS",
    "COMMANDS",
    "DATA_PATH",
    "EXPRESSION",
    "GRADIENT_ACCUMULATION",
    "PRESETS",
    "RECIPES",
    "STRATEGIES",
    "Evaluate",
    "Expressed",
    "Inheritance",
    "RecipeSettings",
    "Role",
    "Trait",
    "offsets",
    "trait_at",
]

STRATEGIES = "clantune.strategies"
"""The group of entry points for classes derived from `AbstractStrategy`."""

ALLELES = "clantune.alleles"
"""The group of entry points for kinds of alleles, named by their tags."""

RECIPES = "clantune.recipes"
"""The group of entry points for functions without required arguments that return a recipe."""

PRESETS = "clantune.presets"
"""The group of entry points for functions of a model and an optimizer that return alleles."""

COMMANDS = "clantune.commands"
"""The group of entry points for functions `main(arguments, program) -> int`."""

CENTRE_FITNESS = "centre_fitness"
"""The entry of a genome's metadata that holds the fitness of the clan's centre, if measured."""

EXPRESSION = "expression"
"""The entry of an allele's metadata that says where and when its gene is expressed."""

Role = Literal["gradient_accumulation", "data_path"]
"""A property of a gene that a clan treats specially."""

GRADIENT_ACCUMULATION: Role = "gradient_accumulation"
"""The role of a gene that sets the number of backward passes in an optimizer step."""
DATA_PATH: Role = "data_path"
"""The role of a gene that changes the data or the loss, such as dropout."""

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
    if _is_number(offset, -_LARGEST_OFFSET, _LARGEST_OFFSET):
        return float(offset)
    raise DataError(
        f"{shown(offset)} is not an offset, a number from -2**53 to 2**53",
        path=step("path", name),
    )


def _is_number(value: object, low: float, high: float) -> TypeGuard[float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return low <= value <= high  # False for NaN


def _is_a_flag(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise DataError(f"{shown(value)} is not True or False", path=field.name)


def _is_one_of(*choices: object) -> Any:
    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if value not in choices:
            known = ", ".join(map(repr, choices))
            raise DataError(f"{shown(value)} is not one of {known}", path=field.name)

    return check


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
    is_cooperative: bool = attrs.field(default=True, validator=_is_a_flag)
    is_competitive: bool = attrs.field(default=True, validator=_is_a_flag)
    is_patchable: bool = attrs.field(default=True, validator=_is_a_flag)
    role: Role | None = attrs.field(default=None, validator=_is_one_of(None, *get_args(Role)))

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
            found = cls(**_entries(cls, allele.metadata[EXPRESSION], needed=("path",)))
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


def _is_a_share(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not _is_number(value, 0.0, 1.0):
        raise DataError(f"{shown(value)} is not a number from 0 to 1", path=field.name)


def _is_a_count(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if type(value) is not int or value < 1:
        raise DataError(f"{shown(value)} is not a whole number, 1 or more", path=field.name)


Inheritance = Literal["sampled", "dominant", "mean"]
"""How weights are inherited, see `RecipeSettings`."""

Evaluate = Literal["weights", "ema"]
"""Which weights are evaluated, see `RecipeSettings`."""


@attrs.frozen(kw_only=True)
class RecipeSettings:
    """The settings of a recipe besides its strategies: how the members of a clan are trained.

    Attributes:
        inheritance: How weights are inherited: `"sampled"`, from one parent, drawn with its
            probability in the ancestry; `"dominant"`, from the parent with the largest
            probability; or `"mean"`, the weighted mean of all parents.
        evaluate: What is evaluated: the `"weights"` of a member, or their running average, `"ema"`.
        duty_cycle: Share of a round in which members compete, 0 to 1.
        rounds: Number of rounds in a run of known length, 1 or more.
        calibrate: Whether the run begins with a search for the learning rate.
        half_clans: Whether a gene with the role `"data_path"` splits the clan into two halves, and
            members share gradients within their half only.
    """

    inheritance: Inheritance = attrs.field(
        default="sampled", validator=_is_one_of(*get_args(Inheritance))
    )
    evaluate: Evaluate = attrs.field(default="weights", validator=_is_one_of(*get_args(Evaluate)))
    duty_cycle: float = attrs.field(default=0.15, validator=_is_a_share)
    rounds: int = attrs.field(default=20, validator=_is_a_count)
    calibrate: bool = attrs.field(default=False, validator=_is_a_flag)
    half_clans: bool = attrs.field(default=False, validator=_is_a_flag)

    @classmethod
    def of(cls, settings: RecipeSettings | Mapping[str, Any]) -> RecipeSettings:
        """Return settings from a mapping. A setting that is missing has its default.

        Raises:
            DataError: A setting is unknown, or its value is not allowed.
        """
        if isinstance(settings, RecipeSettings):
            return settings
        try:
            return cls(**_entries(cls, settings))
        except DataError as error:
            raise error.below("settings") from None


def _entries(kind: type, given: object, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a mapping as the arguments of an attrs class."""
    if not isinstance(given, Mapping):
        raise DataError(f"{shown(given)} is not a mapping")
    known = [field.name for field in attrs.fields(kind)]
    for name in given:
        if name not in known:
            raise DataError(
                f"there is no entry {shown(name)}{did_you_mean(name, known)} The entries are "
                f"{', '.join(known)}"
            )
    for name in needed:
        if name not in given:
            raise DataError(f"{name!r} is missing")
    return dict(given)
