import math
import subprocess
import sys
from itertools import count
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call

from clantune_neuro import Blueprint, Gene, Lineage, Nursery
from clantune_neuro.errors import EvaluationError, RangeError, StrengthError
from clantune_neuro.evaluation.batched import batched, usual_form
from clantune_neuro.evaluation.changes import Outer, Row, Whole
from clantune_neuro.evaluation.chunks import Halving, boundaries, in_chunks
from clantune_neuro.evaluation.genes import child_of
from clantune_neuro.evaluation.improvement import improvements
from clantune_neuro.evaluation.loop import loop, prepared, with_weights
from clantune_neuro.evaluation.shared_layers import RowHeads
from clantune_neuro.evaluation.shared_parent import shared_parent
from clantune_neuro.lineage.gene import FIRST_OPERATOR, strength_number
from clantune_neuro.memory import out_of_memory
from clantune_neuro.networks import ConvPolicy, Heads, LinearPolicy, Multi, PlasticHeads
from clantune_neuro.tasks import Memorise, Task, TaskContext, digits
from clantune_neuro.tasks.labelled import Labelled
from clantune_neuro.tasks.score import Score

CONTEXT = TaskContext()


class Sum(Task):
    def score(self, network, context):
        return Score(network(torch.ones(1, 3)).sum())


class Fails(Task):
    def score(self, network, context):
        raise KeyError("reward")


def parent_of(module):
    return {name: one.detach().clone() for name, one in module.named_parameters()}


def members_of(module, count):
    parent = parent_of(module)
    return [
        {name: one + 0.1 * torch.randn_like(one) for name, one in parent.items()}
        for _ in range(count)
    ]


def applied(parent, children):
    return [
        {name: child[name].applied(one) if name in child else one for name, one in parent.items()}
        for child in children
    ]


def bases(scores):
    return [score.base for score in scores]


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 5))


def test_the_loop_scores_each_member_with_its_own_weights():
    module = nn.Linear(3, 2, bias=False)
    before = module.weight.detach().clone()
    members = [{"weight": torch.full((2, 3), float(value))} for value in range(3)]
    assert bases(loop(module, members, Sum(), CONTEXT)) == [0.0, 6.0, 12.0]
    assert torch.equal(module.weight, before)


def test_weights_are_made_when_it_is_the_turn_of_their_member():
    events = []

    def member(value):
        def make():
            events.append(f"make {value}")
            return {"weight": torch.full((2, 3), float(value))}

        return make

    class Watch(Sum):
        def score(self, network, context):
            events.append("score")
            return super().score(network, context)

    module = nn.Linear(3, 2, bias=False)
    members = [member(value) for value in range(2)]
    assert bases(loop(module, members, Watch(), CONTEXT)) == [0.0, 6.0]
    assert events == ["make 0", "score", "make 1", "score"]


