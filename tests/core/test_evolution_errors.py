"""Errors of an evolution name the strategy, the hook and the gene, and say what to do."""

import math
import pickle
import re
from random import Random
from uuid import UUID

import attrs
import pytest

from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    Ancestry,
    AncestryError,
    ClanTuneError,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    StrategyError,
    TreeError,
    hookimpl,
)


@attrs.frozen
class Answers(AbstractMutationStrategy):
    """Answers every hook with one thing, whatever it is asked."""

    answer: object = None

    def handle_setup(self):
        return self.answer

    def handle_mutating(self):
        return self.answer


@attrs.frozen
class Breeds(AbstractCrossbreedingStrategy):
    ancestry: object = None
    allele: object = None

    def select_ancestry(self):
        return self.ancestry

    def handle_crossbreeding(self):
        return self.allele


@attrs.frozen
class Breaks(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
    """Fails in every hook, deep in a tree where there is one."""

    def handle_setup(self):
        raise ZeroDivisionError("third party")

    def handle_mutating(self, allele, context):
        return allele if context.path != ("std",) else 1 / 0

    def select_ancestry(self):
        raise KeyError("third party")

    def handle_crossbreeding(self, context):
        return None if context.path != ("std",) else 1 / 0

    def apply_strategy(self):
        raise NotImplementedError


@attrs.frozen
class AsksForMore(AbstractMutationStrategy):
    def handle_mutating(self, allele, genome):
        return allele


@attrs.frozen
class Defaults(AbstractMutationStrategy):
    def handle_mutating(self, allele, rng=None):
        return allele


@attrs.frozen
class KeywordOnly(AbstractMutationStrategy):
    def handle_mutating(self, allele, *, rng):
        return allele


@attrs.frozen
class Wrapper(AbstractMutationStrategy):
    @hookimpl(wrapper=True)
    def handle_mutating(self, allele):
        return (yield)


@attrs.frozen
class SharedMutation(AbstractMutationStrategy):
    def handle_mutating(self, allele, shared_rng, context):
        return allele.with_value(shared_rng.random()) if context.gene == "beta" else allele


@attrs.frozen
class SharedSetup(AbstractMutationStrategy):
    def handle_setup(self, allele, shared_rng):
        return allele.with_metadata(draw=shared_rng.random())

    def handle_mutating(self, allele):
        return allele


TREE = FloatAllele(1.0, metadata={"std": FloatAllele(0.5)})
GENOME = Genome({"beta": FloatAllele(0.5), "lr": TREE}, uuid=UUID(int=0)).set_fitness(1.0)
OTHER = GENOME.with_uuid(UUID(int=1))
OFFERED = (
    "allele, population_alleles, ancestry, my_genome, population_genomes, offspring_alleles, "
    "context, rng, shared_rng, draw, shared_draw"
)


# ---- Lists that cannot be seated ----


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (Answers(1), "strategies must be in a list: Evolution([Answers(answer=1)])"),
        (None, "strategies must be in a list; got None"),
        (
            [Answers(), Answers],
            (
                "entry 1 of the list is the class Answers, not a strategy; did you forget the "
                "parentheses: Answers()?"
            ),
        ),
        (
            [Answers(), "gaussian"],
            "entry 1 of the list is 'gaussian'; a strategy derives from AbstractStrategy",
        ),
        (
            [AsksForMore()],
            (
                "handle_mutating of strategy '0:AsksForMore' takes 'genome', which this hook does "
                f"not offer; it offers {OFFERED}"
            ),
        ),
        (
            [Answers(), Defaults()],
            (
                "handle_mutating of strategy '1:Defaults' takes 'rng' with a default or by "
                "keyword only, so it would never receive it; write the plain name, as in def "
                "handle_mutating(self, allele, rng)"
            ),
        ),
        (
            [KeywordOnly()],
            (
                "handle_mutating of strategy '0:KeywordOnly' takes 'rng' with a default or by "
                "keyword only, so it would never receive it; write the plain name, as in def "
                "handle_mutating(self, allele, rng)"
            ),
        ),
        (
            [Wrapper()],
            (
                "handle_mutating of strategy '0:Wrapper' is a pluggy wrapper; make the other "
                "strategy a parameter of yours instead, as in TopN(2, Tournament())"
            ),
        ),
    ],
)
def test_a_list_that_cannot_be_seated_is_refused_when_it_is_made(listed, message):
    with pytest.raises(StrategyError) as caught:
        Evolution(listed)
    assert str(caught.value) == message


