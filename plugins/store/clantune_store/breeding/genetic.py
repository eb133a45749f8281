"""Breeding with an evolution of the core: any list of strategies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from random import Random

import attrs

from clantune_core import Evolution, Genome, Population
from clantune_store.breeding.breeder import Breeder, Child, Descent, MakeBreeder, Setting
from clantune_store.breeding.learned import graft, learned_of
from clantune_strategies import Annealed, Blend, Cauchy, Choose, PerGene, Tournament


def default_evolution() -> Evolution:
    """Return the strategies that breed if no others are named."""
    return Evolution(
        [Tournament(size=1), Blend(0.75), PerGene(), Annealed(Cauchy(0.3)), Choose(0.1)]
    )


def genetic(evolution: Evolution) -> MakeBreeder:
    """Return what makes a breeder with these strategies."""

    def make(setting: Setting) -> Breeder:
        return Genetic.of(evolution, setting)

    return make


@attrs.frozen
class Genetic:
    """Breeds with an evolution.

    Child i stands at rank i mod N of a population of N groups. Each N children are a generation,
    which has a shared stream of its own; another attempt has another stream.

    Attributes:
        evolution: The strategies.
        setting: What it breeds.
        population: Genomes of the groups, the best one first.
        runs: Run that justifies each group, by its id.
    """

    evolution: Evolution
    setting: Setting
    population: Population
    runs: Mapping[uuid.UUID, uuid.UUID | None] = attrs.field(hash=False)

    @classmethod
    def of(cls, evolution: Evolution, setting: Setting) -> Genetic:
        """Return the breeder of a setting."""
        count = len(setting.population)
        genomes = []
        for rank, graded in enumerate(setting.population):
            bare = setting.space.genome(graded.group.values).with_uuid(graded.group.id)
            ready = evolution.setup(
                bare,
                _stream(setting, "setup", rank),
                shared_rng=_stream(setting, "setup"),
                rank=rank,
                population_size=count,
            )
            # The core minimizes.
            genomes.append(graft(ready, graded.group.learned).set_fitness(-graded.fitness))
        runs = {graded.group.id: graded.run for graded in setting.population}
        return cls(evolution, setting, Population(genomes), runs)

    def child(self, number: int, attempt: int) -> Child:
        """Return a child; another attempt breeds it with another stream."""
        generation, rank = divmod(number, len(self.population))
        made = self.evolution.offspring(
            self.population[rank],
            self.population,
            _stream(self.setting, "child", number, attempt),
            shared_rng=_stream(self.setting, "shared", generation),
            generation=generation,
            progress=self.setting.progress,
        )
        values = self.setting.space.values_of(made)
        return Child(values, tuple(self._parents(made)), learned_of(made))

    def _parents(self, made: Genome) -> list[Descent]:
        if made.parents is None:
            return []
        return [
            Descent(parent, weight, self.setting.part, self.runs[parent])
            for rank, weight in made.parents.contributors
            for parent in [made.parents.uuids[rank]]
        ]


def _stream(setting: Setting, *what: object) -> Random:
    """Return a random stream that is the same in every process."""
    return Random("/".join(map(str, ("clantune/store", setting.seed, setting.part, *what))))
