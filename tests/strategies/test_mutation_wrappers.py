"""Mutations that hold another one: mirrored, annealed, lethal."""

from random import Random
from statistics import NormalDist

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractMutationStrategy,
    Ancestry,
    BoolAllele,
    ContinuousAllele,
    DiscreteAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Population,
    StrategyError,
    StringAllele,
    from_json,
    shared_rng,
    to_json,
)
from clantune_core.testing import populations
from clantune_core.testing.unfamiliar import PowerOfTwoAllele
from clantune_strategies import (
    Annealed,
    AtStart,
    Choose,
    Creep,
    Dominant,
    Gaussian,
    KeepBest,
    Lethal,
    Mirrored,
    Perturb,
    Resample,
    Tournament,
    WhenReplaced,
)

GENES = {
    "lr": LogFloatAllele(1e-3),
    "beta": LogitFloatAllele(0.9),
    "wd": FloatAllele(0.5),
    "layers": IntAllele(40),
}


def clan(size, genes=None):
    return Population([Genome(genes or GENES) for _ in range(size)])


def moves(strategy, size, genes=None, seed=1):
    """Return how far each gene of each member went on its latent line."""
    population, evolution = clan(size, genes), Evolution([strategy])
    moved = []
    for rank, me in enumerate(population):
        made = evolution.mutate(
            me, Random(rank), population_genomes=population, shared_rng=shared_rng(seed, 0)
        )
        before = me.alleles
        moved.append({gene: a.latent - before[gene].latent for gene, a in made.alleles.items()})
    return moved


@attrs.frozen
class Shared(AbstractMutationStrategy):
    """Draws values with a part that is the same on every rank; most are cut at 1."""

    def handle_mutating(self, allele, rng, shared_rng):
        number = shared_rng.random() + rng.random()
        return allele.with_value(number < 0.5 if isinstance(allele, BoolAllele) else number)


@pytest.mark.parametrize(
    "wrapper",
    [
        AtStart(Shared()),
        WhenReplaced(Shared()),
        Mirrored(Shared()),
        Annealed(Shared()),
        Lethal(Shared(), {"wd": (0.0, 0.5)}),
    ],
    ids=lambda wrapper: type(wrapper).__name__,
)
def test_a_mutation_inside_that_draws_from_the_shared_stream_leaves_it_in_step(wrapper):
    genes = {"wd": FloatAllele(0.4, (0.0, 1.0)), "flag": BoolAllele(True)}
    evolution = Evolution([KeepBest(Tournament()), Dominant(), wrapper])
    population = [Genome(genes).set_fitness(float(rank)) for rank in range(4)]
    states = set()
    for rank, me in enumerate(population):
        shared = Random(5)
        evolution.offspring(me, population, Random(rank), shared_rng=shared, progress=0.5)
        states.add(shared.getstate())
    assert len(states) == 1


# ---- Mirrored ----