# ---- Answers that break the contract ----


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (None, "returned None; return the allele, unchanged if it is not yours"),
        (0.5, "returned 0.5 for a FloatAllele; return an allele of the same kind"),
        (
            IntAllele(1),
            "returned IntAllele(1) for a FloatAllele; return an allele of the same kind",
        ),
    ],
)
def test_an_answer_that_is_no_allele_of_the_kind_is_refused(answer, problem):
    evolution = Evolution([Breeds(), Answers(answer)])
    for hook, run in (("handle_setup", evolution.setup), ("handle_mutating", evolution.mutate)):
        with pytest.raises(StrategyError) as caught:
            run(GENOME)
        assert str(caught.value) == f"{hook} of strategy '1:Answers' {problem}"
        assert (caught.value.strategy, caught.value.hook) == ("1:Answers", hook)
        assert caught.value.__notes__ == ["at gene 'beta'"]


def test_an_offspring_of_another_kind_is_refused():
    evolution = Evolution([Breeds(Ancestry.sole(0, [GENOME]), IntAllele(1))])
    with pytest.raises(StrategyError) as caught:
        evolution.crossbreed(GENOME, [GENOME])
    assert str(caught.value) == (
        "handle_crossbreeding of strategy '0:Breeds' returned IntAllele(1) for a FloatAllele; "
        "return an allele of the same kind"
    )
    assert caught.value.__notes__ == ["at gene 'beta'"]


@pytest.mark.parametrize(
    ("ancestry", "message"),
    [
        (7, "an ancestry must be a list of pairs (probability, uuid); got 7"),
        (
            [],
            (
                "the probabilities sum to 0, not to 1; Ancestry.from_weights divides weights by "
                "their sum"
            ),
        ),
        (
            [(1.0, UUID(int=0))],
            (
                "the ancestry has 1 entries for a population of 2; give one for every rank, 0 for "
                "a rank that does not contribute"
            ),
        ),
        (
            [(1.0, UUID(int=1)), (0.0, UUID(int=0))],
            (
                "rank 0 is 00000000-0000-0000-0000-000000000001 in the ancestry, but "
                "00000000-0000-0000-0000-000000000000 in the population; keep the order of the "
                "ranks"
            ),
        ),
    ],
)
def test_an_ancestry_that_is_none_of_the_population_names_who_chose_it(ancestry, message):
    with pytest.raises(AncestryError) as caught:
        Evolution([Breeds(), Breeds(ancestry)]).offspring(GENOME, [GENOME, OTHER])
    assert str(caught.value) == message
    assert caught.value.__notes__ == ["in select_ancestry of strategy '1:Breeds'"]


@pytest.mark.parametrize(
    ("listed", "who"),
    [
        ([Answers()], "no strategy has select_ancestry"),
        ([Breeds(), Answers(), Breeds()], "0:Breeds, 2:Breeds returned None"),
    ],
)
def test_where_nobody_selects_the_error_says_what_to_list(listed, who):
    with pytest.raises(StrategyError) as caught:
        Evolution(listed).offspring(GENOME, [GENOME])
    assert str(caught.value) == (
        f"no parents were selected: {who}; add a strategy that selects, such as a tournament, to "
        "the list, or pass an ancestry to crossbreed"
    )
    assert caught.value.hook == "select_ancestry"


# ---- A strategy's own errors ----


