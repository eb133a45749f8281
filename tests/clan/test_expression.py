"""Expression: what a genome means for the objects, and who sees to it that it stays so."""

import math

import pytest

from clantune_clan import ClanError, Communication, GenomeExpression
from clantune_core import (
    BoolAllele,
    DataError,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_core.contracts import Expressed


class Clan(Communication):
    """A channel on which others answer too, as they are told here."""

    def __init__(self, *others):
        super().__init__()
        self.others = others
        self.asked = []

    def gather(self, where, value, *, problem=None, kind=None):
        (mine,) = super().gather(where, value, problem=problem)
        self.asked.append(mine)
        return [mine, *self.others]


def express(genome, mode, channel=None):
    return GenomeExpression().express(genome, mode, channel or Clan())


def test_a_gene_says_where_and_when_it_is_expressed():
    genome = GenomeExpression.set_allele(
        Genome(), "lr", LogFloatAllele(0.1), path="optimizer/param_groups/0/lr"
    )
    assert Expressed.of("lr", genome.alleles["lr"]) == Expressed(
        {"optimizer/param_groups/0/lr": 0.0}
    )
    assert Genome.deserialize(genome.serialize()) == genome


def test_setting_a_gene_again_replaces_it():
    genome = Genome()
    for value in (0.1, 0.2):
        genome = GenomeExpression.set_allele(genome, "lr", LogFloatAllele(value), path="a/b")
    assert genome.as_hyperparameters() == {"lr": 0.2}


FLAGS = [
    ("cooperative", {"is_cooperative": True, "is_competitive": False}, True),
    ("cooperative", {"is_cooperative": False, "is_competitive": True}, False),
    ("competitive", {"is_cooperative": True, "is_competitive": False}, False),
    ("competitive", {"is_cooperative": False, "is_competitive": True}, True),
    ("all", {"is_cooperative": False, "is_competitive": False}, True),
]


@pytest.mark.parametrize(("mode", "flags", "own"), FLAGS)
def test_a_mode_asks_the_flags_of_each_gene(mode, flags, own):
    genome = GenomeExpression.set_allele(Genome(), "x", FloatAllele(1.0), path="model/x", **flags)
    expression = express(genome, mode, Clan({"x": 2.0}, {"x": 6.0}))
    assert expression.genes == {"x": 1.0 if own else 3.0}
    assert expression.patch == {"model/x": 1.0 if own else 3.0}
    assert expression.gene_at == {"model/x": "x"}


@pytest.mark.parametrize(
    ("allele", "others", "mean"),
    [
        (LogFloatAllele(1.0), [math.log(100.0)], 10.0),
        (LogitFloatAllele(0.5), [math.log(3.0)] * 2, 1 / (1 + 3 ** (-2 / 3))),
        (IntAllele(1), [2.0], 2),  # 1.5, to the even number
        (IntAllele(1), [2.0, 2.0], 2),
        (IntAllele(3, position=2.6), [2.0, 2.0], 2),
        (BoolAllele(True), [False, False], False),
        (BoolAllele(True), [False], True),  # the lowest rank's
        (StringAllele("b", ("a", "b", "c")), ["a", "c", "a", "c"], "a"),
        (FloatAllele(0.1), [0.1, 0.1], 0.1),  # to the last bit
    ],
)
def test_the_clans_mean_is_taken_on_the_latent_line(allele, others, mean):
    genome = GenomeExpression.set_allele(Genome(), "x", allele, is_cooperative=False)
    expression = express(genome, "cooperative", Clan(*({"x": other} for other in others)))
    found = expression.genes["x"]
    assert found == (pytest.approx(mean, rel=1e-12) if isinstance(mean, float) else mean)
    assert type(found) is type(allele.value)


def test_only_what_others_need_is_told():
    genome = GenomeExpression.set_allele(Genome(), "own", FloatAllele(1.0))
    genome = GenomeExpression.set_allele(genome, "mean", FloatAllele(2.0), is_cooperative=False)
    channel = Clan({"mean": 4.0})
    assert express(genome, "cooperative", channel).genes == {"own": 1.0, "mean": 3.0}
    assert channel.asked == [{"mean": 2.0}]


def test_one_gene_moves_several_places_and_keeps_their_ratios():
    genome = GenomeExpression.set_allele(
        Genome(),
        "lr",
        LogFloatAllele(0.1, (0.05, 0.2)),
        path={"model/a": 0.0, "model/b": math.log(10.0), "model/c": math.log(1e-300)},
    )
    patch = express(genome, "all").patch
    assert patch["model/a"] == 0.1
    assert patch["model/b"] == pytest.approx(1.0)  # the domain is the gene's, not the place's
    assert patch["model/c"] == pytest.approx(1e-301)


def test_a_gene_that_is_not_patchable_is_only_read():
    genome = GenomeExpression.set_allele(
        Genome(), "x", FloatAllele(1.0), path="model/x", is_patchable=False
    )
    expression = express(genome, "all")
    assert (expression.genes, expression.patch) == ({"x": 1.0}, {})


def _two_at_one_place():
    genome = GenomeExpression.set_allele(Genome(), "a", FloatAllele(1.0), path="model/x")
    return GenomeExpression.set_allele(genome, "b", FloatAllele(1.0), path="model/x")


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (
            lambda: express(Genome(), "rehearsal"),
            "there is no mode 'rehearsal'; there are cooperative, competitive, all",
        ),
        (
            lambda: express(_two_at_one_place(), "all"),
            "genes 'a' and 'b' are both expressed at 'model/x'; leave one out",
        ),
    ],
)
def test_what_cannot_be_expressed_is_refused(attempt, message):
    with pytest.raises(ClanError) as raised:
        attempt()
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ({"model/x": 1.0}, "an offset of 1.0 needs a latent line, and BoolAllele has none"),
        ({"model/x": math.nan}, "nan is not an offset, a number from -2**53 to 2**53"),
    ],
)
def test_an_offset_that_cannot_be_is_refused_with_the_gene_beneath(path, problem):
    with pytest.raises(DataError) as raised:
        GenomeExpression.set_allele(Genome(), "a", BoolAllele(True), path=path)
    assert str(raised.value) == f"path.model/x: {problem}"
    assert raised.value.__notes__ == ["at gene 'a'"]


def test_a_gene_that_does_not_say_where_it_is_expressed_is_refused():
    with pytest.raises(DataError, match=r"^gene 'lr', metadata\.expression: this entry is missing"):
        express(Genome({"lr": FloatAllele(1.0)}), "all")
