"""Two-level designs, contrasts, and the rule that moves the centre by them."""

import itertools
import math
import statistics
from fractions import Fraction
from random import Random
from uuid import UUID

import attrs
import pytest

from clantune_core import (
    BoolAllele,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    Population,
    StrategyError,
    member_rng,
    shared_rng,
)
from clantune_strategies import Average, Everyone, MainEffects, Spread, TwoLevel
from clantune_strategies.designs import design
from clantune_strategies.designs.contrasts import slopes
from clantune_strategies.designs.hadamard import columns, hadamard

# ---- Designs ----


@pytest.mark.parametrize("size", [1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 60, 64])
def test_a_hadamard_matrix_is_orthogonal_and_normalized(size):
    matrix = hadamard(size)
    assert matrix[0] == tuple(row[0] for row in matrix) == (1,) * size
    assert {sign for row in matrix for sign in row} <= {1, -1}
    for first, second in itertools.combinations(matrix, 2):
        assert sum(x * y for x, y in zip(first, second, strict=True)) == 0


@pytest.mark.parametrize("size", [3, 6, 10, 14, 52])
def test_where_no_construction_is_known_there_is_no_matrix(size):
    assert hadamard(size) is None


@pytest.mark.parametrize("members", [2, 4, 8, 12, 16, 20])
def test_columns_are_balanced_and_orthogonal(members):
    known = columns(members)
    assert len(known) == members - 1
    assert all(sum(column) == 0 for column in known)
    for first, second in itertools.combinations(known, 2):
        assert sum(x * y for x, y in zip(first, second, strict=True)) == 0


@pytest.mark.parametrize("members", [6, 10, 14, 18, 22])
def test_columns_for_other_even_numbers_are_balanced_and_nearly_orthogonal(members):
    known = columns(members)
    assert len(known) >= members // 2
    assert all(sum(column) == 0 for column in known)
    for first, second in itertools.combinations(known, 2):
        assert abs(sum(x * y for x, y in zip(first, second, strict=True))) == 2


@pytest.mark.parametrize("members", range(1, 20))
def test_a_design_has_a_column_for_every_gene(members):
    for genes in (1, 2, 5, 30):
        made = design(members, genes, 0.3)
        assert [len(column) for column in made] == [members] * genes
        enough = len(columns(members)) if members > 1 else 0
        unsigned = {max(column, tuple(-s for s in column)) for column in made}
        assert len(unsigned) == min(genes, enough) or members == 1
    assert design(members, 3, 0.3) == design(members, 3, 0.3)


def test_each_key_draws_other_columns_and_signs():
    drawn = {design(8, 3, key / 100) for key in range(100)}
    assert len(drawn) > 90


# ---- Contrasts ----


def least_squares(places, outcomes):
    """Slopes by exact rational elimination on the normal equations, with an intercept."""
    rows = [[1, *row] for row in zip(*places, strict=True)]
    matrix = [[Fraction(x) for x in row] for row in rows]
    y = [Fraction(value) for value in outcomes]
    n = len(matrix[0])
    normal = [[sum(row[i] * row[j] for row in matrix) for j in range(n)] for i in range(n)]
    right = [sum(row[i] * value for row, value in zip(matrix, y, strict=True)) for i in range(n)]
    for i in range(n):
        pivot = next(r for r in range(i, n) if normal[r][i])
        normal[i], normal[pivot] = normal[pivot], normal[i]
        right[i], right[pivot] = right[pivot], right[i]
        for r in range(n):
            if r != i and normal[r][i]:
                factor = normal[r][i] / normal[i][i]
                normal[r] = [x - factor * z for x, z in zip(normal[r], normal[i], strict=True)]
                right[r] -= factor * right[i]
    return [float(right[i] / normal[i][i]) for i in range(1, n)]


