"""Trees: children first, in order, N of them in lockstep; one side never differs in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clantune_core import (
    AbstractAllele,
    AlleleError,
    BoolAllele,
    ContinuousAllele,
    DiscreteAllele,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    TreeError,
    can_crossbreed,
    can_mutate,
    is_hyperparameter,
    synthesize_genomes,
    synthesize_trees,
    walk_genomes,
    walk_trees,
)
from clantune_core.testing import alleles, genomes, populations

trees = alleles(max_depth=3)
predicates = st.sampled_from((can_mutate, can_crossbreed, is_hyperparameter))
SAME_EVERYWHERE = (
    "; give every genome the same genes of the same kinds, and set all of them up with the same "
    "strategies"
)


def unchanged(node, context):
    return node


def places(tree, path=()):
    """The paths of a tree as the specification orders them, found without the walker."""
    below = [
        place
        for name, entry in tree.metadata.items()
        if isinstance(entry, AbstractAllele)
        for place in places(entry, (*path, name))
    ]
    return [*below, path]


def moved(node, context):
    """Another value, where the family of the kind says what others there are."""
    if isinstance(node, ContinuousAllele):
        return node.with_latent(node.latent + 1.0)
    return node.with_value(node.choices[-1]) if isinstance(node, DiscreteAllele) else node


def over(value, **children):
    return FloatAllele(value, metadata=children)


# ---- Laws ----


@given(trees)
def test_the_identity_update_changes_no_tree(tree):
    assert tree.update_tree(unchanged) == tree
    assert repr(tree.update_tree(unchanged)) == repr(tree)


@given(genomes(max_depth=2))
def test_the_identity_update_changes_no_genome(genome):
    assert genome.update(unchanged) == genome
    assert repr(genome.update(unchanged)) == repr(genome)


@given(genomes(max_depth=2))
def test_an_update_that_is_called_for_nothing_changes_nothing(genome):
    assert genome.update(moved, lambda allele, context: False) == genome


@given(trees)
def test_children_are_walked_before_their_parents_in_the_order_of_metadata(tree):
    walked = tree.walk_tree(lambda node, at: at.path)
    assert walked == places(tree)
    for turn, path in enumerate(walked[:-1]):
        assert path[:-1] in walked[turn + 1 :]


@given(genomes(max_depth=2))
def test_genes_are_walked_in_the_order_of_the_genome(genome):
    expected = [(gene, p) for gene, tree in genome.alleles.items() for p in places(tree)]
    assert genome.walk(lambda node, at: (at.gene, at.path)) == expected


@given(genomes(max_depth=2), predicates)
def test_a_predicate_leaves_places_out_and_keeps_the_order(genome, predicate):
    every = genome.walk(lambda node, at: (at.gene, at.path, predicate(node, at)))
    chosen = genome.walk(lambda node, at: (at.gene, at.path, True), predicate)
    assert chosen == [place for place in every if place[2]]


@given(populations(min_size=1, max_size=4, max_depth=2))
def test_many_genomes_are_walked_in_lockstep(population):
    together = walk_genomes(population, lambda nodes, at: [node.value for node in nodes])
    apart = [genome.walk(lambda node, at: node.value) for genome in population]
    assert together == [[*values] for values in zip(*apart, strict=True)]


@given(populations(min_size=2, max_depth=2), st.data())
def test_taking_every_node_of_one_member_makes_its_genes(population, data):
    rank = data.draw(st.integers(0, len(population) - 1))
    made = synthesize_genomes(population[0], population, lambda node, nodes, at: nodes[rank])
    assert made.alleles == population[rank].alleles
    assert made.uuid == population[0].uuid


@given(genomes(max_depth=2), predicates)
def test_an_update_changes_what_the_predicate_chooses_and_nothing_else(genome, predicate):
    after = genome.update(moved, predicate)
    values = walk_genomes(
        [genome, after], lambda nodes, at: (predicate(nodes[0], at), nodes[0], nodes[1].value)
    )
    for chosen, before, value in values:
        assert value == (moved(before, None).value if chosen else before.value)


@given(trees)
def test_handlers_see_an_allele_in_metadata_as_its_value(tree):
    def compare(node, at):
        original = tree
        for name in at.path:
            original = original.metadata[name]
        assert (node.value, [*node.metadata]) == (original.value, [*original.metadata])
        for name, entry in original.metadata.items():
            shown = entry.value if isinstance(entry, AbstractAllele) else entry
            assert node.metadata[name] == shown

    tree.walk_tree(compare)


@given(genomes(max_depth=2))
def test_a_parent_reads_the_new_values_of_its_children(genome):
    seen = {}

    def handler(node, at):
        node = moved(node, at)
        seen[at.gene, at.path] = node.value
        for name in node.metadata:
            if (at.gene, (*at.path, name)) in seen:
                assert node.metadata[name] == seen[at.gene, (*at.path, name)]
        return node

    genome.update(handler)
    assert len(seen) == len(genome.walk(lambda node, at: None))


# ---- What a handler may return ----


def test_an_allele_that_a_handler_adds_stays_an_allele():
    def add(node, at):
        return node.with_metadata(new=FloatAllele(9.0)) if at.is_hyperparameter else node

    assert over(1.0).update_tree(add) == over(1.0, new=FloatAllele(9.0))
    bred = over(1.0, std=over(2.0)).update_tree(add)
    assert bred == over(1.0, std=over(2.0), new=FloatAllele(9.0))


def test_an_allele_made_afresh_replaces_the_tree_below_it():
    tree = over(1.0, std=FloatAllele(2.0))
    made = over(5.0, chance=FloatAllele(6.0))
    assert tree.update_tree(lambda node, at: made if at.is_hyperparameter else node) == made


def test_a_node_that_was_seen_flattened_is_whole_again_in_a_genome_or_in_metadata():
    tree = over(1.0, std=over(2.0, chance=over(3.0)))
    top = tree.walk_tree(unchanged)[-1]
    assert top.metadata["std"] == 2.0
    assert Genome({"lr": top}).alleles["lr"] == tree
    assert over(0.0, memory=top) == over(0.0, memory=tree)


def test_a_handler_cannot_change_a_child_from_the_node_that_reads_it():
    tree = over(1.0, std=FloatAllele(2.0))
    message = (
        "metadata['std'] is an allele: a handler can change it in the call for that allele, but "
        "not in the call for the node above it"
    )
    for change in (lambda n: n.with_metadata(std=3.0), lambda n: n.without_metadata("std")):
        with pytest.raises(AlleleError) as caught:
            tree.update_tree(lambda n, at, change=change: n if at.path else change(n))
        assert str(caught.value) == message


@pytest.mark.parametrize("answer", [None, 0.5])
def test_a_handler_that_returns_no_allele_is_refused(answer):
    with pytest.raises(TreeError) as caught:
        Genome({"lr": over(1.0)}).update(lambda node, at: answer)
    assert str(caught.value) == (
        f"the handler returned {answer}, which is not an allele; return the node that it "
        "received, changed or not, e.g. allele.with_value(...)"
    )
    assert caught.value.__notes__ == ["at gene 'lr'"]


# ---- Errors name both sides, and the place ----


def fail(*_):
    raise ZeroDivisionError("third party")


def test_an_error_in_a_handler_carries_the_gene_and_the_path():
    genome = Genome({"a": over(1.0), "lr": over(1.0, std=over(2.0, chance=over(3.0)))})
    for run in (genome.walk, genome.update):
        with pytest.raises(ZeroDivisionError) as caught:
            run(lambda node, at: fail() if at.path == ("std", "chance") else node)
        assert caught.value.__notes__ == ["at gene 'lr', path 'std/chance'"]
    with pytest.raises(ZeroDivisionError) as caught:
        over(1.0).walk_tree(fail)
    assert caught.value.__notes__ == ["at an allele"]


@pytest.mark.parametrize(
    ("roots", "message"),
    [
        (
            [FloatAllele(1.0), IntAllele(1)],
            "an allele: the trees differ: tree 0 holds FloatAllele, tree 1 holds IntAllele",
        ),
        (
            [FloatAllele(1.0), FloatAllele(2.0), LogFloatAllele(1.0)],
            "an allele: the trees differ: tree 0 holds FloatAllele, tree 2 holds LogFloatAllele",
        ),
        (
            [over(1.0, std=over(1.0)), over(1.0)],
            (
                "an allele: the trees differ: tree 0 has the alleles 'std' in metadata, tree 1 "
                "has no alleles in metadata"
            ),
        ),
        (
            [over(1.0, b=over(1.0), a=over(1.0)), over(1.0, a=over(1.0), c=over(1.0))],
            (
                "an allele: the trees differ: tree 0 has the alleles 'a', 'b' in metadata, tree 1 "
                "has the alleles 'a', 'c' in metadata"
            ),
        ),
        (
            [over(1.0, std=over(1.0)), over(1.0, std=BoolAllele(True))],
            (
                "an allele, path 'std': the trees differ: tree 0 holds FloatAllele, tree 1 holds "
                "BoolAllele"
            ),
        ),
        (
            [over(1.0, std=over(1.0, deep=over(1.0))), over(1.0, std=over(1.0, deep=2.0))],
            (
                "an allele, path 'std': the trees differ: tree 0 has the alleles 'deep' in "
                "metadata, tree 1 has no alleles in metadata"
            ),
        ),
    ],
)
def test_trees_that_differ_are_refused_with_both_sides(roots, message):
    for run in (
        lambda: walk_trees(roots, lambda nodes, at: None),
        lambda: synthesize_trees(roots[0], roots, lambda node, nodes, at: node),
    ):
        with pytest.raises(TreeError) as caught:
            run()
        assert str(caught.value) == message + SAME_EVERYWHERE


@pytest.mark.parametrize(
    ("template", "tree", "message"),
    [
        (
            IntAllele(1),
            FloatAllele(1.0),
            (
                "gene 'lr': the genomes differ: the template holds IntAllele, genome 0 holds "
                "FloatAllele"
            ),
        ),
        (
            over(1.0),
            over(1.0, std=over(1.0)),
            (
                "gene 'lr': the genomes differ: the template has no alleles in metadata, genome 0 "
                "has the alleles 'std' in metadata"
            ),
        ),
        (
            over(1.0, std=IntAllele(1)),
            over(1.0, std=over(1.0)),
            (
                "gene 'lr', path 'std': the genomes differ: the template holds IntAllele, genome 0 "
                "holds FloatAllele"
            ),
        ),
    ],
)
def test_a_template_that_differs_is_refused_with_both_sides(template, tree, message):
    with pytest.raises(TreeError) as caught:
        Genome({"lr": template}).synthesize([Genome({"lr": tree})], lambda node, nodes, at: node)
    assert str(caught.value) == message + SAME_EVERYWHERE


def test_plain_metadata_may_differ():
    roots = [over(1.0, note="a"), over(2.0, other=[1])]
    assert walk_trees(roots, lambda nodes, at: [dict(node.metadata) for node in nodes]) == [
        [{"note": "a"}, {"other": (1,)}]
    ]


def test_no_tree_is_refused():
    with pytest.raises(TreeError) as caught:
        walk_trees([], fail)
    assert str(caught.value) == "there is no tree to walk: give one allele or more"
    with pytest.raises(TreeError) as caught:
        synthesize_trees(over(1.0), [], fail)
    assert str(caught.value) == "there is no tree to combine: give one allele or more"


def test_the_nodes_of_nested_trees_are_a_sequence_like_any_other():
    roots = [over(float(i), std=over(-float(i))) for i in range(4)]

    def check(nodes, at):
        assert len(nodes) == 4
        assert [node.value for node in nodes[1:3]] == [nodes[1].value, nodes[2].value]
        assert nodes[-1] == nodes[3]
        assert nodes[2] in nodes
        with pytest.raises(IndexError):
            nodes[4]
        return nodes[3].metadata.get("std")

    assert walk_trees(roots, check) == [None, -3.0]
