"""A strategy that holds another one: `call_hook` calls it, `**offered` passes the rest on."""

from random import Random
from uuid import UUID

import attrs
import pytest
from clantune_compass import Gust
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    AbstractStrategy,
    Ancestry,
    Context,
    ContinuousAllele,
    Evolution,
    FloatAllele,
    Genome,
    LogFloatAllele,
    Population,
    StrategyError,
    call_hook,
    from_json,
    hook_takes,
    load_strategy,
    to_json,
)
from clantune_core.testing.generators import populations

ALLELE = FloatAllele(0.5)
RUN = {"context", "rng", "shared_rng", "draw", "shared_draw"}
OFFERED = {
    "handle_setup": {"allele", "context", "rng", "shared_rng"},
    "select_ancestry": {"my_genome", "population_genomes", *RUN},
    "handle_crossbreeding": {
        "my_allele",
        "population_alleles",
        "ancestry",
        "my_genome",
        "population_genomes",
        *RUN,
    },
    "handle_mutating": {
        "allele",
        "population_alleles",
        "ancestry",
        "my_genome",
        "population_genomes",
        "offspring_alleles",
        *RUN,
    },
}


@attrs.frozen
class Noise(AbstractMutationStrategy):
    """Learns its size at setup; draws from both streams."""

    def handle_setup(self, allele, rng):
        return allele.with_metadata(noise=LogFloatAllele(0.1 + rng.random(), (0.01, 10.0)))

    def handle_mutating(self, shared_rng, allele, rng):
        if not isinstance(allele, ContinuousAllele):
            return allele
        std = allele.metadata.get("noise", 0.1)
        return allele.with_latent(allele.latent + std * (rng.random() - shared_rng.random()))


@attrs.frozen
class AnyOne(AbstractCrossbreedingStrategy):
    """One parent, drawn at random, of whom everything comes."""

    def select_ancestry(self, population_genomes, rng):
        return Ancestry.sole(rng.randrange(len(population_genomes)), population_genomes)

    def handle_crossbreeding(self, ancestry, population_alleles):
        return population_alleles[ancestry.dominant]