@pytest.mark.parametrize(
    ("members", "genes"), [(2, 1), (4, 3), (6, 3), (8, 7), (10, 4), (12, 7), (16, 15)]
)
def test_contrasts_equal_least_squares(members, genes):
    rng = Random(members)
    for key in range(20):
        places = [[0.1 * s for s in column] for column in design(members, genes, key / 20)]
        outcomes = [rng.gauss(0.0, 1.0) for _ in range(members)]
        named = {f"g{i}": column for i, column in enumerate(places)}
        found = [*slopes(named, outcomes).values()]
        wanted = least_squares(places, outcomes)
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_a_contrast_is_the_difference_of_the_means():
    places = {"a": [0.1, 0.1, -0.1, -0.1], "b": [0.1, -0.1, 0.1, -0.1]}
    outcomes = [4.0, 3.0, 1.0, 1.5]
    assert slopes(places, outcomes)["a"] == pytest.approx((3.5 - 1.25) / 0.2, rel=1e-12)


def test_genes_that_cannot_be_told_apart_are_taken_one_by_one():
    places = {"a": [1.0, -1.0], "b": [1.0, -1.0]}
    assert slopes(places, [3.0, 1.0]) == {"a": 1.0, "b": 1.0}
    assert slopes({"a": [0.0, 0.0]}, [3.0, 1.0]) == {"a": 0.0}


# ---- Places ----


def clan(size, genes, fitness=1.0):
    return [
        Genome(genes, uuid=UUID(int=rank), fitness=fitness).with_uuid(UUID(int=rank + 1))
        for rank in range(size)
    ]


def placed(strategy, members, generation=0):
    population = Population(members)
    return [
        Evolution([strategy]).mutate(
            me,
            member_rng(1, generation, rank),
            population_genomes=population,
            shared_rng=shared_rng(1, generation),
            generation=generation,
        )
        for rank, me in enumerate(members)
    ]


def test_members_stand_one_step_off_a_common_centre_by_orthogonal_columns():
    genes = {name: LogFloatAllele(1e-3, (1e-6, 1.0)) for name in "abc"} | {"flag": BoolAllele(True)}
    made = placed(TwoLevel(spread=0.1), clan(4, genes))
    signs = {
        name: [round((m.alleles[name].latent - math.log(1e-3)) / 0.1, 6) for m in made]
        for name in "abc"
    }
    for column in signs.values():
        assert sorted(column) == [-1.0, -1.0, 1.0, 1.0]
    for first, second in itertools.combinations(signs.values(), 2):
        assert sum(x * y for x, y in zip(first, second, strict=True)) == 0
    assert {m.alleles["flag"].value for m in made} == {True}
    assert made[0].alleles["a"].metadata == {"design/centre": math.log(1e-3)}


def test_where_the_line_is_the_value_a_step_is_a_share_of_the_domain():
    genes = {"x": FloatAllele(50.0, (0.0, 100.0)), "layers": IntAllele(20, (10, 30))}
    made = placed(TwoLevel(spread=0.1), clan(2, genes))
    assert sorted(m.alleles["x"].value for m in made) == [49.0, 51.0]
    assert sorted(m.alleles["layers"].latent for m in made) == pytest.approx([19.8, 20.2])


def test_a_member_alone_stays_at_the_centre():
    (only,) = placed(TwoLevel(), clan(1, {"x": FloatAllele(0.5, (0.0, 1.0))}))
    assert only.alleles["x"].value == 0.5
    (only,) = placed(Spread(), clan(1, {"x": FloatAllele(0.5, (0.0, 1.0))}))
    assert only.alleles["x"].value == 0.5


def test_a_spread_is_even_and_in_another_order_for_each_gene():
    genes = {name: LogFloatAllele(1.0, (1e-3, 1e3)) for name in "abcd"}
    made = placed(Spread(width=0.3), clan(7, genes))
    orders = [tuple(m.alleles[name].latent for m in made) for name in "abcd"]
    for order in orders:
        assert sorted(order) == pytest.approx([-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3], abs=1e-12)
    assert len(set(orders)) == 4


# ---- The rule ----


