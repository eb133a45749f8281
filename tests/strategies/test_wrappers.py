"""The base classes for wrappers, used as the author of another package uses them."""

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from clantune_core import AbstractMutationStrategy, AbstractStrategy, ContinuousAllele
from clantune_core.testing import laws
from clantune_core.testing.drawn import DrawnCases
from clantune_strategies import Gaussian, LocalOnly, Momentum, PerGene, Smoothed, Tournament
from clantune_strategies.checks import mutation_field, number_field, strategy_field
from clantune_strategies.wrappers import FitnessWrapper, MutationWrapper, SubsetWrapper


@attrs.frozen
class DrawsFromShared(AbstractMutationStrategy):
    """Adds noise from the stream that all ranks share."""

    def handle_mutating(self, allele, shared_rng):
        step = shared_rng.gauss(0.0, 0.1)
        return (
            allele.with_latent(allele.latent + step)
            if isinstance(allele, ContinuousAllele)
            else allele
        )


@attrs.frozen
class Sometimes(MutationWrapper):
    strategy: AbstractMutationStrategy = mutation_field()
    chance: float = number_field(0.5, 0.0, 1.0)

    def handle_mutating(self, allele, rng, **arguments):
        arguments = self.with_own_shared_rng(arguments)
        if rng.random() >= self.chance:
            return allele
        return self.inner_mutate(allele, rng=rng, **arguments)


@attrs.frozen
class SameParity(SubsetWrapper):
    strategy: AbstractStrategy = strategy_field()

    def candidates(self, me, population_genomes):
        return range(me % 2, len(population_genomes), 2)


@attrs.frozen
class Reversed(FitnessWrapper):
    strategy: AbstractStrategy = strategy_field()

    def visible_fitnesses(self, population_genomes, context):
        return [*reversed(population_genomes.fitnesses())]


_mutations = st.sampled_from([Gaussian(learns=("size",)), Momentum()])
_selections = st.sampled_from(
    [Tournament(), LocalOnly(Tournament()), Smoothed(Tournament()), PerGene()]
)
MADE = {
    "Sometimes": st.builds(Sometimes, _mutations, chance=st.floats(0, 1)),
    "SameParity": st.builds(SameParity, _selections),
    "Reversed": st.builds(Reversed, _selections),
}


@pytest.fixture(scope="module")
def drawn_cases():
    return DrawnCases(settings.default.max_examples)


@pytest.mark.parametrize(
    ("made", "law"),
    [
        pytest.param(made, law, id=f"{name}-{law.name}")
        for name, made in MADE.items()
        for law in laws(made)
        if law.name != "answers_the_same_in_another_process"  # which cannot import this file
    ],
)
def test_a_wrapper_of_another_package_keeps_the_laws(made, law, drawn_cases, few_examples):
    drawn_cases.under(law, made)()


def test_a_wrapped_mutation_leaves_the_shared_stream_in_step():
    (law,) = (
        law
        for law in laws(st.just(Sometimes(DrawsFromShared())))
        if law.name == "draws_alike_from_the_shared_stream"
    )
    law()
