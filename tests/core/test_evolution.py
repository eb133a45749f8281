"""Evolution: the list is the order; folds and first answers; what hooks are given."""

import copy
import pickle
from random import Random
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    AbstractStrategy,
    Ancestry,
    AncestryError,
    ClanTuneError,
    Context,
    ContinuousAllele,
    Evolution,
    FloatAllele,
    Genome,
    HookCall,
    IntAllele,
    Population,
    hookimpl,
)
from clantune_core.testing.generators import populations

# ---- Strategies to look through ----


def signed(allele, name):
    """The allele with a name added to the trail in its metadata."""
    return allele.with_metadata(trail=(*allele.metadata.get("trail", ()), name))


@attrs.frozen
class Sign(AbstractMutationStrategy):
    name: str

    def handle_setup(self, allele):
        return signed(allele, self.name)

    def handle_mutating(self, allele):
        return signed(allele, self.name)


@attrs.frozen
class SignFirst(AbstractMutationStrategy):
    name: str

    @hookimpl(tryfirst=True)
    def handle_mutating(self, allele):
        return signed(allele, self.name)


@attrs.frozen
class SignLast(AbstractMutationStrategy):
    name: str

    @hookimpl(trylast=True)
    def handle_mutating(self, allele):
        return signed(allele, self.name)


@attrs.frozen
class Sole(AbstractCrossbreedingStrategy):
    """One parent, by rank; passes where the population has no such rank."""

    rank: int = 0

    def select_ancestry(self, population_genomes):
        if self.rank >= len(population_genomes):
            return None
        return Ancestry.sole(self.rank, population_genomes)


@attrs.frozen
class Pairs(AbstractCrossbreedingStrategy):
    """Answers with plain pairs, and takes the alleles of the dominant parent."""

    def select_ancestry(self, population_genomes):
        return [(float(i == 1), g.uuid) for i, g in enumerate(population_genomes)]

    def handle_crossbreeding(self, population_alleles, ancestry):
        return population_alleles[ancestry.dominant]


@attrs.frozen
class Only(AbstractCrossbreedingStrategy):
    """Combines alleles of one kind, and leaves the others to others."""

    kind: type
    value: float

    def handle_crossbreeding(self, my_allele):
        return my_allele.with_value(self.value) if isinstance(my_allele, self.kind) else None


@attrs.frozen
class Noise(AbstractMutationStrategy):
    """Adds noise of a size that is an allele too, or a parameter if there is none."""

    std: float = 0.5

    def handle_setup(self, allele):
        return allele.with_metadata(noise=FloatAllele(self.std, (0.0, 10.0)))

    def handle_mutating(self, allele, rng):
        if not isinstance(allele, ContinuousAllele):
            return allele
        std = allele.metadata.get("noise", self.std)
        return allele.with_latent(allele.latent + std * rng.random())


@attrs.frozen
class Read(AbstractMutationStrategy):
    """Doubles a step size, and adds it to the value that reads it."""

    def handle_mutating(self, allele, context):
        if context.is_hyperparameter:
            return allele.with_value(allele.value + allele.metadata["std"])
        return allele.with_value(2 * allele.value)


