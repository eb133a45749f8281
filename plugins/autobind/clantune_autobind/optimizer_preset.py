"""A preset for optimizers: the genes of the numbers in their param groups."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, overload

import attrs
from torch import Tensor, nn
from torch.optim import Optimizer

from clantune_autobind._binding import as_number, bound
from clantune_autobind._options import BoundPreset, Genes, call
from clantune_core import AbstractAllele, ClanTuneError, PluginError, load_preset

_A_PRESET = "a function of model and optimizer that returns alleles by name"


@attrs.frozen(repr=False)
class OptimizerPreset:
    """A preset for the optimizers of some classes.

    One gene sets all param groups and keeps their ratios. A value of 0 stays 0: using momentum or
    weight decay at all is part of the structure. A gene that is 0 in every group is left out.

    Only a few genes evolve, such as lr and weight decay. The others are bound, so that a clan sets
    and saves them: in simulations evolving betas gained nothing, and each additional gene makes the
    others harder to measure. `attrs.evolve(genes["betas/1"], can_mutate=True, can_crossbreed=True)`
    lets one evolve.

    Attributes:
        name: Name of the preset.
        classes: Full names of the classes, the most important one first.
        settings: Names of the genes, which are also the paths of the values in a param group.
        optional: Settings that an optimizer may lack, or have as None.
        fixed: Settings that do not evolve here, and do in other presets.
    """

    name: str
    classes: tuple[str, ...]
    settings: tuple[str, ...]
    optional: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    @property
    def __name__(self) -> str:  # as functions have it, which most presets are
        return self.name

    def __repr__(self) -> str:
        return f"<preset {self.name!r}>"

    @property
    def optimizers(self) -> tuple[type[Optimizer], ...]:
        """The classes, as far as they are imported. Instances of derived classes fit too."""
        modules = (each.rpartition(".") for each in self.classes)
        found = (getattr(sys.modules.get(module), kind, None) for module, _, kind in modules)
        return tuple(kind for kind in found if kind is not None)

    @overload
    def __call__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        /,
        *,
        per_group: bool = False,
        exclude: str | tuple[str, ...] = (),
    ) -> Genes: ...

    @overload
    def __call__(
        self, /, *, per_group: bool = False, exclude: str | tuple[str, ...] = ()
    ) -> BoundPreset: ...

    def __call__(
        self, *both: Any, per_group: bool = False, exclude: str | tuple[str, ...] = ()
    ) -> Any:
        """Return the genes of an optimizer, or a preset with these options.

        Args:
            both: A model, which is ignored, and an optimizer; or nothing, for a preset with options
                as in `autobind=[adamw(per_group=True)]`.
            per_group: Whether each param group gets genes of its own: `lr/0`, `lr/1`.
            exclude: Genes to leave out, such as `("betas", "eps")`; a name includes the genes below
                it, `betas/0` and `betas/1`.

        Raises:
            ClanTuneError: The optimizer is of another class, a param group lacks a setting, or
                there is no gene of an excluded name.
        """
        options = {"per_group": per_group, "exclude": exclude}
        if not both:  # only what is given, as it is shown in messages
            options = {name: value for name, value in options.items() if value}
        return call(self._bind, both, options, name=self.name, itself=self)

    def _bind(
        self, _: nn.Module, optimizer: Optimizer, *, per_group: object, exclude: object
    ) -> Genes:
        if not isinstance(per_group, bool):
            raise ClanTuneError(f"{self.name}: per_group is True or False; got {per_group!r}")
        self._check_class(optimizer)
        genes: dict[str, AbstractAllele | None] = {}
        for setting in self.settings:
            values = self._values(optimizer, setting, per_group=per_group)
            if not values:
                continue
            if setting == "lr" and not any(values.values()):
                self._warn_of_zero()
            for name, each in _by_gene(setting, values, per_group=per_group):
                genes[name] = bound(each, evolves=setting not in self.fixed)
        excluded = self._excluded(exclude, genes)
        return {
            name: allele
            for name, allele in genes.items()
            if allele is not None and name not in excluded
        }

    def _excluded(self, exclude: object, genes: Mapping[str, object]) -> set[str]:
        """Return the names of the genes to leave out."""
        listed = (exclude,) if isinstance(exclude, str) else exclude
        excluded = set()
        if not isinstance(listed, tuple | list | set | frozenset):
            raise ClanTuneError(
                f"{self.name}: exclude is a tuple of names of genes, such as "
                f"({self.settings[-1]!r},); got {exclude!r}"
            )
        for each in listed:
            found = {name for name in genes if name == each or name.startswith(f"{each}/")}
            if not found:
                raise ClanTuneError(
                    f"{self.name}: exclude names {each!r}, and there is no such gene; there are "
                    f"{', '.join(genes)}"
                )
            excluded |= found
        return excluded

    def _values(self, optimizer: Optimizer, setting: str, *, per_group: bool) -> dict[str, float]:
        """Return the values of a setting in all param groups, by path."""
        values: dict[str, float] = {}
        group_of_tensor: dict[int, int] = {}
        for index, group in enumerate(optimizer.param_groups):
            path = f"optimizer/param_groups/{index}/{setting}"
            value = self._look_up(optimizer, group, path, setting)
            if value is None and setting in self.optional:
                continue
            if per_group and isinstance(value, Tensor):
                first = group_of_tensor.setdefault(id(value), index)
                if first != index:
                    raise ClanTuneError(
                        f"{self.name}: param groups {first} and {index} share one tensor for "
                        f"{setting}, so they cannot have different genes; give each group its own "
                        "tensor, or remove per_group"
                    )
            values[path] = as_number(value, self.name, path)
        return values

    def _look_up(
        self, optimizer: Optimizer, group: Mapping[str, Any], path: str, setting: str
    ) -> object:
        key, *indices = setting.split("/")
        if key not in group and setting in self.optional:
            return None
        try:
            value = group[key]
            for index in indices:
                value = value[int(index)]
        except (KeyError, IndexError, TypeError):
            keys = ", ".join(str(key) for key in group if key != "params")
            raise ClanTuneError(
                f"{self.name}: there is no {path}; the group has {keys}. If "
                f"{type(optimizer).__name__} has other settings than its base class, write a "
                f"preset for it: {_A_PRESET}"
            ) from None
        return value

    def _check_class(self, optimizer: Optimizer) -> None:
        if isinstance(optimizer, self.optimizers):
            return
        kinds = " and ".join(each.rpartition(".")[2] for each in self.classes)
        home = self.classes[0].rpartition(".")[0]
        raise ClanTuneError(
            f"{self.name} is a preset for {kinds} of {home}; got {type(optimizer).__name__}: "
            f"{_advice(optimizer)}"
        )

    def _warn_of_zero(self) -> None:
        # A weight decay or momentum of 0 is common, an lr of 0 is a mistake.
        warnings.warn(
            f"{self.name}: lr is 0 in every param group, so it gets no gene; creating a scheduler "
            "whose warm-up starts at 0 sets it to 0: bind before creating the scheduler, or start "
            "above 0",
            stacklevel=5,
        )


def _by_gene(
    setting: str, values: Mapping[str, float], *, per_group: bool
) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield the name of each gene of a setting, with the values at its paths."""
    if not per_group:
        yield setting, values
        return
    for path, value in values.items():
        yield f"{setting}/{path.split('/')[2]}", {path: value}


def _advice(optimizer: object) -> str:
    try:
        fitting = load_preset("auto", optimizer)
    except PluginError:  # none fits, or several do
        return f"no installed preset fits it, so write one: {_A_PRESET}"
    return f"use the preset {getattr(fitting, '__name__', fitting)}"