def by_the_book(history, steps=0.5, memory=0.7, spread=0.1, rests=(), *, is_corrected=False):
    """Moves of one gene by the rule as it is written down, from signs and fitnesses per round.

    In rounds in which it rests it does not move, and learns nothing but the fitness of the centre.
    """
    m = v = w = 0.0
    before, moves = None, []
    for place, (signs, fitnesses) in enumerate(history):
        middle = statistics.median(fitnesses)
        y = [math.log(min(f, 10 * middle)) for f in fitnesses]
        mean = statistics.fmean(y)
        if place in rests:
            before = statistics.fmean(f for f in fitnesses if f <= 1.5 * middle)
            moves.append((0.0, False))
            continue
        b = statistics.fmean(s * (each - mean) for s, each in zip(signs, y, strict=True)) / spread
        m, v, w = memory * m + (1 - memory) * b, memory * v + (1 - memory) * b * b, memory * w + 0.3
        z = (m / w if is_corrected else m) / math.sqrt(v / w)
        move = -steps * math.copysign(1.0, z) * z * z
        now = statistics.fmean(f for f in fitnesses if f <= 1.5 * middle)
        moves.append((move, before is not None and now < before))
        before = now
    return moves


def rounds_of(strategy, gene, size, progress):
    """Signs and fitnesses, by chance, of as many rounds as there is progress, and the centres."""
    evolution = Evolution([Everyone(), strategy, Average(), TwoLevel()])
    members = placed(TwoLevel(), clan(size, {gene: LogFloatAllele(1e-2, (1e-6, 1.0))}))
    rng, history, centres = Random(size), [], []
    for generation, done in enumerate(progress, 1):
        fitnesses = [
            rng.lognormvariate(0.0, 0.7) * (50.0 if rank == 1 else 1.0) for rank in range(size)
        ]
        held = [m.alleles[gene].metadata for m in members]
        assert len({each["design/centre"] for each in held}) == 1
        centres.append(held[0]["design/centre"])
        signs = [math.copysign(1, m.alleles[gene].latent - centres[-1]) for m in members]
        history.append((signs, fitnesses))
        population = Population([m.set_fitness(f) for m, f in zip(members, fitnesses, strict=True)])
        members = [
            evolution.offspring(
                me,
                population,
                member_rng(1, generation, rank),
                shared_rng=shared_rng(1, generation),
                generation=generation,
                progress=done,
            )
            for rank, me in enumerate(population)
        ]
    return history, [*centres, members[0].alleles[gene].metadata["design/centre"]]


@pytest.mark.parametrize("gene", ["wd", "optimizer/lr"])
@pytest.mark.parametrize("size", [2, 4, 8])
def test_the_centre_moves_as_the_rule_says(gene, size):
    history, centres = rounds_of(MainEffects(), gene, size, [0.5] * 11)
    moves = by_the_book(history)
    for (move, improved), (before, after) in zip(moves, itertools.pairwise(centres), strict=True):
        wanted = max(move, 0.0) if gene == "optimizer/lr" and improved else move
        expected = min(max(before + wanted, math.log(1e-6)), 0.0)
        assert after == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("gene", ["wd", "optimizer/lr"])
@pytest.mark.parametrize("warmup", [0.0, 0.3])
@pytest.mark.parametrize("freezes", [False, True])
def test_an_lr_rests_while_its_schedule_warms_up_and_cools_down(gene, warmup, freezes):
    strategy = MainEffects(freeze_lr_until=warmup, freeze_lr_in_cooldown=freezes)
    progress = [done / 10 for done in range(11)]
    history, centres = rounds_of(strategy, gene, 4, progress)
    is_lr = gene == "optimizer/lr"
    rests = {
        place
        for place, done in enumerate(progress)
        if (warmup and done <= 0.3) or (freezes and done >= 0.8)
    }
    moves = by_the_book(history, rests=rests if is_lr else ())
    steps = zip(moves, progress, itertools.pairwise(centres), strict=True)
    for (move, improved), done, (before, after) in steps:
        wanted = max(move, 0.0) if is_lr and improved and done < 0.8 else move
        expected = min(max(before + wanted, math.log(1e-6)), 0.0)
        assert after == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert sum(a == b for a, b in itertools.pairwise(centres)) >= (len(rests) if is_lr else 0)


