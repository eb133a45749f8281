"""Contexts say where a handler stands; random streams are named, never global."""

import pickle
import random

import attrs
import pytest

from clantune_core import Context, FloatAllele, Genome, member_rng, shared_rng, walk_genomes

RUN = Context(rank=2, population_size=4, generation=7, genes=("lr",), progress=0.25)


def test_a_context_outside_of_a_run_knows_nothing():
    nowhere = Context()
    assert (nowhere.gene, nowhere.path, nowhere.depth) == ("", (), 0)
    assert (nowhere.rank, nowhere.population_size, nowhere.generation) == (0, 1, 0)
    assert (nowhere.genes, nowhere.progress) == ((), None)


def test_a_context_goes_to_a_gene_and_down_its_tree():
    gene = RUN.at_gene("lr")
    assert gene == attrs.evolve(RUN, gene="lr")
    assert (gene.depth, gene.is_hyperparameter) == (0, True)
    deep = gene.below("std").below("chance")
    assert deep == attrs.evolve(RUN, gene="lr", path=("std", "chance"))
    assert (deep.depth, deep.is_hyperparameter) == (2, False)
    assert RUN.gene == ""


@pytest.mark.parametrize(
    ("context", "place"),
    [
        (Context(), "an allele"),
        (Context().below("std"), "an allele, path 'std'"),
        (RUN.at_gene("optimizer/0/lr"), "gene 'optimizer/0/lr'"),
        (RUN.at_gene("lr").below("std").below("chance"), "gene 'lr', path 'std/chance'"),
    ],
)
def test_a_context_says_in_words_where_it_is(context, place):
    assert context.place == place


def test_a_context_cannot_be_changed():
    for name in ("gene", "path", "rank", "depth", "something"):
        with pytest.raises(AttributeError):
            setattr(RUN, name, None)
    assert pickle.loads(pickle.dumps(RUN)) == RUN
    assert hash(RUN) == hash(attrs.evolve(RUN))


def test_walking_says_gene_path_and_number_of_genomes():
    tree = FloatAllele(0.5, metadata={"std": FloatAllele(1.0)})
    genomes = [Genome({"lr": tree}), Genome({"lr": tree})]
    assert walk_genomes(genomes, lambda nodes, at: at) == [
        Context(gene="lr", path=("std",), population_size=2),
        Context(gene="lr", population_size=2),
    ]


def test_streams_are_the_same_on_every_machine():
    assert member_rng(1, 2, 3).random() == 0.37663216288251566
    assert shared_rng(1, 2).random() == 0.16213757826494746


def test_every_name_has_a_stream_of_its_own():
    names = [(seed, generation) for seed in range(5) for generation in range(5)]
    draws = [shared_rng(*name).random() for name in names]
    draws += [member_rng(*name, rank).random() for name in names for rank in range(5)]
    assert len(set(draws)) == len(draws) == 150


def test_streams_leave_the_global_generator_alone():
    random.seed(1)
    before = random.getstate()
    member_rng(1, 2, 3).random()
    shared_rng(1, 2).random()
    assert random.getstate() == before
