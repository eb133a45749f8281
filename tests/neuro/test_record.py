"""The record of an evaluation in the metadata of a genome."""

import math

import pytest

from clantune_core import Genome, from_json, to_json
from clantune_neuro import EvaluationError, Score
from clantune_neuro.evaluation.record import Record
from clantune_neuro.tasks.trace import RowTrace


@pytest.mark.parametrize(
    "score",
    [
        Score(3, 1.5, RowTrace([1, 1], [2])),
        Score(-0.25),
        Score(math.nan),
        Score(-math.inf),
        Score(2, math.nan),
    ],
)
def test_a_genome_keeps_the_record_of_its_score_also_as_a_document(score):
    record = Record.of_score(score, born=4)
    genome = record.added_to(Genome())
    assert Record.of(genome) == record
    assert Record.of(from_json(to_json(genome), Genome)) == record
    assert genome.fitness == (math.inf if score.dead else -score.base)


def test_a_genome_without_a_record_says_who_writes_one():
    genome = Genome()
    with pytest.raises(EvaluationError) as caught:
        Record.of(genome)
    assert str(caught.value) == (
        f"genome {genome.uuid} has no record of an evaluation; let `Evolve` evaluate it, or call "
        "`Record.of_score(score, generation).added_to(genome)`"
    )