@pytest.mark.parametrize("is_corrected", [False, True])
@pytest.mark.parametrize("gene", ["optimizer/lr", "weight_decay"])
def test_a_gene_that_is_held_moves_one_way(gene, is_corrected):
    strategy = MainEffects(decay_genes=("weight_decay",), bias_correction=is_corrected)
    progress = [done / 10 for done in range(11)]
    history, centres = rounds_of(strategy, gene, 8, progress)
    moves = by_the_book(history, is_corrected=is_corrected)
    held = []
    steps = zip(moves, progress, itertools.pairwise(centres), strict=True)
    for (move, improved), done, (before, after) in steps:
        if gene == "optimizer/lr":
            wanted = max(move, 0.0) if improved and done < 0.8 else move
        else:
            wanted = min(move, 0.0)
        held.append(wanted != move)
        assert after == pytest.approx(min(before + wanted, 0.0), rel=1e-9, abs=1e-9)
    assert any(held)
    assert not all(held)


def test_with_bias_correction_the_first_move_is_a_whole_step():
    for is_corrected, first in ((False, 0.5 * 0.3**2), (True, 0.5)):
        strategy = MainEffects(bias_correction=is_corrected)
        _, (before, after) = rounds_of(strategy, "wd", 4, [0.5])
        assert abs(after - before) == pytest.approx(first)


def test_where_progress_is_not_known_no_gene_rests():
    given = {"freeze_lr_until": 1.0, "freeze_lr_in_cooldown": True}
    with_both, plain = (
        rounds_of(MainEffects(**each), "lr", 4, [None] * 5)[1] for each in (given, {})
    )
    assert with_both == plain
    assert len(set(plain)) > 1


def test_without_places_or_survivors_the_centre_stays():
    evolution = Evolution([Everyone(), MainEffects(), TwoLevel(spread=0.0)])
    genes = {"wd": LogFloatAllele(1e-2, (1e-6, 1.0))}
    lost = [m.set_fitness(math.inf) for m in placed(TwoLevel(), clan(4, genes))]
    for members in (clan(4, genes), lost):
        child = evolution.offspring(members[0], members, Random(1), shared_rng=Random(1))
        assert child.alleles["wd"].value == pytest.approx(1e-2, rel=1e-12)


def test_the_fitness_of_the_centre_is_taken_where_somebody_measured_it():
    evolution = Evolution([Everyone(), MainEffects()])
    members = placed(TwoLevel(), clan(2, {"lr": LogFloatAllele(1e-2, (1e-6, 1.0))}))
    members = [m.set_fitness(0.5).with_metadata(centre_fitness=0.25) for m in members]
    child = evolution.crossbreed(members[0], members, Random(1))
    assert child.alleles["lr"].metadata["effects/before"] == 0.25


def test_a_clan_that_went_back_begins_again_below_the_highest_rate():
    evolution = Evolution([Everyone(), MainEffects()])
    genes = {"lr": LogFloatAllele(1e-2, (1e-6, 1.0)), "wd": LogFloatAllele(0.1, (1e-6, 1.0))}
    members = placed(TwoLevel(), clan(4, genes))
    judged = [m.set_fitness(0.5 + 0.1 * rank) for rank, m in enumerate(members)]

    def child(highest):
        told = [m.with_metadata(highest_rates=highest, centre_fitness=0.4) for m in judged]
        return evolution.crossbreed(told[0], told, Random(1)).alleles

    lower, higher = child({"lr": 1e-3}), child({"lr": 0.5})
    assert lower["lr"].value == pytest.approx(1e-3)
    assert higher["lr"].value == pytest.approx(1e-2)
    assert lower["wd"].value == pytest.approx(0.1)
    for allele in (*lower.values(), *higher.values()):
        sums = [allele.metadata[f"effects/{name}"] for name in ("mean", "square", "weight")]
        assert sums == [0.0, 0.0, 0.0]
        assert allele.metadata["effects/before"] == 0.4
    assert evolution.crossbreed(judged[0], judged, Random(1)).alleles["wd"].value != 0.1