@pytest.mark.parametrize("size", [4, 5])
def test_the_members_of_a_pair_go_opposite_ways(size):
    moved = moves(Mirrored(Gaussian(std=0.3)), size)
    for pair in (0, 2):
        for gene in GENES:
            assert moved[pair][gene] != 0.0
            assert moved[pair + 1][gene] == pytest.approx(-moved[pair][gene], abs=1e-13)
    lengths = {abs(round(row[gene], 9)) for row in moved for gene in GENES}
    assert len(lengths) == len(GENES) * -(-size // 2)  # each gene and each pair for itself


def test_mirrored_noise_is_that_of_the_inner_mutation(assert_follows):
    evolution, population, drawn = Evolution([Mirrored(Gaussian(std=0.3))]), clan(2), []
    for seed in range(6000):
        rank = seed % 2
        made = evolution.mutate(
            population[rank],
            Random(rank),
            population_genomes=population,
            shared_rng=shared_rng(seed, 0),
        )
        drawn.append(made.alleles["wd"].value - 0.5)
    assert_follows(drawn, NormalDist(0, 0.3).cdf)


def test_two_mirrored_mutations_do_not_draw_the_same():
    both = Evolution([Mirrored(Gaussian(std=1.0)), Mirrored(Perturb((0.5, 2.0)))])
    one = Evolution([Mirrored(Gaussian(std=1.0))])
    population = clan(2, {"wd": FloatAllele(0.5)})
    went = set()
    for seed in range(40):
        given = {"population_genomes": population, "rng": Random(1)}
        first, second = (
            e.mutate(population[0], shared_rng=shared_rng(seed, 0), **given).alleles["wd"].value
            for e in (one, both)
        )
        went.add((first > 0.5, second / first))
    assert went == {(up, factor) for up in (True, False) for factor in (0.5, 2.0)}


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize(
    "allele",
    [
        FloatAllele(0.0, (0, 9)),
        LogFloatAllele(1.0, (1, 1e9)),
        LogitFloatAllele(0.01, (0.01, 0.99)),
        IntAllele(0, (0, 9)),
    ],
    ids=lambda allele: allele.kind,
)
def test_no_member_is_caught_at_the_end_of_a_domain(allele, end):
    genes = {"gene": allele.with_value(allele.domain[end])}
    freed = [0, 0]
    for seed in range(40):
        here, there = (row["gene"] for row in moves(Mirrored(Gaussian(std=0.5)), 2, genes, seed))
        assert (here == 0.0) != (there == 0.0)  # one of them goes across the end and is held
        freed[here == 0.0] += 1
    assert min(freed) > 8


def test_what_is_discrete_or_learned_moves_alike_in_a_pair():
    mirrored = Evolution([Mirrored(Gaussian(learns=["size"])), Mirrored(Choose(1.0))])
    name = StringAllele("a", tuple("abcdefgh"))
    member = mirrored.setup(Genome({"wd": FloatAllele(0.5), "name": name}))
    population = Population([member, member.with_uuid()])
    one, other = (
        mirrored.mutate(
            me, Random(rank), population_genomes=population, shared_rng=shared_rng(1, 0)
        ).alleles
        for rank, me in enumerate(population)
    )
    assert one["name"] == other["name"] != name
    assert one["wd"].metadata == other["wd"].metadata != member.alleles["wd"].metadata
    assert one["wd"].value - 0.5 == pytest.approx(0.5 - other["wd"].value, abs=1e-15)


def test_what_the_inner_one_draws_once_for_all_genes_is_the_same_in_a_pair():
    @attrs.frozen
    class Together(AbstractMutationStrategy):
        def handle_mutating(self, allele, draw):
            return allele.with_latent(allele.latent + draw("step"))

    moved = moves(Mirrored(Together()), 4, {name: FloatAllele(0.0) for name in "abc"})
    steps = [{*row.values()} for row in moved]
    assert all(len(step) == 1 for step in steps)
    assert steps[0] == {-step for step in steps[1]} != steps[2] == {-step for step in steps[3]}


def test_mirrored_needs_what_members_share():
    with pytest.raises(StrategyError) as caught:
        Mirrored(Gaussian()).apply_strategy(Genome(GENES))
    assert str(caught.value) == (
        "a strategy takes shared_rng, the same stream for all members, in handle_mutating, and "
        "the caller did not pass it; pass shared_rng=shared_rng(seed, generation), the same on "
        "every rank"
    )


# ---- Annealed ----


def went(strategy, allele=GENES["wd"], seed=1, **when):
    member = Genome({"gene": allele})
    made = Evolution([strategy]).mutate(member, Random(seed), **when)
    return made.alleles["gene"].latent - allele.latent


@pytest.mark.parametrize("allele", GENES.values(), ids=lambda allele: allele.kind)
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 3.0])
def test_the_move_shrinks_with_progress(allele, power):
    whole = went(Gaussian(std=0.3), allele)
    for progress in (0.0, 0.3, 0.9, 1.0):
        moved = went(Annealed(Gaussian(std=0.3), power), allele, progress=progress)
        assert moved == pytest.approx((1 - progress) ** power * whole, abs=1e-14)


def test_nothing_at_all_happens_at_the_end():
    genome = Genome({**GENES, "flag": BoolAllele(True)})
    inner = Annealed(Choose(1.0))
    for strategy in (inner, Annealed(Gaussian()), Annealed(Resample(1.0))):
        assert Evolution([strategy]).mutate(genome, Random(1), progress=1.0) == genome