@attrs.frozen
class Holds(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
    """Passes every hook on as it is."""

    strategy: AbstractStrategy

    def handle_setup(self, allele, **offered):
        return call_hook(self.strategy, "handle_setup", allele=allele, **offered)

    def select_ancestry(self, **offered):
        return call_hook(self.strategy, "select_ancestry", **offered)

    def handle_crossbreeding(self, my_allele, ancestry, **offered):
        return call_hook(
            self.strategy,
            "handle_crossbreeding",
            my_allele=my_allele,
            ancestry=ancestry,
            **offered,
        )

    def handle_mutating(self, rng, allele, **offered):
        return call_hook(self.strategy, "handle_mutating", allele=allele, rng=rng, **offered)

    def apply_strategy(self):
        raise NotImplementedError


@attrs.frozen
class Notes(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
    """Writes down what `**offered` holds."""

    seen: dict = attrs.field(factory=dict, eq=False)

    def handle_setup(self, allele, **offered):
        self.seen["handle_setup"] = {"allele": allele, **offered}
        return allele

    def select_ancestry(self, **offered):
        self.seen["select_ancestry"] = offered
        return Ancestry.sole(0, offered["population_genomes"])

    def handle_crossbreeding(self, rng, my_allele, **offered):
        self.seen["handle_crossbreeding"] = {"my_allele": my_allele, "rng": rng, **offered}

    def handle_mutating(self, allele, **offered):
        self.seen["handle_mutating"] = {"allele": allele, **offered}
        return allele

    def apply_strategy(self):
        raise NotImplementedError


@attrs.frozen
class Greedy(AbstractMutationStrategy):
    def handle_mutating(self, allele, temperature):
        return allele


CLAN = [
    Genome({"lr": FloatAllele(float(rank))}, uuid=UUID(int=rank)).set_fitness(rank)
    for rank in range(3)
]


# ---- Asking ----


def test_a_strategy_is_given_what_it_names_and_nothing_else():
    rng, shared = Random(1), Random(2)
    moved = call_hook(
        Noise(),
        "handle_mutating",
        allele=ALLELE,
        rng=Random(1),
        shared_rng=Random(2),
        my_genome="it does not look",
        temperature="no hook offers this",
    )
    assert moved == ALLELE.with_latent(0.5 + 0.1 * (rng.random() - shared.random()))
    few = {"allele": ALLELE, "rng": Random(1), "shared_rng": Random(2)}
    assert call_hook(Holds(Noise()), "handle_mutating", **few) == moved


def test_a_fold_that_it_does_not_implement_leaves_the_allele():
    assert call_hook(AnyOne(), "handle_setup", allele=ALLELE, rng=Random(1)) is ALLELE
    assert call_hook(AnyOne(), "handle_mutating", allele=ALLELE) is ALLELE


def test_a_first_answer_that_it_does_not_implement_is_none():
    assert call_hook(Noise(), "select_ancestry", population_genomes=CLAN) is None
    assert call_hook(Noise(), "handle_crossbreeding", my_allele=ALLELE) is None


@pytest.mark.parametrize(
    ("strategy", "hook", "offered", "message"),
    [
        (
            Noise(),
            "handle_mutation",
            {"allele": ALLELE},
            (
                "there is no hook 'handle_mutation'; the hooks are handle_setup, select_ancestry, "
                "handle_crossbreeding, handle_mutating"
            ),
        ),
        (
            Noise(),
            "handle_mutating",
            {"allele": ALLELE, "rng": Random(1)},
            (
                "handle_mutating of strategy 'Noise' takes 'shared_rng', which was not passed; "
                "take it in your own hook and pass it on"
            ),
        ),
        (
            Noise,
            "handle_mutating",
            {"allele": ALLELE},
            (
                "the inner strategy is the class Noise, not a strategy; did you forget the "
                "parentheses: Noise()?"
            ),
        ),
        (
            None,
            "handle_mutating",
            {"allele": ALLELE},
            "the inner strategy is None; a strategy derives from AbstractStrategy",
        ),
        (
            Greedy(),
            "handle_mutating",
            {"allele": ALLELE, "temperature": 1.0},
            (
                "handle_mutating of strategy 'Greedy' takes 'temperature', which this hook does "
                "not offer; it offers allele, population_alleles, ancestry, my_genome, "
                "population_genomes, offspring_alleles, context, rng, shared_rng, draw, "
                "shared_draw"
            ),
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(strategy, hook, offered, message):
    with pytest.raises(StrategyError) as caught:
        call_hook(strategy, hook, **offered)
    assert str(caught.value) == message


class Greedier(AbstractMutationStrategy):
    def handle_mutating(self, allele, **offered):
        return allele


def test_a_wrapper_can_know_what_the_inner_one_takes():
    hook = "handle_mutating"
    assert hook_takes(Noise(), hook, "shared_rng")
    assert not hook_takes(Noise(), hook, "my_genome")
    assert hook_takes(Greedier(), hook, "my_genome")
    assert not hook_takes(Noise(), "select_ancestry", "rng")
    for strategy, wrong in ((Noise(), "handle_mutate"), (None, hook)):
        with pytest.raises(StrategyError) as caught:
            hook_takes(strategy, wrong, "rng")
        with pytest.raises(StrategyError) as asked:
            call_hook(strategy, wrong, allele=ALLELE)
        assert str(caught.value) == str(asked.value)


class Unfinished(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        allele.with_value(0.0)


class Failing(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        raise ZeroDivisionError


def test_a_fault_of_a_held_strategy_is_not_blamed_on_its_holder():
    with pytest.raises(StrategyError) as caught:
        Evolution([Holds(Unfinished())]).mutate(CLAN[0])
    assert str(caught.value) == (
        "handle_mutating of strategy 'Unfinished' returned None; return the allele, unchanged if "
        "it is not yours"
    )
    with pytest.raises(ZeroDivisionError) as raised:
        Evolution([Holds(Failing())]).mutate(CLAN[0])
    assert raised.value.__notes__[:2] == [
        "in handle_mutating of strategy 'Failing'",
        "in handle_mutating of strategy '0:Holds'",
    ]


def test_a_wrapper_that_passes_on_too_little_is_named_with_the_place():
    @attrs.frozen
    class Forgets(AbstractMutationStrategy):
        def handle_mutating(self, allele, rng):
            return call_hook(Noise(), "handle_mutating", allele=allele, rng=rng)

    with pytest.raises(StrategyError) as caught:
        Forgets().apply_strategy(CLAN[0])
    assert (caught.value.strategy, caught.value.hook) == ("Noise", "handle_mutating")
    assert caught.value.__notes__ == [
        "in handle_mutating of strategy '0:Forgets'",
        "at gene 'lr'",
    ]


# ---- Taking everything ----


def test_offered_holds_every_argument_that_is_not_named():
    notes, rng, shared = Notes(), Random(1), Random(2)
    evolution = Evolution([notes])
    evolution.setup(CLAN[0], rng, shared_rng=shared)
    evolution.offspring(CLAN[1], CLAN, rng, shared_rng=shared)
    assert {hook: {*arguments} for hook, arguments in notes.seen.items()} == OFFERED
    for arguments in notes.seen.values():
        assert arguments["rng"] is rng
        assert arguments["shared_rng"] is shared
        assert isinstance(arguments["context"], Context)
    assert notes.seen["handle_mutating"]["population_genomes"] == Population(CLAN)


def test_offered_holds_a_shared_stream_that_nobody_gave():
    draws = []
    for genome in CLAN:
        notes = Notes()
        Evolution([notes]).select(genome, CLAN)
        draws.append(notes.seen["select_ancestry"]["shared_rng"].random())
    assert len({*draws}) == 1


def test_a_held_strategy_that_takes_the_shared_stream_needs_one_where_nobody_can_know_it():
    rng = Random(1)
    assert Holds(Noise()).setup_genome(CLAN[0], rng) == Noise().setup_genome(CLAN[0], Random(1))
    with pytest.raises(StrategyError) as caught:
        Evolution([Holds(Noise())]).mutate(CLAN[0])
    assert str(caught.value) == (
        "handle_mutating of strategy 'Noise' takes 'shared_rng', which was not passed; take it in "
        "your own hook and pass it on"
    )
    moved = Evolution([Holds(Noise())]).mutate(CLAN[0], Random(1), shared_rng=Random(2))
    assert moved == Noise().apply_strategy(CLAN[0], Random(1), shared_rng=Random(2))


# ---- A wrapper in an evolution ----


@given(populations(min_size=2, max_depth=2), st.integers())
def test_a_strategy_that_is_held_does_what_it_does_by_itself(population, seed):
    bare = Evolution([AnyOne(), Noise()])
    for held in (
        Evolution([Holds(AnyOne()), Holds(Noise())]),
        Evolution([Holds(Holds(AnyOne())), Holds(Holds(Noise()))]),
    ):
        ready = [
            [
                evolution.setup(genome, Random(seed), shared_rng=Random(seed))
                for genome in population
            ]
            for evolution in (bare, held)
        ]
        assert ready[0] == ready[1]
        for me in ready[0]:
            child = bare.offspring(me, ready[0], Random(seed))
            assert held.offspring(me, ready[0], Random(seed)) == child


def test_a_wrapper_may_change_what_it_passes_on():
    @attrs.frozen
    class TopN(AbstractCrossbreedingStrategy):
        number: int
        strategy: AbstractStrategy

        def select_ancestry(self, population_genomes, **offered):
            fittest = Population(population_genomes[: self.number])
            chosen = call_hook(
                self.strategy, "select_ancestry", population_genomes=fittest, **offered
            )
            others = population_genomes[self.number :]
            return [*chosen, *((0.0, genome.uuid) for genome in others)]

    evolution = Evolution([TopN(2, AnyOne())])
    chosen = {evolution.select(CLAN[2], CLAN, Random(seed)).dominant for seed in range(20)}
    assert chosen == {0, 1}


def test_a_wrapper_around_a_wrapper_is_saved_with_what_it_holds(own_site):
    code = """
        import attrs
        from clantune_core import AbstractMutationStrategy, AbstractStrategy, call_hook

        @attrs.frozen
        class Genes(AbstractMutationStrategy):
            strategy: AbstractStrategy

            def handle_mutating(self, allele, context, **offered):
                if context.path:
                    return allele
                return call_hook(
                    self.strategy, "handle_mutating", allele=allele, context=context, **offered
                )
    """
    own_site.install("holder", code, strategies={"genes": "holder:Genes"})
    held = load_strategy("genes", strategy=load_strategy("genes", strategy=Gust(1.0, 0.5)))
    evolution = Evolution([held])
    again = from_json(to_json(evolution), Evolution)
    assert again == evolution
    genome = Genome({"lr": FloatAllele(1.0, metadata={"std": FloatAllele(2.0)})})
    moved = again.mutate(genome, Random(1))
    assert moved == evolution.mutate(genome, Random(1))
    assert moved.alleles["lr"].metadata == genome.alleles["lr"].metadata
    assert moved.alleles["lr"].value == 1.0 + _push(Random(1), 0.5)


def _push(rng, strength):
    rng.random()  # the chance
    return rng.gauss(0.0, strength)