def test_an_error_inside_a_strategy_carries_strategy_hook_and_gene():
    evolution = Evolution([Breeds(), Breaks()])
    with pytest.raises(ZeroDivisionError) as caught:
        evolution.setup(GENOME)
    assert caught.value.__notes__ == ["in handle_setup of strategy '1:Breaks'", "at gene 'beta'"]
    with pytest.raises(ZeroDivisionError) as caught:
        evolution.mutate(GENOME)
    assert caught.value.__notes__ == [
        "in handle_mutating of strategy '1:Breaks'",
        "at gene 'lr', path 'std'",
    ]
    with pytest.raises(ZeroDivisionError) as caught:
        evolution.crossbreed(GENOME, [GENOME], ancestry=Ancestry.sole(0, [GENOME]))
    assert caught.value.__notes__ == [
        "in handle_crossbreeding of strategy '1:Breaks'",
        "at gene 'lr', path 'std'",
    ]
    with pytest.raises(KeyError) as caught:
        evolution.select(GENOME, [GENOME])
    assert caught.value.__notes__ == ["in select_ancestry of strategy '1:Breaks'"]


def test_a_strategy_error_reaches_another_process_whole():
    error = StrategyError("no", strategy="1:Breaks", hook="handle_mutating")
    sent = pickle.loads(pickle.dumps(error))
    assert (str(sent), sent.strategy, sent.hook) == ("no", "1:Breaks", "handle_mutating")


# ---- Arguments ----


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("name", ["rng", "shared_rng"])
def test_a_seed_is_no_random_stream(seed, name):
    evolution = Evolution([])
    for run in (
        lambda stream: evolution.setup(GENOME, **stream),
        lambda stream: evolution.mutate(GENOME, **stream),
        lambda stream: evolution.offspring(GENOME, [GENOME], **stream),
    ):
        with pytest.raises(ClanTuneError) as caught:
            run({name: seed})
        assert str(caught.value) == (
            f"a random stream must be a random.Random; got {seed}; for a seed, pass "
            "random.Random(seed)"
        )


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            lambda e: e.offspring(GENOME, []),
            ClanTuneError,
            "genomes must be in a list, one or more; got none",
        ),
        (
            lambda e: e.mutate(GENOME, population_genomes=[]),
            ClanTuneError,
            "genomes must be in a list, one or more; got none",
        ),
        (
            lambda e: e.offspring(GENOME, [OTHER]),
            ClanTuneError,
            (
                "genome 00000000-0000-0000-0000-000000000000 is not in the population that it "
                "should breed from; pass the genomes of all members in rank order, including this "
                "one (for the mutation of an offspring, pass the genome of the member that bred "
                "it as my_genome=)"
            ),
        ),
        (
            lambda e: e.offspring(GENOME, [GENOME, OTHER, GENOME]),
            ClanTuneError,
            (
                "ranks 0 and 2 have the same uuid 00000000-0000-0000-0000-000000000000; give each "
                "member its own: genome.with_uuid()"
            ),
        ),
        (
            lambda e: e.offspring(GENOME, [GENOME, Genome({"lr": TREE})]),
            TreeError,
            (
                "genome 0 and genome 1 have different genes: only genome 0 has 'beta'; give every "
                "genome the same genes"
            ),
        ),
    ],
)
def test_a_population_that_does_not_fit_is_refused(run, error, message):
    with pytest.raises(error) as caught:
        run(Evolution([Answers(FloatAllele(0.0))]))
    assert str(caught.value) == message


@pytest.mark.parametrize("progress", [-0.1, 1.1, math.inf, math.nan])
def test_progress_is_a_fraction_of_the_run(progress):
    evolution = Evolution([Answers(FloatAllele(0.0)), Breeds(Ancestry.sole(0, [GENOME]))])
    for run in (
        lambda told: evolution.offspring(GENOME, [GENOME], progress=told),
        lambda told: evolution.select(GENOME, [GENOME], progress=told),
        lambda told: evolution.crossbreed(GENOME, [GENOME], progress=told),
        lambda told: evolution.mutate(GENOME, progress=told),
    ):
        for allowed in (None, 0, 0.5, 1.0):
            run(allowed)
        with pytest.raises(ClanTuneError) as caught:
            run(progress)
        assert str(caught.value) == (f"progress must be from 0 to 1, or None; got {progress}")


def test_setting_up_with_a_shared_stream_needs_one():
    evolution = Evolution([SharedSetup()])
    made = evolution.setup(GENOME, shared_rng=Random(1))
    assert made.alleles["beta"].metadata["draw"] == Random(1).random()
    with pytest.raises(StrategyError) as caught:
        evolution.setup(GENOME)
    assert str(caught.value) == (
        "a strategy takes shared_rng, the same stream for all members, in handle_setup, and the "
        "caller did not pass it; pass shared_rng=shared_rng(seed, generation), the same on every "
        "rank"
    )
    assert caught.value.hook == "handle_setup"