def test_generations_stand_in_for_a_progress_that_nobody_knows():
    whole, annealed = went(Gaussian()), Annealed(Gaussian(), over=10)
    for generation in (0, 4, 9, 10, 99):
        left = max(0.0, 1 - generation / 10)
        assert went(annealed, generation=generation) == pytest.approx(left * whole, abs=1e-15)
    assert went(annealed, generation=4, progress=0.9) == pytest.approx(0.1 * whole)
    assert went(Annealed(Gaussian()), generation=4) == whole


def test_a_discrete_kind_moves_with_the_probability_that_is_left(assert_occurs):
    genome = Genome({f"gene {i}": BoolAllele(False) for i in range(5000)})
    made = Evolution([Annealed(Choose(1.0), power=2.0)]).mutate(genome, Random(1), progress=0.4)
    assert_occurs([allele.value for allele in made.alleles.values()], {True: 0.36, False: 0.64})


def test_what_the_inner_one_writes_down_is_kept():
    @attrs.frozen
    class Notes(AbstractMutationStrategy):
        def handle_mutating(self, allele):
            return allele.with_latent(allele.latent + 1.0).with_metadata(note=allele.value)

    for strategy in (Annealed(Notes()), Mirrored(Notes())):
        made = Evolution([strategy]).mutate(
            Genome(GENES), Random(1), progress=0.5, shared_rng=Random(1)
        )
        assert {g: a.metadata for g, a in made.alleles.items()} == {
            g: {"note": a.value} for g, a in GENES.items()
        }


# ---- AtStart ----


@pytest.mark.parametrize(
    ("genes", "moved"), [(["*"], GENES), (["lr"], ["lr"]), (["l*", "wd"], ["lr", "layers", "wd"])]
)
def test_genes_move_before_the_first_round_only(genes, moved):
    evolution = Evolution([KeepBest(Tournament()), Dominant(), AtStart(Perturb([0.5]), genes)])
    start = evolution.mutate(Genome(GENES), Random(1), shared_rng=Random(1))
    half = {gene: 0.5 * allele.value for gene, allele in GENES.items()}
    expected = {gene: half[gene] if gene in moved else GENES[gene].value for gene in GENES}
    assert start.as_hyperparameters() == pytest.approx(expected)
    population = [start.set_fitness(1.0)]
    later = evolution.offspring(population[0], population, Random(2), shared_rng=Random(2))
    assert later.as_hyperparameters() == start.as_hyperparameters()


def test_alleles_in_metadata_and_genomes_that_were_bred_stay():
    inside = GENES["lr"].with_metadata({"std": FloatAllele(0.5)})
    evolution = Evolution([AtStart(Perturb([0.5]))])
    start = evolution.mutate(Genome({"lr": inside}), Random(1), shared_rng=Random(1))
    assert start.alleles["lr"].value == pytest.approx(5e-4)
    assert start.alleles["lr"].metadata["std"].value == 0.5
    bred = attrs.evolve(start, parents=Ancestry.sole(0, Population([start])))
    again = evolution.mutate(bred, Random(1), shared_rng=Random(1))
    assert again.as_hyperparameters() == start.as_hyperparameters()


def test_a_gene_that_never_crossbreeds_stays():
    held = Genome({"lr": LogFloatAllele(1e-3, can_crossbreed=False), "wd": FloatAllele(0.5)})
    start = Evolution([AtStart(Perturb([0.5]))]).mutate(held, Random(1), shared_rng=Random(1))
    assert start.as_hyperparameters() == pytest.approx({"lr": 1e-3, "wd": 0.25})


def test_patterns_that_name_no_gene_are_an_error():
    evolution = Evolution([AtStart(Perturb([0.5]), ["rate", "*/rate"])])
    with pytest.raises(StrategyError) as raised:
        evolution.mutate(Genome(GENES), Random(1), shared_rng=Random(1))
    assert "AtStart: no gene is called 'rate' or '*/rate'; the genes are ['lr'," in str(
        raised.value
    )
    assert "correct genes=, or set required=False" in str(raised.value)