@attrs.frozen
class Everything(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
    """Writes down all that each hook is given."""

    seen: list = attrs.field(factory=list, eq=False)

    def handle_setup(self, allele, context, rng, shared_rng):
        self.seen.append(("handle_setup", {**locals()}))
        return allele

    def handle_mutating(
        self,
        shared_rng,
        rng,
        context,
        population_genomes,
        my_genome,
        ancestry,
        population_alleles,
        allele,
    ):
        self.seen.append(("handle_mutating", {**locals()}))
        return allele

    def select_ancestry(self, rng, my_genome, population_genomes, context, shared_rng):
        self.seen.append(("select_ancestry", {**locals()}))
        return Ancestry.sole(0, population_genomes)

    def handle_crossbreeding(
        self,
        my_allele,
        population_alleles,
        ancestry,
        my_genome,
        population_genomes,
        context,
        rng,
        shared_rng,
    ):
        self.seen.append(("handle_crossbreeding", {**locals()}))
        return my_allele

    def apply_strategy(self):
        raise NotImplementedError


@attrs.frozen
class Shared(AbstractMutationStrategy):
    """Moves to what the shared stream says."""

    def handle_mutating(self, allele, shared_rng):
        return allele.with_value(shared_rng.random())


@attrs.frozen
class Peculiar(AbstractMutationStrategy):
    """A property that must not be touched, a field and a helper that only look like hooks."""

    select_count: int = 2
    handle_bools: bool = True

    @property
    def handled(self):
        raise AssertionError

    @property
    def select_property(self):
        raise AssertionError

    def _handle_mutatin(self):
        raise AssertionError

    def handle_mutating(self, allele):
        return allele.with_value(self.select_count)


def member(rank, value, **fields):
    return Genome({"lr": FloatAllele(value)}, uuid=UUID(int=rank), **fields)


GENOME = member(0, 0.25)
CLAN = [member(rank, float(rank)).set_fitness(rank) for rank in range(3)]


def trail(strategies):
    return Evolution(strategies).mutate(GENOME).alleles["lr"].metadata["trail"]


# ---- Order ----


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_the_list_is_the_order_of_effect(names):
    evolution = Evolution([Sign(name) for name in names])
    assert evolution.mutate(GENOME).alleles["lr"].metadata["trail"] == tuple(names)
    assert evolution.setup(GENOME).alleles["lr"].metadata["trail"] == tuple(names)


def test_equal_strategies_act_each_in_its_place():
    assert trail([Sign("a"), Sign("b"), Sign("a")]) == ("a", "b", "a")


@given(st.permutations([SignFirst("1"), SignFirst("2"), SignLast("3"), SignLast("4"), Sign("5")]))
def test_tryfirst_and_trylast_are_bands_that_keep_the_order_of_the_list(strategies):
    bands = {SignFirst: 0, Sign: 1, SignLast: 2}
    expected = sorted(strategies, key=lambda strategy: bands[type(strategy)])  # stable
    assert trail(strategies) == tuple(strategy.name for strategy in expected)


# ---- Fold and first answer ----


def test_the_first_answer_counts_and_none_passes():
    assert Evolution([Sole(5), Sole(2), Sole(1)]).select(CLAN[0], CLAN).dominant == 2
    asked = []
    evolution = Evolution([Sole(5), Sole(2), Sole(1)], observer=asked.append)
    evolution.select(CLAN[0], CLAN)
    assert [(step.strategy, step.after is None) for step in asked] == [
        ("0:Sole", True),
        ("1:Sole", False),
    ]


def test_each_kind_of_allele_is_combined_by_the_first_that_knows_it():
    evolution = Evolution(
        [Sole(), Only(IntAllele, 7), Only(FloatAllele, 8.0), Only(FloatAllele, 9.0)]
    )
    genome = Genome({"a": FloatAllele(0.0), "b": IntAllele(0)})
    child = evolution.crossbreed(genome, [genome])
    assert child.as_hyperparameters() == {"a": 8.0, "b": 7}


def test_where_nobody_answers_alleles_stay_as_they_are():
    evolution = Evolution([])
    assert evolution.setup(GENOME) is GENOME
    assert evolution.mutate(GENOME) is GENOME
    child = Evolution([Sole(1)]).offspring(CLAN[0], CLAN)
    assert child.alleles == CLAN[0].alleles
    assert (
        Evolution([Sole(1), Only(IntAllele, 7)]).offspring(CLAN[0], CLAN).alleles == child.alleles
    )


def test_pairs_are_an_ancestry():
    evolution = Evolution([Pairs()])
    assert evolution.select(CLAN[0], CLAN) == Ancestry.sole(1, CLAN)
    assert evolution.offspring(CLAN[0], CLAN).as_hyperparameters() == {"lr": 1.0}


def test_an_ancestry_that_was_chosen_before_is_used_as_it_is():
    pairs = [*Ancestry.sole(2, CLAN)]
    for chosen in (pairs, Ancestry.of(pairs)):
        child = Evolution([Pairs()]).crossbreed(CLAN[0], CLAN, ancestry=chosen)
        assert child.parents == Ancestry.sole(2, CLAN)
        assert child.as_hyperparameters() == {"lr": 2.0}


# ---- What hooks are given ----


def test_a_hook_is_given_what_it_names_in_any_order():
    tree = FloatAllele(1.0, metadata={"std": FloatAllele(2.0)})
    clan = [
        Genome({"lr": tree, "fixed": FloatAllele(3.0, can_mutate=False)}, uuid=UUID(int=rank))
        for rank in range(3)
    ]
    rng, shared = Random(1), Random(2)
    spy = Everything()
    evolution = Evolution([spy])
    evolution.setup(clan[1], rng, shared_rng=shared, rank=1, population_size=3)
    run = {"shared_rng": shared, "generation": 4, "progress": 0.5}
    child = evolution.offspring(clan[1], clan, rng, **run)

    assert [hook for hook, _ in spy.seen] == (
        ["handle_setup"] * 2
        + ["select_ancestry"]
        + ["handle_crossbreeding"] * 3
        + ["handle_mutating"] * 2
    )
    for hook, given_arguments in spy.seen:
        assert given_arguments["rng"] is rng
        assert given_arguments["shared_rng"] is shared
        context = given_arguments["context"]
        assert (context.rank, context.population_size) == (1, 3)
        assert context.genes == ("lr",)
        assert (context.generation, context.progress) == (
            (0, None) if hook == "handle_setup" else (4, 0.5)
        )
        if hook != "handle_setup":
            assert given_arguments["my_genome"] is clan[1]
            assert given_arguments["population_genomes"] == Population(clan)
        if hook in ("handle_crossbreeding", "handle_mutating"):
            assert given_arguments["ancestry"] == child.parents == Ancestry.sole(0, clan)
            assert len(given_arguments["population_alleles"]) == 3
    places = [(each["context"].gene, each["context"].path) for _, each in spy.seen]
    nodes = [("lr", ("std",)), ("lr", ()), ("fixed", ())]
    assert places == [("lr", ()), ("fixed", ()), ("", ()), *nodes, *nodes[:2]]


def test_mutation_sees_the_population_as_it_was_evaluated():
    spy = Everything()
    Evolution([Pairs(), Sign("x"), spy]).offspring(CLAN[0], CLAN)
    hook, arguments = spy.seen[-1]
    assert hook == "handle_mutating"
    assert arguments["allele"] == signed(FloatAllele(1.0), "x")
    assert [node.value for node in arguments["population_alleles"]] == [0.0, 1.0, 2.0]
    assert arguments["my_genome"].alleles == CLAN[0].alleles


def test_a_genome_on_its_own_is_a_population_of_one():
    spy = Everything()
    Evolution([spy]).mutate(GENOME, shared_rng=Random(1))
    ((_, arguments),) = spy.seen
    assert arguments["population_genomes"] == Population([GENOME])
    assert arguments["population_alleles"] == (GENOME.alleles["lr"],)
    assert arguments["ancestry"] is None
    assert arguments["context"] == Context(gene="lr", genes=("lr",))


def test_what_only_looks_like_a_hook_is_left_alone():
    assert Evolution([Peculiar()]).mutate(GENOME).as_hyperparameters() == {"lr": 2.0}


# ---- Random streams ----


def test_the_members_own_stream_decides():
    evolution = Evolution([Sole(), Noise()])
    child = evolution.offspring(CLAN[0], CLAN, Random(1))
    assert child == evolution.offspring(CLAN[0], CLAN, Random(1))
    other = evolution.offspring(CLAN[0], CLAN, Random(2))
    assert child.alleles != other.alleles
    assert child.uuid != other.uuid
    assert evolution.offspring(CLAN[0], CLAN) != evolution.offspring(CLAN[0], CLAN)


def test_the_shared_stream_is_the_same_on_every_rank_if_nobody_gives_one():
    evolution = Evolution([Sole(), Shared()])

    def values(clan, **run):
        return {evolution.offspring(m, clan, **run).as_hyperparameters()["lr"] for m in clan}

    assert len(values(CLAN)) == 1
    assert values(CLAN) == values([*CLAN])
    assert values(CLAN) != values(CLAN, generation=1)
    assert values(CLAN) != values(CLAN[::-1])
    assert evolution.offspring(CLAN[1], CLAN, shared_rng=Random(5)).as_hyperparameters() == {
        "lr": Random(5).random()
    }


# ---- Nodes that may change, and what stays ----


def test_a_step_size_mutates_before_the_value_that_reads_it():
    genome = Genome({"lr": FloatAllele(1.0, metadata={"std": FloatAllele(0.5)})})
    mutated = Evolution([Read()]).mutate(genome)
    assert mutated.alleles["lr"] == FloatAllele(2.0, metadata={"std": FloatAllele(1.0)})


def test_only_nodes_with_the_flag_are_changed_and_those_below_others_are_visited():
    child = FloatAllele(0.0, can_crossbreed=False)
    fixed = FloatAllele(0.0, can_mutate=False, metadata={"std": child})
    genome = Genome({"fixed": fixed, "free": FloatAllele(0.0, can_crossbreed=False)})
    mutated = Evolution([Peculiar(9)]).mutate(genome)
    assert mutated.walk(lambda node, at: node.value) == [9.0, 0.0, 9.0]
    bred = Evolution([Sole(), Only(FloatAllele, 9.0)]).crossbreed(genome, [genome])
    assert bred.walk(lambda node, at: node.value) == [0.0, 9.0, 0.0]


def test_mutation_keeps_identity_parents_and_metadata():
    genome = member(5, 0.5, parents=[(1.0, UUID(int=9))], metadata={"note": 1})
    mutated = Evolution([Sign("x")]).mutate(genome.set_fitness(1.0))
    assert mutated == genome.with_alleles({"lr": signed(genome.alleles["lr"], "x")})
    assert Evolution([Noise(std=0.0)]).mutate(genome.set_fitness(1.0)).fitness == 1.0


def test_an_offspring_is_somebody_new_with_the_ancestry_as_its_parents():
    me = CLAN[1].with_metadata(note=1)
    child = Evolution([Sole(2)]).offspring(me, CLAN)
    assert child.uuid not in {genome.uuid for genome in CLAN}
    assert child.parents == Ancestry.sole(2, CLAN)
    assert child.fitness is None
    assert child.metadata == {"note": 1}


def test_setting_up_keeps_everything_but_metadata():
    genome = member(5, 0.5, metadata={"note": 1}).set_fitness(1.0)
    made = Evolution([Noise(0.5)]).setup(genome)
    std = FloatAllele(0.5, (0.0, 10.0))
    assert made.alleles == {"lr": FloatAllele(0.5, metadata={"noise": std})}
    assert (made.uuid, made.fitness, made.metadata) == (genome.uuid, 1.0, genome.metadata)


# ---- A strategy alone ----


@given(populations(max_depth=2), st.integers())
def test_a_mutation_alone_does_what_it_does_in_an_evolution(population, seed):
    for genome in population:
        alone = Noise().apply_strategy(genome, Random(seed))
        assert alone == Evolution([Noise()]).mutate(genome, Random(seed))


@given(populations(), st.integers())
def test_crossbreeding_alone_does_what_it_does_in_an_evolution(population, seed):
    for genome in population:
        alone = Sole().apply_strategy(genome, population, Random(seed))
        assert alone == Evolution([Sole()]).crossbreed(genome, population, Random(seed))


@given(populations(), st.integers())
def test_setting_up_alone_does_what_it_does_in_an_evolution(population, seed):
    alone = Noise().setup_genome(population[0], Random(seed))
    assert alone == Evolution([Noise()]).setup(population[0], Random(seed))


def test_setting_up_alone_may_be_given_the_shared_stream():
    spy = Everything()
    rng, shared = Random(1), Random(2)
    spy.setup_genome(GENOME, rng, shared_rng=shared)
    ((hook, arguments),) = spy.seen
    assert hook == "handle_setup"
    assert arguments["rng"] is rng
    assert arguments["shared_rng"] is shared


def test_a_strategy_alone_is_given_a_population_whatever_the_members_come_in():
    spy = Everything()
    AbstractMutationStrategy.apply_strategy(spy, CLAN[0], shared_rng=Random(1))
    AbstractCrossbreedingStrategy.apply_strategy(spy, CLAN[0], CLAN)
    given_populations = [arguments["population_genomes"] for _, arguments in spy.seen]
    assert [*map(type, given_populations)] == [Population] * 3


@given(populations(min_size=2), st.integers())
def test_an_offspring_is_selected_bred_and_mutated_in_turn(population, seed):
    evolution = Evolution([Pairs(), Noise()])
    me, rng = population[0], Random(seed)
    ancestry = evolution.select(me, population, rng)
    child = evolution.crossbreed(me, population, rng, ancestry=ancestry)
    child = evolution.mutate(child, rng, my_genome=me, population_genomes=population)
    assert child == evolution.offspring(me, population, Random(seed))


@pytest.mark.parametrize("kind", [AbstractStrategy, AbstractMutationStrategy])
def test_the_bases_of_strategies_are_abstract(kind):
    with pytest.raises(TypeError, match="abstract class"):
        kind()


# ---- What all genes of an offspring share ----


@attrs.frozen
class FromOne(AbstractCrossbreedingStrategy):
    """All genes come from one member, drawn once."""

    def select_ancestry(self, population_genomes):
        return Ancestry.from_weights([1] * len(population_genomes), population_genomes)

    def handle_crossbreeding(self, population_alleles, draw):
        return population_alleles[int(draw("parent") * len(population_alleles))]


@attrs.frozen
class Named(AbstractMutationStrategy):
    def handle_mutating(self, allele, context, shared_draw):
        return allele.with_value(shared_draw("a") if context.gene == "a" else shared_draw("b"))


@attrs.frozen
class Follows(AbstractMutationStrategy):
    """Every gene becomes the sum of all that stand before it, and one."""

    def handle_mutating(self, allele, offspring_alleles, context):
        before = [*offspring_alleles][: [*offspring_alleles].index(context.gene)]
        return allele.with_value(1 + sum(offspring_alleles[gene].value for gene in before))


def _clan(size, genes):
    return [
        Genome({gene: FloatAllele(float(rank)) for gene in genes}, uuid=UUID(int=rank), fitness=0.0)
        for rank in range(size)
    ]


def test_what_is_drawn_once_is_the_same_for_all_genes_of_an_offspring():
    clan = _clan(5, "abcdef")
    evolution = Evolution([FromOne()])
    seen = set()
    for seed in range(40):
        child = evolution.offspring(clan[0], clan, Random(seed))
        (value,) = set(child.as_hyperparameters().values())
        seen.add(value)
    assert seen == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_what_is_drawn_once_for_all_is_the_same_on_every_rank_and_differs_by_name():
    clan = _clan(3, "ab")
    children = [
        Evolution([FromOne(), Named()]).offspring(me, clan, Random(rank), shared_rng=Random(7))
        for rank, me in enumerate(clan)
    ]
    first, *others = [child.as_hyperparameters() for child in children]
    assert others == [first, first]
    assert first["a"] != first["b"]


def test_ranks_that_ask_and_ranks_that_do_not_stay_in_step():
    clan, drawn, asked = _clan(3, "abc"), {}, {}

    @attrs.frozen
    class Asks(AbstractMutationStrategy):
        """Each rank asks at another gene, the last one at none."""

        def handle_mutating(self, allele, context, shared_draw):
            if "abc".index(context.gene) == context.rank != 2:
                asked[context.rank] = shared_draw("it")
            return allele

    @attrs.frozen
    class Draws(AbstractMutationStrategy):
        def handle_mutating(self, allele, context, shared_rng):
            drawn.setdefault(context.rank, []).append(shared_rng.random())
            return allele

    for me in clan:
        Evolution([Asks(), Draws()]).mutate(me, population_genomes=clan, shared_rng=Random(3))
    assert len(set(asked.values())) == 1
    assert len(asked) == 2
    stream = Random(3)
    assert [*drawn.values()] == [[stream.random() for _ in range(3)]] * 3


def test_a_mutation_sees_the_genes_that_have_mutated_before_it():
    (genome,) = _clan(1, "abcd")
    made = Evolution([Follows()]).mutate(genome)
    assert [*made.as_hyperparameters().values()] == [1.0, 2.0, 4.0, 8.0]


def test_an_ancestry_of_others_is_not_shown_to_a_mutation():
    clan = _clan(3, "a")
    child = Evolution([FromOne()]).offspring(clan[0], clan, Random(1))
    seen = []

    @attrs.frozen
    class Looks(AbstractMutationStrategy):
        def handle_mutating(self, allele, ancestry):
            seen.append(ancestry)
            return allele

    Evolution([Looks()]).mutate(child)
    Evolution([Looks()]).mutate(child, my_genome=clan[0], population_genomes=clan)
    assert seen == [None, child.parents]


def test_steps_called_one_by_one_draw_different_shared_numbers():
    clan = _clan(2, "a")
    drawn = []

    @attrs.frozen
    class Draws(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
        def select_ancestry(self, population_genomes, shared_rng):
            drawn.append(shared_rng.random())
            return Ancestry.sole(0, population_genomes)

        def handle_mutating(self, allele, shared_rng):
            drawn.append(shared_rng.random())
            return allele

        apply_strategy = AbstractMutationStrategy.apply_strategy

    evolution = Evolution([Draws()])
    evolution.select(clan[0], clan)
    evolution.mutate(clan[0], population_genomes=clan)
    assert len(set(drawn)) == 2


# ---- Being looked at ----


def test_an_observer_sees_before_and_after_of_every_turn():
    steps = []
    evolution = Evolution([Pairs(), Sign("a"), Sign("b")], observer=steps.append)
    child = evolution.offspring(CLAN[0], CLAN, Random(1), generation=3)
    here = Context(population_size=3, generation=3, genes=("lr",))
    gene = here.at_gene("lr")
    zero, one = FloatAllele(0.0), FloatAllele(1.0)
    assert steps == [
        HookCall("select_ancestry", "0:Pairs", here, None, [*Ancestry.sole(1, CLAN)]),
        HookCall("handle_crossbreeding", "0:Pairs", gene, zero, one),
        HookCall("handle_mutating", "1:Sign", gene, one, signed(one, "a")),
        HookCall("handle_mutating", "2:Sign", gene, signed(one, "a"), child.alleles["lr"]),
    ]


def test_a_step_reads_as_a_line():
    gene = Context(gene="lr", path=("std",))
    one, two = FloatAllele(1.0), FloatAllele(2.0)
    assert [
        str(HookCall("handle_mutating", "0:Noise", gene, one, two)),
        str(HookCall("handle_mutating", "0:Noise", gene, one, one)),
        str(HookCall("select_ancestry", "1:Sole", Context(), None, None)),
    ] == [
        "handle_mutating gene 'lr', path 'std' [0:Noise]: FloatAllele(1.0) -> FloatAllele(2.0)",
        "handle_mutating gene 'lr', path 'std' [0:Noise]: unchanged",
        "select_ancestry [1:Sole]: None",
    ]


def test_an_evolution_explains_who_answers_in_which_order(capsys):
    Evolution([SignLast("clamp"), Sole(5), Noise(), Sole()]).explain()
    assert (
        capsys.readouterr().out
        == """\
strategies
  0: SignLast(name='clamp')
  1: Sole(rank=5)
  2: Noise(std=0.5)
  3: Sole(rank=0)
hook                  called as     order
handle_setup          fold          2:Noise
select_ancestry       first answer  1:Sole, else 3:Sole
handle_crossbreeding  first answer  none: a member keeps its own alleles
handle_mutating       fold          2:Noise -> 0:SignLast
"""
    )


def test_an_empty_evolution_explains_that_it_does_nothing(capsys):
    Evolution([]).explain()
    assert (
        capsys.readouterr().out
        == """\
strategies
  none
hook                  called as     order
handle_setup          fold          none: genomes stay as they are
select_ancestry       first answer  none: selecting is an error
handle_crossbreeding  first answer  none: a member keeps its own alleles
handle_mutating       fold          none: alleles stay as they are
"""
    )


def test_an_evolution_is_a_value():
    evolution = Evolution([Sole(), Noise()])
    assert repr(evolution) == "Evolution(strategies=(Sole(rank=0), Noise(std=0.5)))"
    assert evolution == Evolution((Sole(), Noise()), observer=print)
    assert evolution != Evolution([Noise(), Sole()])
    with pytest.raises(AttributeError):
        evolution.strategies = ()
    for same in (copy.deepcopy(evolution), pickle.loads(pickle.dumps(evolution))):
        assert same == evolution
        assert hash(same) == hash(evolution)
        assert same.offspring(CLAN[0], CLAN, Random(1)) == evolution.offspring(
            CLAN[0], CLAN, Random(1)
        )


# ---- A turn ----


@attrs.frozen
class DrawsEverywhere(AbstractMutationStrategy, AbstractCrossbreedingStrategy):
    """Notes what it draws by one name, in each of the three hooks."""

    def select_ancestry(self, population_genomes, draw, shared_draw):
        DRAWN.append((draw("x"), shared_draw("x")))
        return Ancestry.sole(1, population_genomes)

    def handle_crossbreeding(self, my_allele, my_genome, draw, shared_draw):
        DRAWN.append((draw("x"), shared_draw("x")))
        return my_allele.with_value(my_genome.metadata.get("note", 0.0))

    def handle_mutating(self, allele, draw, shared_draw):
        DRAWN.append((draw("x"), shared_draw("x")))
        return allele

    apply_strategy = AbstractMutationStrategy.apply_strategy


DRAWN = []


def test_select_crossbreed_and_mutate_of_a_turn_are_those_of_offspring():
    clan, evolution = _clan(3, "ab"), Evolution([DrawsEverywhere()])
    DRAWN.clear()
    whole = evolution.offspring(clan[0], clan, Random(1), generation=4)
    first = {*DRAWN}
    turn = evolution.turn(clan[0], clan, Random(1), generation=4)
    assert turn.mutate(turn.crossbreed(turn.select())) == whole
    assert {*DRAWN} == first
    assert len(first) == 1


def test_a_turn_takes_an_ancestry_from_elsewhere_and_checks_it():
    clan = _clan(3, "a")
    turn = Evolution([FromOne()]).turn(clan[0], clan, Random(1))
    assert turn.crossbreed([(1.0, clan[0].uuid), (0.0, clan[1].uuid), (0.0, clan[2].uuid)])
    with pytest.raises(AncestryError, match="the ancestry has 1 entries for a population of 3"):
        turn.crossbreed([(1.0, clan[0].uuid)])


def test_a_turn_goes_on_with_more_known_of_its_genome():
    clan, evolution = _clan(3, "ab"), Evolution([DrawsEverywhere()])
    DRAWN.clear()
    turn = evolution.turn(clan[0], clan, Random(1))
    ancestry = turn.select()
    later = turn.with_genome(clan[0].with_metadata(note=2.5))
    assert set(later.crossbreed(ancestry).as_hyperparameters().values()) == {2.5}
    assert len({*DRAWN}) == 1
    with pytest.raises(ClanTuneError) as caught:
        turn.with_genome(clan[1])
    assert str(caught.value) == (
        f"this is the turn of genome {clan[0].uuid}, not of {clan[1].uuid}"
    )