SMALL_MEMORY = """
import resource
from functools import partial

import torch
from torch import nn

from clantune_neuro.evaluation.batched import batched
from clantune_neuro.tasks import Memorise, TaskContext

def weights(number):
    return {"weight": torch.full((1000, 4000), number / 1e6)}

module = nn.Linear(4000, 1000, bias=False)
task = Memorise(points=8, batch=8, inputs=(4000,), classes=1000, loss="cross_entropy")
arguments = (module, [partial(weights, number) for number in range(20)], task, TaskContext())
expected = batched(*arguments, chunk=1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20,) * 2)
halvings = []
found = batched(*arguments, chunk=20, report=halvings.append)
print(found == expected, *halvings, sep="\\n")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is that of Linux")
def test_a_population_larger_than_memory_is_evaluated_in_smaller_chunks():
    ended = subprocess.run(
        [sys.executable, "-c", SMALL_MEMORY], capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    equal, *halvings = ended.stdout.splitlines()
    assert equal == "True"
    assert halvings[0] == (
        "20 members from member 0 on did not fit into memory; chunks have 10 from there on"
    )


def test_members_of_one_pass_need_tensors_of_the_same_names():
    module = nn.Linear(3, 2)
    members = [members_of(module, 1)[0], {"weight": torch.zeros(2, 3)}]
    with pytest.raises(EvaluationError) as error:
        batched(module, members, Memorise(inputs=(3,)), CONTEXT)
    assert str(error.value) == (
        "members of one pass need tensors of the same names; one has weight, bias "
        "and one has weight"
    )


def test_a_task_that_raises_names_the_member_in_a_note():
    module = nn.Linear(3, 2)
    with pytest.raises(KeyError) as error:
        loop(module, members_of(module, 1), Fails(), CONTEXT)
    assert error.value.__notes__ == ["while Fails scored member 0"]


def test_parameters_that_are_not_named_keep_the_values_of_the_module():
    module = nn.Linear(3, 2)
    network = with_weights(module, {"weight": torch.zeros(2, 3)})
    assert torch.equal(network(torch.ones(1, 3))[0], module.bias)


def test_weights_of_an_unknown_name_are_refused():
    module = nn.Linear(3, 2)
    for form in (loop, batched):
        with pytest.raises(EvaluationError) as error:
            form(module, [{"wieght": torch.zeros(2, 3)}], Memorise(inputs=(3,)), CONTEXT)
        assert str(error.value) == "Linear has no tensor 'wieght'; it has bias, weight"


def test_a_prepared_module_drops_nothing_out_and_is_a_copy():
    module = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    copy = prepared(module)
    assert not copy.training
    assert module.training
    assert not any(one.requires_grad for one in copy.parameters())
    assert copy[0].weight is not module[0].weight


@pytest.mark.parametrize("chunk", [3, 32])
@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (perceptron, (6,)),
        (lambda: LinearPolicy(20, hidden=9, classes=5, bias=True), (4, 5)),
        (lambda: Heads(32, features=8, classes=5), (8,)),
        (lambda: PlasticHeads(32, features=8, classes=5), (8,)),
        (lambda: Heads(32, features=8, classes=5, inputs=20), (4, 5)),
        (lambda: Multi([LinearPolicy(6, hidden=4, classes=5) for _ in range(3)]), (6,)),
    ],
)
@pytest.mark.parametrize("loss", ["till_death", "wrong", "cross_entropy"])
def test_one_pass_for_many_members_gives_the_scores_of_the_loop(build, inputs, loss, chunk):
    module = build()
    task = Memorise(points=32, inputs=inputs, classes=5, loss=loss)
    members = members_of(module, 7)
    one_by_one = loop(module, members, task, CONTEXT)
    together = batched(module, iter(members), task, CONTEXT, chunk=chunk)
    assert bases(together) == pytest.approx(bases(one_by_one), abs=1e-5)
    assert [score.trace for score in together] == [score.trace for score in one_by_one]
    assert (one_by_one[0].trace is not None) == isinstance(module, Heads)


def test_a_task_without_points_cannot_be_evaluated_in_one_pass():
    module = nn.Linear(3, 2)
    for form, call in (
        ("vmap", lambda: batched(module, members_of(module, 2), Sum(), CONTEXT)),
        ("shared", lambda: shared_parent(module, parent_of(module), [], Sum(), CONTEXT)),
    ):
        with pytest.raises(EvaluationError) as error:
            call()
        assert str(error.value) == (
            f"Sum cannot be evaluated in the form {form!r}, because it does not say which points "
            "its networks answer; take the form 'loop', or derive it from PointsTask"
        )


def test_convolutions_are_evaluated_one_by_one_on_a_cpu():
    cpu, device = torch.device("cpu"), torch.device("cuda")
    conv, task = ConvPolicy((3, 40, 40), classes=2), Memorise()
    assert usual_form(conv, task, cpu) == "loop"
    assert usual_form(conv, task, device) == "vmap"
    assert usual_form(perceptron(), task, cpu) == "vmap"
    assert usual_form(perceptron(), Sum(), cpu) == "loop"


def test_convolutions_in_one_pass_give_the_scores_of_the_loop():
    module = ConvPolicy((1, 12, 12), classes=3, channels=(4, 4), kernels=(4, 3), strides=(2, 1))
    task = Memorise(points=8, batch=8, inputs=(1, 12, 12), classes=3, loss="cross_entropy")
    members = members_of(module, 5)
    expected = bases(loop(module, members, task, CONTEXT))
    assert bases(batched(module, members, task, CONTEXT)) == pytest.approx(expected, abs=1e-5)


def outer_for(tensor):
    return Outer(torch.randn(len(tensor)), 0.1 * torch.randn(tensor[0].numel()))


def child_of_outer_products(parent):
    return {
        name: outer_for(one) if one.dim() > 1 else Whole(one + torch.randn_like(one))
        for name, one in parent.items()
    }


@pytest.mark.parametrize("chunk", [4, 64])
@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (perceptron, (6,)),
        (lambda: nn.Linear(6, 5, bias=False), (6,)),
        (lambda: LinearPolicy(20, hidden=9, classes=5), (4, 5)),
        (lambda: Multi([LinearPolicy(6, hidden=4, classes=5) for _ in range(3)]), (6,)),
        (
            lambda: ConvPolicy((1, 6, 6), classes=5, channels=[2], kernels=[3], strides=[1]),
            (1, 6, 6),
        ),
    ],
)
def test_children_of_outer_products_share_their_parent(build, inputs, chunk):
    module = build()
    task = Memorise(points=16, batch=16, inputs=inputs, classes=5, loss="cross_entropy")
    parent = parent_of(module)
    children = [child_of_outer_products(parent) for _ in range(7)]
    expected = bases(loop(module, applied(parent, children), task, CONTEXT))
    found = shared_parent(module, parent, iter(children), task, CONTEXT, chunk=chunk)
    assert bases(found) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("build", [perceptron, lambda: LinearPolicy(6, classes=5, bias=True)])
def test_children_of_one_tensor_share_their_parent(build):
    module = build()
    task = Memorise(points=16, batch=16, inputs=(6,), classes=5, loss="cross_entropy")
    parent = parent_of(module)
    children = [{name: Whole(torch.randn_like(one))} for name, one in parent.items()]
    expected = bases(loop(module, applied(parent, children), task, CONTEXT))
    found = shared_parent(module, parent, children, task, CONTEXT)
    assert bases(found) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 12))
def test_children_of_one_row_of_a_bank_share_their_parent(seed, rows):
    torch.manual_seed(seed)
    rng = Random(seed)
    module = Heads(rows, features=4, classes=5)
    task = Memorise(points=32, inputs=(4,), classes=5, loss="wrong", seed=seed)
    parent = parent_of(module)

    def row(name, index):
        return Row(index, torch.randn(parent[name].shape[1]))

    children = []
    for _ in range(12):
        one, two = rng.randrange(rows), rng.randrange(rows)
        copied = Row(one, parent["features"][two] + 0.05 * torch.randn(4))
        children.append(
            rng.choice(
                [
                    {"features": row("features", one), "logits": row("logits", one)},
                    {"features": row("features", one), "logits": row("logits", two)},
                    {"features": copied},
                    {"logits": row("logits", one)},
                    {"features": row("features", one), "logits": Whole(parent["logits"] * 2)},
                    {},
                ]
            )
        )
    assert shared_parent(module, parent, children, task, CONTEXT) == loop(
        module, applied(parent, children), task, CONTEXT
    )


def test_of_equal_dot_products_the_row_with_the_lower_number_answers():
    module = Heads(4, features=2, classes=2)
    with torch.no_grad():
        module.features.copy_(torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [2.0, 0.0]]))
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [3.0, 2.0], [-1.0, -1.0]])
    layer = RowHeads(module)
    for index, values in ((0, [2.0, 0.0]), (3, [0.0, 3.0]), (2, [2.0, 0.0]), (1, [1.0, 0.0])):
        child = {"features": Row(index, torch.tensor(values)).applied(module.features)}
        changes = {
            "features_index": torch.tensor(index),
            "features_row": torch.tensor(values),
        }
        found = functional_call(layer, changes, (x,)).rows
        assert torch.equal(found, functional_call(module, child, (x,)).rows)


def test_a_bank_inside_a_module_shares_its_parent():
    module = nn.Sequential(nn.Linear(6, 8), Heads(16, features=8, classes=5))
    task = Memorise(points=32, inputs=(6,), classes=5)
    parent = parent_of(module)
    children = [
        {
            "0.weight": outer_for(parent["0.weight"]),
            "1.features": Row(3, torch.randn(8)),
            "1.logits": Row(3, torch.randn(5)),
        }
        for _ in range(5)
    ]
    assert shared_parent(module, parent, children, task, CONTEXT) == loop(
        module, applied(parent, children), task, CONTEXT
    )


def test_a_plastic_bank_is_not_taken_for_one_whose_most_similar_row_answers():
    module = PlasticHeads(16, features=8, classes=5)
    task = Memorise(points=32, inputs=(8,), classes=5)
    parent = parent_of(module)
    children = [{"features": Row(row, torch.randn(8))} for row in range(5)]
    assert shared_parent(module, parent, children, task, CONTEXT) == loop(
        module, applied(parent, children), task, CONTEXT
    )


def test_a_tied_weight_changes_wherever_it_is_used():
    first = nn.Linear(6, 6, bias=False)
    last = nn.Linear(6, 6, bias=False)
    last.weight = first.weight
    module = nn.Sequential(first, nn.ReLU(), last)
    task = Memorise(points=16, batch=16, inputs=(6,), classes=6, loss="cross_entropy")
    parent = parent_of(module)
    assert list(parent) == ["0.weight"]
    children = [{"0.weight": outer_for(parent["0.weight"])} for _ in range(3)]
    expected = bases(loop(module, applied(parent, children), task, CONTEXT))
    found = shared_parent(module, parent, children, task, CONTEXT)
    assert bases(found) == pytest.approx(expected, abs=1e-5)


def test_a_module_that_reads_a_weight_past_its_layer_does_not_miss_the_change():
    class Past(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 5)

        def forward(self, x):
            return x @ self.layer.weight.T

    module = Past()
    children = [{"layer.weight": outer_for(module.layer.weight)}]
    with pytest.raises(AttributeError, match="'OuterLinear' object has no attribute 'weight'"):
        shared_parent(module, parent_of(module), children, Memorise(inputs=(6,)), CONTEXT)


def test_a_change_of_an_unknown_tensor_is_named():
    module = nn.Linear(6, 5)
    children = [{"wieght": Whole(torch.zeros(5, 6))}]
    with pytest.raises(EvaluationError) as error:
        shared_parent(module, parent_of(module), children, Memorise(inputs=(6,)), CONTEXT)
    assert str(error.value) == "a child changes 'wieght', and its parent has only weight, bias"


def test_children_of_one_parent_learn_the_digits():
    task = Labelled(digits())
    module = LinearPolicy(64, hidden=32, classes=10)
    parent = parent_of(module)
    first = best = loop(module, [parent], task, CONTEXT)[0].base
    for _ in range(6):
        children = [
            {
                name: Outer(torch.randn(len(one)), 0.02 * torch.randn(one.shape[1]))
                for name, one in parent.items()
            }
            for _ in range(32)
        ]
        scores = bases(shared_parent(module, parent, children, task, CONTEXT))
        winner = max(range(32), key=scores.__getitem__)
        if scores[winner] > best:
            best, parent = scores[winner], applied(parent, [children[winner]])[0]
    assert best > first + 0.05
    assert loop(module, [parent], task, CONTEXT)[0].base == pytest.approx(best, abs=1e-4)


def chain(blueprint, names):
    lineage = Lineage.born(1)
    for seed, name in enumerate(names):
        number = blueprint.operator_names.index(name) + FIRST_OPERATOR
        lineage = lineage.append(Gene(number, 0, strength_number(0.1), 1000 + seed))
    return lineage


@pytest.mark.parametrize("operator", ["rank-1", "tensor", "one", "normal"])
def test_the_last_gene_says_how_a_child_differs(operator):
    module = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 5))
    blueprint = Blueprint.of(module)
    nursery = Nursery(blueprint)
    parent = chain(blueprint, ["normal", "rank-1"])
    child = chain(blueprint, ["normal", "rank-1", operator])
    changes = child_of(nursery, parent, child)
    if operator in ("tensor", "one"):
        assert len(changes) == 1
    weights = applied(nursery.weights(parent), [changes])[0]
    for name, expected in nursery.weights(child).items():
        assert torch.allclose(weights[name], expected, rtol=0, atol=2**-22)
        if operator != "rank-1":
            assert torch.equal(weights[name], expected)
    assert (operator == "rank-1") == isinstance(changes.get("0.weight"), Outer)


@pytest.mark.parametrize("operator", ["fresh", "label", "nudge", "duplicate", "remove"])
def test_a_gene_of_a_bank_changes_one_row(operator):
    module = Heads(16, features=8, classes=5)
    blueprint = Blueprint.of(module)
    nursery = Nursery(blueprint)
    parent, child = chain(blueprint, ["fresh"]), chain(blueprint, ["fresh", operator])
    changes = child_of(nursery, parent, child)
    assert {type(change) for change in changes.values()} == {Row}
    task = Memorise(points=32, inputs=(8,), classes=5)
    expected = loop(module, [nursery.weights(child)], task, CONTEXT)
    assert shared_parent(module, nursery.weights(parent), [changes], task, CONTEXT) == expected


@pytest.mark.parametrize("module", [nn.Linear(6, 5, bias=False), nn.LayerNorm(6)])
def test_children_of_large_outer_products_are_refused_where_replay_refuses_them(module):
    blueprint = Blueprint.of(module)
    nursery = Nursery(blueprint)
    number, strength = blueprint.number_of("rank-1"), strength_number(10.0)
    genes = (Gene(number, strength=strength, seed=seed) for seed in count())
    parent, kinds = Lineage.born(1), set()
    while refusal(nursery.state, child := parent.append(next(genes))) is None:
        changes = child_of(nursery, parent, child)
        for name, before in nursery.weights(parent).items():
            assert torch.allclose(changes[name].applied(before), nursery.weights(child)[name])
            kinds.add(type(changes[name]))
        parent = child
    assert refusal(child_of, nursery, parent, child) == refusal(nursery.state, child)
    assert "reaches" in refusal(nursery.state, child)
    assert Whole in kinds  # near the end of the range, also for a matrix


def test_a_strength_that_a_matrix_cannot_represent_is_refused_as_by_replay():
    blueprint = Blueprint.of(nn.Linear(6, 5, bias=False))
    nursery = Nursery(blueprint)
    parent = Lineage.born(1)
    child = parent.append(Gene(blueprint.number_of("rank-1"), strength=strength_number(16.0)))
    assert refusal(child_of, nursery, parent, child) == refusal(nursery.state, child)
    assert "the strength 16 is not usable" in refusal(nursery.state, child)


def refusal(function, *arguments):
    """Return the message of the error that a function raises, or None."""
    try:
        function(*arguments)
    except (RangeError, StrengthError) as error:
        return str(error)
    return None


def test_a_lineage_that_is_not_a_child_is_refused():
    blueprint = Blueprint.of(nn.Linear(6, 5))
    nursery = Nursery(blueprint)
    parent = chain(blueprint, ["normal", "one"])
    assert child_of(nursery, parent, parent) == {}
    for other, genes, common in ((["normal", "normal", "one"], 4, 2), (["normal"], 2, 2)):
        with pytest.raises(EvaluationError) as error:
            child_of(nursery, parent, chain(blueprint, other))
        assert str(error.value) == (
            "a child's lineage is its parent's with one more gene: the parent has 3 genes, the "
            f"child has {genes}, and they agree in the first {common}"
        )


def test_an_improvement_is_what_a_child_scores_above_its_parent_on_the_same_minibatch():
    task = Labelled(digits(), batch=50)
    module = LinearPolicy(64, hidden=8, classes=10)
    parents = members_of(module, 2)
    children = [parents[1], members_of(module, 1)[0], parents[0]]
    context = TaskContext(generation=4)
    of_parents = loop(module, parents, task, context)
    of_children = loop(module, children, task, context)
    found = improvements(of_children, of_parents, [1, 0, 0])
    assert bases(found) == [0.0, of_children[1].base - of_parents[0].base, 0.0]
    assert not found[0].dead


def test_the_improvement_over_a_dead_parent_is_dead():
    assert improvements([Score(1.0, 2.0)], [Score(math.nan)], [0])[0].dead


def test_boundaries_depend_on_the_population_alone():
    assert boundaries(7, 3) == [range(3), range(3, 6), range(6, 7)]
    assert boundaries(0, 3) == []
    with pytest.raises(EvaluationError) as error:
        boundaries(7, 0)
    assert str(error.value) == "a chunk of 0 members is empty; take 1 or more"


@given(count=st.integers(0, 40), size=st.integers(1, 12))
def test_members_are_taken_one_chunk_at_a_time(count, size):
    taken = []
    seen = []

    def members():
        for number in range(count):
            taken.append(number)
            yield number

    def evaluate(chunk):
        seen.append(range(chunk[0], chunk[-1] + 1))
        assert len(taken) == chunk[-1] + 1
        return [2 * number for number in chunk]

    assert in_chunks(members(), size, evaluate) == [2 * number for number in range(count)]
    assert seen == boundaries(count, size)


def larger_than(limit, sizes):
    """Return an evaluation that runs out of real memory for chunks of more than `limit` members."""

    def evaluate(chunk):
        sizes.append(len(chunk))
        if len(chunk) > limit:
            torch.empty(1 << 60)
        return [-number for number in chunk]

    return evaluate


@given(count=st.integers(1, 30), size=st.integers(1, 16), limit=st.integers(1, 16))
def test_a_chunk_that_does_not_fit_is_halved_and_reported(count, size, limit):
    reports, sizes = [], []
    found = in_chunks(range(count), size, larger_than(limit, sizes), reports.append)
    assert found == [-number for number in range(count)]
    assert len(reports) == sum(chunk > limit for chunk in sizes)
    assert all(one.after == one.before // 2 for one in reports)
    assert [one.before for one in reports] == [chunk for chunk in sizes if chunk > limit]


def test_a_halving_says_where_it_happened():
    reports = []
    in_chunks(range(10), 8, larger_than(3, []), reports.append)
    assert reports == [Halving(0, 8, 4), Halving(0, 4, 2)]
    assert str(reports[1]) == (
        "4 members from member 0 on did not fit into memory; chunks have 2 from there on"
    )


def test_a_member_that_does_not_fit_by_itself_is_named():
    with pytest.raises(EvaluationError) as error:
        in_chunks(range(4), 2, larger_than(0, []))
    assert str(error.value) == (
        "member 0 does not fit into memory by itself; take a smaller network, fewer points per "
        "generation, or a machine with more memory"
    )


def test_other_errors_of_torch_are_not_taken_for_a_lack_of_memory():
    def evaluate(chunk):
        return torch.zeros(2) @ torch.zeros(3)

    with pytest.raises(RuntimeError, match="inconsistent tensor size"):
        in_chunks(range(4), 2, evaluate)
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert out_of_memory(MemoryError())