def test_a_genome_with_none_of_the_genes_stays_if_none_is_required():
    evolution = Evolution([AtStart(Perturb([0.5]), ["rate", "*/rate"], required=False)])
    start = evolution.mutate(Genome(GENES), Random(1), shared_rng=Random(1))
    assert start.as_hyperparameters() == Genome(GENES).as_hyperparameters()


# ---- Lethal ----


@attrs.frozen
class Counts(AbstractMutationStrategy):
    """Adds one, and counts how often it was asked."""

    asked: list = attrs.field(factory=list, eq=False)

    def handle_mutating(self, allele):
        self.asked.append(allele)
        if isinstance(allele, ContinuousAllele):
            return allele.with_latent(allele.latent + 1.0)
        return allele.with_value(allele.choices[-1])


def survived(strategy, allele, seed=1):
    return strategy.apply_strategy(Genome({"gene": allele}), Random(seed)).alleles["gene"].value


def test_a_mutation_is_repeated_until_it_is_viable(assert_follows):
    genome = Genome({f"gene {i}": FloatAllele(0.0) for i in range(1000)})
    regions = dict.fromkeys(genome.alleles, (-0.5, 2.0))
    strategy = Lethal(Gaussian(std=1.0), regions, tries=1000)
    made = [a.value for a in strategy.apply_strategy(genome, Random(1)).alleles.values()]
    normal = NormalDist()
    low, high = normal.cdf(-0.5), normal.cdf(2.0)
    assert -0.5 <= min(made) < max(made) <= 2.0
    assert_follows(made, lambda value: (normal.cdf(value) - low) / (high - low))


def test_tries_are_bounded():
    for tries in (1, 7):
        inner = Counts()
        assert survived(Lethal(inner, {"gene": (0, 1)}, tries), FloatAllele(0.5)) == 0.5
        assert len(inner.asked) == tries
    inner = Counts()
    assert survived(Lethal(inner, {"gene": (0, 2)}), FloatAllele(0.5)) == 1.5
    assert len(inner.asked) == 1


@pytest.mark.parametrize(
    ("allele", "region", "value"),
    [
        (FloatAllele(5.0), (0, 1), 1.0),
        (FloatAllele(-5.0), (0, 1), 0.0),
        (FloatAllele(5.0, (0.5, 9)), (0, 1), 1.0),
        (IntAllele(5), (0.5, 3.7), 3),
        (IntAllele(-5), (0.5, 3.7), 1),
        (PowerOfTwoAllele(1), (17, 900), 32),
        (PowerOfTwoAllele(2**20), (17, 900), 512),
        (LogFloatAllele(1.0), (1e-4, 1e-2), 1e-2),
        (StringAllele("d", tuple("abcde")), ["a", "b"], "b"),
        (StringAllele("c", tuple("abcde")), ["d", "a", "b"], "d"),
        (BoolAllele(True), [False], False),
    ],
)
def test_what_was_not_viable_and_stays_so_goes_to_the_nearest_value_that_is(allele, region, value):
    assert survived(Lethal(Counts(), {"gene": region}, tries=3), allele) == value


def test_genes_without_a_region_and_what_is_learned_mutate_as_ever():
    inner = Gaussian(std=0.5, learns=["size"])
    genome = inner.setup_genome(Genome({"lr": LogFloatAllele(1e-3), "wd": FloatAllele(0.0)}))
    free = inner.apply_strategy(genome, Random(1))
    assert Lethal(inner, {}).apply_strategy(genome, Random(1)) == free
    bound = Lethal(inner, {"wd": (-1e9, 1e9)}).apply_strategy(genome, Random(1))
    assert bound == free