def test_mutating_alone_with_a_shared_stream_needs_one():
    strategy = SharedMutation()
    for members in ([GENOME], None):
        evolution = Evolution([strategy])
        made = evolution.mutate(GENOME, population_genomes=members, shared_rng=Random(1))
        assert made.alleles["beta"].value == Random(1).random()
    assert strategy.apply_strategy(GENOME, shared_rng=Random(1)) == made
    with pytest.raises(StrategyError) as caught:
        strategy.apply_strategy(GENOME)
    assert str(caught.value) == (
        "a strategy takes shared_rng, the same stream for all members, in handle_mutating, and "
        "the caller did not pass it; pass shared_rng=shared_rng(seed, generation), the same on "
        "every rank"
    )
    assert caught.value.hook == "handle_mutating"


def test_setting_up_changes_nothing_but_metadata():
    class Ahead(AbstractMutationStrategy):
        def handle_setup(self, allele):
            return allele.with_value(allele.value / 2)

        def handle_mutating(self, allele):
            return allele

    with pytest.raises(StrategyError) as caught:
        Ahead().setup_genome(GENOME)
    assert re.fullmatch(
        r"handle_setup changed the value [\d.]+ to [\d.]+; it may only add metadata",
        str(caught.value),
    )
    assert caught.value.__notes__ == [f"at gene {next(iter(GENOME.alleles))!r}"]


@pytest.mark.parametrize("name", ["hande_crossbreeding", "handel_setup", "handleMutating"])
def test_what_is_nearly_a_hook_is_refused(name):
    with pytest.raises(StrategyError, match=f"defines {name}, which is not a hook; did you mean"):
        type("Slip", (AbstractCrossbreedingStrategy,), {name: lambda self: None})


def test_parameters_without_attrs_say_what_is_missing():
    class Bare(AbstractMutationStrategy):
        std: float = 0.1

        def handle_mutating(self, allele):
            return allele

    with pytest.raises(StrategyError) as caught:
        Bare(std=0.5)
    assert str(caught.value) == (
        "Bare takes no parameters, because it is not an attrs class; put @attrs.frozen above "
        "class Bare"
    )
    assert Bare().apply_strategy(GENOME) == GENOME


def test_a_strategy_without_a_hook_is_refused():
    class Idle(AbstractCrossbreedingStrategy):
        def crossbreed(self):
            return None

    with pytest.raises(StrategyError) as caught:
        Evolution([Idle()])
    assert str(caught.value) == (
        "strategy '0:Idle' implements no hook, so it would do nothing; the hooks are "
        "handle_setup, select_ancestry, handle_crossbreeding, handle_mutating"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda evolution: evolution.mutate({"lr": 1.0}),
            "mutate takes a Genome; got {'lr': 1.0}",
        ),
        (
            lambda evolution: evolution.select(0, [GENOME]),
            "my_genome must be a Genome; got 0",
        ),
        (
            lambda evolution: evolution.select(GENOME, [GENOME], progress="half"),
            "progress must be from 0 to 1, or None; got 'half'",
        ),
    ],
)
def test_what_is_no_argument_is_refused_in_words(call, message):
    with pytest.raises(ClanTuneError) as caught:
        call(Evolution([SharedMutation()]))
    assert str(caught.value) == message


def test_an_answer_of_another_domain_is_refused():
    class Fresh(AbstractMutationStrategy):
        def handle_mutating(self, allele):
            return FloatAllele(99.0, (0.0, 100.0))

    narrow = Genome({"lr": FloatAllele(0.5, (0.0, 1.0))})
    with pytest.raises(StrategyError) as caught:
        Fresh().apply_strategy(narrow)
    assert str(caught.value) == (
        "handle_mutating of strategy '0:Fresh' returned an allele with the domain Range(min=0.0, "
        "max=100.0) for one with Range(min=0.0, max=1.0); return allele.with_value(...), which "
        "keeps the domain, and give every genome the same domains"
    )
