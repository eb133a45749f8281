"""The genes of a run: those of presets, those that are added by name, and what a config changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from torch import nn
from torch.optim import Optimizer

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
    Preset,
    StringAllele,
    load_preset,
)
from clantune_core.contracts import (
    DATA_PATH,
    EXPRESSION,
    GRADIENT_ACCUMULATION,
    Expressed,
    Role,
    offsets,
)

TYPES = ("optimizer", "model", "value", "gradient_accumulation")
"""What a gene may be: something in each param group, something in the model, or only read."""

_ROLES: dict[str, Role] = {
    "model": DATA_PATH,
    "value": DATA_PATH,
    "gradient_accumulation": GRADIENT_ACCUMULATION,
}
"""What genes act on, by type: a loop mostly reads a value for its data or its loss."""

_IN_UNIT = ("betas/", "momentum", "dropout", "alpha", "rho", "label_smoothing")
"""Names of values between 0 and 1, where a step is one of the logit."""

_CHANGES = {"value", "domain", "can_mutate", "can_crossbreed"}
_OPTIONS = {*_CHANGES, "type", "allele", "path", "is_cooperative", "is_competitive", "role"}


def bind(
    genome: Genome,
    presets: Iterable[str | Preset],
    model: nn.Module,
    optimizer: Optimizer,
) -> Genome:
    """Return the genome with the genes of presets added."""
    if isinstance(presets, str):
        raise ClanError(f"autobind is a list of presets: autobind=[{presets!r}]")
    for preset in presets:
        made = load_preset(preset) if isinstance(preset, str) else preset
        found = made(model, optimizer)
        if not isinstance(found, Mapping):
            raise ClanError(
                f"the preset {preset!r} returned {found!r}, and not a mapping of gene names to "
                "alleles: is a return missing?"
            )
        for name, allele in found.items():
            genome = genome.add_hyperparameter(name, allele)
    return genome


def configure(genome: Genome, config: Mapping[str, Any], state: State) -> Genome:
    """Return the genome with what a config says of genes: changed, added as alleles, or by name.

    Args:
        genome: The genome so far.
        config: By name of a gene: options as of `add_gene`; of a gene that is there already,
            another value, domain, or flag.
        state: Where new genes are expressed.
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
    """Return the genome with an allele, which takes the places of the gene that it replaces."""
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
    """Return the genome with one more gene, of the kind that its value and name ask for.

    Args:
        genome: The genome so far.
        name: Of the gene; also where it is: `"lr"` or `"betas/0"` in each param group, or the rest
            of a path into the model.
        state: Where it is expressed.
        type: `"optimizer"`, `"model"`, `"value"` (only read by name), or `"gradient_accumulation"`.
        allele: Value and domain, of any kind; None makes one of the kind that the value asks for.
        value: The first value; None takes what is there now.
        domain: The values that it may take; None: as wide as makes sense.
        path: Where it is, if its name does not say it.
        can_mutate: Whether mutation may change it; None: yes, or as the allele says.
        can_crossbreed: Whether crossbreeding may change it; None: yes, or as the allele says.
        is_cooperative: Whether members use their own value while they cooperate; None: yes, but
            for accumulation.
        is_competitive: Whether they do while they compete.
        role: What the clan treats specially; None: by default, a model's and a value gene are on
            the data path.
    """
    if type not in TYPES:
        raise ClanError(f"the type of gene {name!r} is one of {', '.join(TYPES)}; got {type!r}")
    accumulates = type == GRADIENT_ACCUMULATION
    places = _places(name, type, path, state)
    values = {place: value_at(place, name, state) for place in places}
    if allele is None:
        first = _first_value(name, value, [*values.values()])
        allele = _allele(name, first, domain or ((1, 64) if accumulates else None))
    asked = {"can_mutate": can_mutate, "can_crossbreed": can_crossbreed}
    flags: dict[str, Any] = {flag: value for flag, value in asked.items() if value is not None}
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
    """Return the value that a gene starts with: as given, or the first one that is not zero."""
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
    groups = len(state.optimizer.param_groups)
    return [f"optimizer/param_groups/{group}/{name}" for group in range(groups)]


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


def _changed(name: str, allele: AbstractAllele, options: Mapping[str, Any]) -> AbstractAllele:
    try:
        return attrs.evolve(allele, **options)
    except Exception as error:
        error.add_note(f"at genome_config[{name!r}]")
        raise