@given(populations(min_genes=1, max_size=1), st.integers(0, 99), st.data())
def test_every_gene_ends_in_its_region(population, seed, data):
    genome, regions = population[0], {}
    for gene, allele in genome.alleles.items():
        if isinstance(allele, ContinuousAllele):
            other = allele.with_latent(data.draw(st.floats(-5, 5)))
            regions[gene] = sorted([allele.domain[data.draw(st.integers(0, 1))], other.value])
        elif isinstance(allele, DiscreteAllele):
            regions[gene] = data.draw(st.lists(st.sampled_from(allele.choices), min_size=1))
    strategy = from_json(to_json(Lethal(Resample(1.0), regions, tries=2)), Lethal)
    made = strategy.apply_strategy(genome, Random(seed))
    for gene, region in regions.items():
        allele = made.alleles[gene]
        if not allele.can_mutate:
            assert allele.value == genome.alleles[gene].value
        elif isinstance(allele, ContinuousAllele):
            assert region[0] <= allele.value <= region[1]
        else:
            assert allele.value in region


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (
            {"beta1": (0, 1)},
            (
                "Lethal: the genome has no gene 'beta1'; its genes are ['lr', 'beta', 'wd', "
                "'layers', 'flag']"
            ),
        ),
        (
            {"lr": (1, 2, 3)},
            "Lethal: the region of gene 'lr' must be two numbers (low, high); got (1, 2, 3)",
        ),
        (
            {"lr": ("a", "b")},
            "Lethal: the region of gene 'lr' must be two numbers (low, high); got ('a', 'b')",
        ),
        (
            {"beta": (2, 3)},
            "Lethal: the domain 0.1 .. 0.99 of gene 'beta' has no value in its region (2, 3)",
        ),
        (
            {"layers": (0.2, 0.8)},
            "Lethal: the domain 0 .. 99 of gene 'layers' has no value in its region (0.2, 0.8)",
        ),
        (
            {"flag": ["yes"]},
            "Lethal: 'yes' is not a choice of gene 'flag'; its choices are [False, True]",
        ),
    ],
)
def test_a_region_that_does_not_fit_its_gene_is_refused(regions, message):
    genes = {
        **GENES,
        "beta": LogitFloatAllele(0.9, (0.1, 0.99)),
        "layers": IntAllele(40, (0, 99)),
        "flag": BoolAllele(True),
    }
    with pytest.raises(StrategyError) as caught:
        Lethal(Creep(), regions).apply_strategy(Genome(genes))
    assert str(caught.value) == message


# ---- All of them ----


@pytest.mark.parametrize("kind", [Mirrored, Annealed, Lethal])
def test_a_wrapper_sets_up_what_the_inner_one_learns(kind):
    inner, genome = Gaussian(learns=["size"]), Genome(GENES)
    assert kind(inner).setup_genome(genome) == inner.setup_genome(genome)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Mirrored(Gaussian),
            "Mirrored: strategy is the class Gaussian, not an instance; did you mean Gaussian()?",
        ),
        (
            lambda: Annealed(Tournament()),
            (
                "Annealed: strategy must be a mutation strategy; got Tournament(size=3, "
                "tournaments=2, smoothing=0.0)"
            ),
        ),
        (lambda: Lethal(0.1), "Lethal: strategy must be a mutation strategy; got 0.1"),
        (lambda: Annealed(Choose(), -1), "Annealed: power must be a number of 0 or more; got -1"),
        (
            lambda: Annealed(Choose(), over=0),
            "Annealed: over must be a number of generations, 1 or more, or None; got 0",
        ),
        (
            lambda: Annealed(Choose(), over=2.5),
            "Annealed: over must be a number of generations, 1 or more, or None; got 2.5",
        ),
        (
            lambda: Lethal(Choose(), {"lr": 3}),
            "Lethal: regions must map gene names to (low, high) or to choices; got {'lr': 3}",
        ),
        (
            lambda: Lethal(Choose(), {"name": "cosine"}),
            (
                "Lethal: regions must map gene names to (low, high) or to choices; "
                "got {'name': 'cosine'}"
            ),
        ),
        (
            lambda: Lethal(Choose(), "lr"),
            "Lethal: regions must map gene names to (low, high) or to choices; got 'lr'",
        ),
        (
            lambda: Lethal(Choose(), {"name": []}),
            "Lethal: regions must map gene names to (low, high) or to choices; got {'name': []}",
        ),
        (lambda: Lethal(Choose(), {}, 0), "Lethal: tries must be an integer of 1 or more; got 0"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message