def test_fitnesses_below_zero_count_as_they_are():
    evolution = Evolution([Everyone(), MainEffects()])
    members = placed(TwoLevel(), clan(2, {"wd": LogFloatAllele(1e-2, (1e-6, 1.0))}))
    offsets = [m.alleles["wd"].latent - math.log(1e-2) for m in members]
    members = [m.set_fitness(-5.0 + 10 * o) for m, o in zip(members, offsets, strict=True)]
    child = evolution.crossbreed(members[0], members, Random(1))
    assert child.alleles["wd"].metadata["effects/mean"] == pytest.approx(3.0)


def test_a_gene_that_is_frozen_in_mid_run_keeps_its_centre():
    evolution = Evolution([Everyone(), MainEffects(), TwoLevel()])
    members = placed(TwoLevel(), clan(4, {"lr": LogFloatAllele(1e-2, (1e-6, 1.0))}))
    frozen = [
        m.with_alleles({"lr": attrs.evolve(m.alleles["lr"], can_mutate=False)}).set_fitness(1.0)
        for m in members
    ]
    child = evolution.offspring(frozen[0], frozen, Random(1), shared_rng=Random(1))
    assert child.alleles["lr"].value == pytest.approx(1e-2)


def test_what_is_not_crossbred_is_placed_around_its_own_centre():
    genes = {"lr": LogFloatAllele(1e-2, (1e-6, 1.0), can_crossbreed=False)}
    members = clan(4, genes)
    for generation in range(5):
        members = placed(TwoLevel(spread=0.1), members, generation)
    assert {round(abs(m.alleles["lr"].latent - math.log(1e-2)), 6) for m in members} == {0.1}


@pytest.mark.parametrize("gene", [FloatAllele(0.5), IntAllele(5), FloatAllele(5.0, (0.0, None))])
def test_where_a_domain_is_open_a_step_is_a_step_of_the_value(gene):
    made = placed(TwoLevel(spread=1.0), clan(2, {"x": gene}))
    assert sorted(m.alleles["x"].latent for m in made) == [gene.latent - 1.0, gene.latent + 1.0]


def test_whole_numbers_that_are_all_the_same_tell_nothing():
    evolution = Evolution([Everyone(), MainEffects(), TwoLevel()])
    members = placed(TwoLevel(), clan(4, {"layers": IntAllele(4, (1, 9))}))
    rng = Random(0)
    for generation in range(10):
        population = Population([m.set_fitness(rng.lognormvariate(0, 1)) for m in members])
        members = [
            evolution.offspring(me, population, Random(rank), shared_rng=shared_rng(1, generation))
            for rank, me in enumerate(population)
        ]
    assert {m.alleles["layers"].metadata["design/centre"] for m in members} == {4.0}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: TwoLevel(spread=-1.0),
            "TwoLevel: spread must be a number of 0 or more; got -1.0",
        ),
        (
            lambda: MainEffects(memory=1.0),
            "MainEffects: memory must be a number from 0 to 0.999; got 1.0",
        ),
        (
            lambda: MainEffects(freeze_lr_until=1.5),
            "MainEffects: freeze_lr_until must be a number from 0 to 1; got 1.5",
        ),
        (
            lambda: MainEffects(freeze_lr_in_cooldown=1),
            "MainEffects: freeze_lr_in_cooldown must be True or False; got 1",
        ),
        (
            lambda: MainEffects(lr_genes="lr"),
            (
                "MainEffects: lr_genes must be patterns of gene names, such as "
                '("lr", "*/lr"); got \'lr\''
            ),
        ),
        (
            lambda: MainEffects(gate="hard"),
            "MainEffects: gate must be one of soft, sign; got 'hard'",
        ),
    ],
)
def test_what_is_no_parameter_is_refused_in_words(make, message):
    with pytest.raises(StrategyError) as caught:
        make()
    assert str(caught.value) == message
