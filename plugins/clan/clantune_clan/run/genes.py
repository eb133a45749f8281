"""The genes of a run besides those of presets: genes of the user, and changes by a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from clantune_clan.errors import ClanError
from clantune_clan.member.binding import value_at
from clantune_clan.member.expression import GenomeExpression
from clantune_clan.member.state import State
from clantune_core import (
    AbstractAllele,
    BoolAllele,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_core.contracts import (
    DATA_PATH,
    EXPRESSION,
    GRADIENT_ACCUMULATION,
    Expressed,
    Role,
    offsets,
    trait_at,
)

TYPES = ("optimizer", "model", "value", "gradient_accumulation")
"""Type of a gene: a value in each param group, a value in the model, or a value to read."""

_ROLES: dict[str, Role] = {
    "model": DATA_PATH,
    "value": DATA_PATH,
    "gradient_accumulation": GRADIENT_ACCUMULATION,
}
"""Default roles of genes, by type. A loop mostly reads a value for its data or its loss."""

_IN_UNIT = ("betas/", "momentum", "dropout", "alpha", "rho", "label_smoothing")
"""Names of values between 0 and 1, which mutation changes on the scale of logits."""

_CHANGES = {"value", "domain", "can_mutate", "can_crossbreed"}
_OPTIONS = {*_CHANGES, "type", "allele", "path", "is_cooperative", "is_competitive", "role"}


def configure(genome: Genome, config: Mapping[str, Any], state: State) -> Genome:
    """Return the genome with the changes and additions of a config.

    Args:
        genome: Genome so far.
        config: Overrides by gene name: a new gene has the options of `add_gene`; an existing gene
            gets another value, domain, or flag.
        state: State in which new genes are expressed.
    """
    for name, options in config.items():
        if isinstance(options, AbstractAllele):
            genome = _with_allele(genome, name, options, state)
        elif not isinstance(options, Mapping):
            raise ClanError(
                f"genome_config[{name!r}] is a mapping of options, such as "
                f"{{'domain': (1e-5, 1.0)}}, or an allele; got {options!r}"
            )
        elif unknown := options.keys() - _OPTIONS:
            raise ClanError(
                f"genome_config[{name!r}] has no option {min(unknown)!r}; there are "
                f"{', '.join(sorted(_OPTIONS))}"
            )
        elif name in genome.alleles and options.keys() <= _CHANGES:
            genome = genome.with_alleles(
                {**genome.alleles, name: _changed(name, genome.alleles[name], options)}
            )
        else:
            genome = add_gene(genome, name, state, **options)
    return genome


def _with_allele(genome: Genome, name: str, allele: AbstractAllele, state: State) -> Genome:
    """Return the genome with an allele, which keeps the paths of the gene that it replaces."""
    if EXPRESSION not in allele.metadata:
        if name not in genome.alleles:
            return add_gene(genome, name, state, allele=allele)
        gene = Expressed.of(name, genome.alleles[name])
        if gene.is_patchable:
            values = {path: value_at(path, name, state) for path in gene.path}
            gene = attrs.evolve(gene, path=offsets(allele, values))
        allele = gene.added_to(allele)
    return genome.with_alleles({**genome.alleles, name: allele})


def add_gene(
    genome: Genome,
    name: str,
    state: State,
    *,
    type: str = "optimizer",
    allele: AbstractAllele | None = None,
    value: Any = None,
    domain: Any = None,
    path: str | None = None,
    can_mutate: bool | None = None,
    can_crossbreed: bool | None = None,
    is_cooperative: bool | None = None,
    is_competitive: bool = True,
    role: Role | None = None,
) -> Genome:
    """Return the genome with one more gene, whose kind follows from its value and name.

    Args:
        genome: Genome so far.
        name: Name of the gene and, without `path`, its place: `"lr"` or `"betas/0"` in each param
            group, or the rest of a path into the model.
        state: State in which the gene is expressed.
        type: `"optimizer"`, `"model"`, `"value"` (only read by name), or `"gradient_accumulation"`.
        allele: Allele with value and domain, of any kind; None: a kind that fits the value.
        value: First value; None: the current value at the path.
        domain: Domain of the values; None: that of a preset for the same setting, or a wide
            default for the name and the value.
        path: Path of the gene, if it differs from its name.
        can_mutate: Whether mutation may change it; None: as for a preset, which binds settings such
            as betas and eps without evolving them; or the flag of the allele.
        can_crossbreed: Whether crossbreeding may change it; None: as `can_mutate` if that is given,
            or else likewise.
        is_cooperative: Whether members use their own value while they cooperate; None: yes, except
            for accumulation.
        is_competitive: Whether members use their own value while they compete.
        role: Role that the clan treats specially; None: the default, which puts model and value
            genes on the data path.
    """
    if type not in TYPES:
        raise ClanError(f"the type of gene {name!r} is one of {', '.join(TYPES)}; got {type!r}")
    accumulates = type == GRADIENT_ACCUMULATION
    places = _places(name, type, path, state)
    values = {place: value_at(place, name, state) for place in places}
    if allele is None:
        first = _first_value(name, value, [*values.values()])
        allele = _of_setting(places, [first, *values.values()], domain) or _allele(
            name, first, domain or ((1, 64) if accumulates else None)
        )
    asked = {"can_mutate": can_mutate, "can_crossbreed": can_crossbreed}
    flags = _flags({flag: value for flag, value in asked.items() if value is not None})
    return GenomeExpression.set_allele(
        genome,
        name,
        attrs.evolve(allele, **flags),
        path=offsets(allele, values),
        is_cooperative=not accumulates if is_cooperative is None else is_cooperative,
        is_competitive=is_competitive,
        is_patchable=bool(places),
        role=role or _ROLES.get(type),
    )


def _first_value(name: str, value: Any, found: Sequence[Any]) -> Any:
    """Return the first value of a gene: the given one, or the first one that is not zero."""
    if value is not None:
        return value
    if not found:
        raise ClanError(f"gene {name!r} is only read, so it needs a first value: value=...")
    return next((each for each in found if each), found[0])


def _places(name: str, kind: str, path: str | None, state: State) -> list[str]:
    if kind in ("value", "gradient_accumulation"):
        return []
    if path is not None:
        return [path]
    if kind == "model":
        return [f"model/{name}"]
    groups, setting = state.optimizers.groups_for(name)
    return [f"{group}/{setting}" for group in groups]


def _of_setting(places: Sequence[str], values: Sequence[Any], domain: Any) -> AbstractAllele | None:
    """Return the allele that a preset makes of a setting, or None for an unknown setting."""
    trait = trait_at(places[0]) if places else None
    if trait is None or not all(_is_number(value) for value in values):
        return None
    allele = trait.allele(float(value) for value in values)
    if allele is None or allele.value != values[0]:  # the first value does not fit
        return None
    return allele if domain is None else attrs.evolve(allele, domain=domain)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _allele(name: str, value: Any, domain: Any) -> AbstractAllele:
    for kind, allele in ((bool, BoolAllele), (str, StringAllele), (int, IntAllele)):
        if isinstance(value, kind):
            return allele(value, domain)
    if isinstance(value, float):
        return _real(name, value, domain)
    raise ClanError(f"gene {name!r} cannot be a {type(value).__name__}: {value!r}")


def _real(name: str, value: float, domain: Any) -> AbstractAllele:
    if 0.0 < value < 1.0 and any(part in name for part in _IN_UNIT):
        return LogitFloatAllele(value, domain)
    if value > 0.0:
        return LogFloatAllele(value, domain or (value / 1e3, value * 1e3))
    if domain is None:
        raise ClanError(
            f"gene {name!r} starts at {value!r}, from which no domain can be guessed: give "
            "domain=(min, max), or another value="
        )
    return FloatAllele(value, domain)


def _flags(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of an allele, in which a gene that may mutate also crossbreeds.

    A rule that steps off a centre by mutation moves the centre by crossbreeding.
    """
    if "can_mutate" not in options:
        return dict(options)
    return {"can_crossbreed": options["can_mutate"], **options}


def _changed(name: str, allele: AbstractAllele, options: Mapping[str, Any]) -> AbstractAllele:
    try:
        return attrs.evolve(allele, **_flags(options))
    except Exception as error:
        error.add_note(f"at genome_config[{name!r}]")
        raise
