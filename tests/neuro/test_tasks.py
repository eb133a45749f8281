import gzip
import hashlib
import math
import struct
import sys
from itertools import chain
from random import Random

import numpy as np
import pytest
import torch
from torch.nn import functional

from clantune_neuro.errors import EvaluationError, NeuroError, TaskError
from clantune_neuro.extras import extra
from clantune_neuro.networks import Answer, Heads
from clantune_neuro.tasks import (
    INTRINSICS,
    LOSSES,
    Dataset,
    Labelled,
    Memorise,
    Points,
    Task,
    TaskContext,
    digits,
    gym,
    read_idx_folder,
)
from clantune_neuro.tasks.intrinsic import with_intrinsic
from clantune_neuro.tasks.score import Score
from clantune_neuro.tasks.trace import RowTrace


def answers_of(labels, classes=10, rows=None):
    return Answer(functional.one_hot(torch.tensor(labels), classes).float(), rows)


def network_that_says(labels, classes=10, rows=None):
    answer = answers_of(labels, classes, None if rows is None else torch.tensor(rows))
    return lambda x: answer if rows is not None else answer.logits


class Parity(Task):
    def score(self, network, context):
        return Score(base=network(torch.ones(1)), intrinsic=context.generation)


class Number(Task):
    def score(self, network, context):
        return 0.5


def test_a_task_of_ones_own_is_called_with_a_network_and_a_context():
    assert Parity()(lambda x: 2 * x, TaskContext(generation=3)) == Score(2.0, 3.0)
    assert Parity()(lambda x: 2 * x) == Score(2.0, 0.0)
    assert Parity().perfect is None
    assert not Parity().noisy


def test_a_task_that_returns_a_number_is_told_what_to_return():
    with pytest.raises(TaskError) as error:
        Number()(lambda x: x)
    assert str(error.value) == (
        "Number.score returned float; return clantune_neuro.Score(base=...), higher is better"
    )


def test_a_score_of_nan_is_dead_and_a_score_of_zero_is_a_score():
    assert Score(math.nan).dead
    assert Score(0.0, math.nan).dead
    assert not Score(0.0).dead
    scores = [Score(0.0), Score(math.nan), Score(-math.inf), Score(0.0, 1.0)]
    assert sorted(scores, key=lambda score: score.order)[-2:] == [scores[0], scores[3]]


def test_the_data_to_memorise_are_the_same_on_every_machine():
    points = Memorise(points=64, batch=32, inputs=(2, 5)).points(TaskContext())
    digest = hashlib.sha256(points.x.numpy().astype("<f4").tobytes())
    digest.update(points.y.numpy().astype("<i8").tobytes())
    assert points.x.shape == (64, 2, 5)
    assert digest.hexdigest() == (
        "6bff5fce81a6559c27fda4aff7654991822a56f37aa2380cd5b409dbaa930d58"
    )


def test_more_points_begin_with_the_same_points():
    few = Memorise(points=32).points(TaskContext())
    many = Memorise(points=96).points(TaskContext(generation=5))
    assert torch.equal(few.x, many.x[:32])
    assert torch.equal(few.y, many.y[:32])


def test_another_seed_gives_other_data():
    one, two = (Memorise(seed=seed).points(TaskContext()) for seed in (0, 1))
    assert not torch.equal(one.x, two.x)
    assert not torch.equal(one.y, two.y)


@pytest.mark.parametrize("name", LOSSES)
def test_a_network_that_gives_every_label_has_the_perfect_score(name):
    task = Memorise(points=64, loss=name)
    labels = task.points(TaskContext()).y.tolist()
    score = task(network_that_says(labels))
    assert task.perfect is None or score.base == task.perfect
    assert score.trace is None


def test_the_losses_count_what_their_names_say():
    labels = torch.tensor([0, 1, 2, 3])
    said = torch.stack([answers_of([0, 1, 0, 3]).logits, answers_of([1, 1, 2, 3]).logits])
    bases = {
        name: [score.base for score in loss.scores(Answer(said), labels, batches=2)]
        for name, loss in LOSSES.items()
    }
    assert bases["till_death"] == [2.0, 0.0]
    assert bases["wrong"] == [-0.5, -0.5]
    assert bases["accuracy"] == [0.75, 0.75]
    expected = [-functional.cross_entropy(logits, labels).item() for logits in said]
    assert bases["cross_entropy"] == pytest.approx(expected, abs=1e-6)


def test_wrong_answers_are_counted_per_batch():
    task = Memorise(points=64, batch=32, loss="wrong")
    labels = task.points(TaskContext()).y
    assert task(network_that_says(((labels + 1) % 10).tolist())).base == -32.0


@pytest.mark.parametrize("name", LOSSES)
def test_a_network_whose_logits_are_nan_is_dead(name):
    task = Memorise(points=32, loss=name)
    score = task(lambda x: torch.full((32, 10), math.nan))
    assert score.dead


def test_till_death_blames_the_row_of_the_first_wrong_answer():
    labels = Memorise(points=32).points(TaskContext()).y.tolist()
    said = list(labels)
    said[2] = (said[2] + 1) % 10
    said[20] = (said[20] + 1) % 10
    rows = [7, 3, 9, 9, *[5] * 28]
    score = Memorise(points=32)(network_that_says(said, rows=rows))
    assert score == Score(2.0, 0.0, RowTrace(blamed=(9,), used=(3, 7)))
    assert score.trace.draw_blamed(Random(0)) == 9
    assert score.trace.unused(10) == (0, 1, 2, 4, 5, 6, 8, 9)


def test_a_loss_over_all_points_blames_any_wrong_answer_at_random_by_the_seed():
    labels = Memorise(points=32).points(TaskContext()).y.tolist()
    said = list(labels)
    for point in (2, 20):
        said[point] = (said[point] + 1) % 10
    rows = list(range(32))
    trace = Memorise(points=32, loss="wrong")(network_that_says(said, rows=rows)).trace
    assert trace.blamed == (2, 20)
    assert trace.used == tuple(row for row in range(32) if row not in (2, 20))
    drawn = [trace.draw_blamed(Random(seed)) for seed in range(20)]
    assert set(drawn) == {2, 20}
    assert drawn == [trace.draw_blamed(Random(seed)) for seed in range(20)]


def test_a_network_without_a_wrong_answer_has_no_row_to_blame():
    labels = Memorise(points=32).points(TaskContext()).y.tolist()
    trace = Memorise(points=32)(network_that_says(labels, rows=[0] * 32)).trace
    assert trace == RowTrace(blamed=(), used=(0,))
    assert trace.draw_blamed(Random(0)) is None


def test_a_bank_scored_by_a_task_has_a_trace():
    torch.manual_seed(0)
    bank = Heads(128, features=128, classes=10)
    task = Memorise(points=64)
    points = task.points(TaskContext())
    score = task(bank)
    answer = bank(points.x)
    wrong = int((answer.logits.argmax(1) != points.y).int().argmax())
    assert score.base == wrong
    assert score.trace == RowTrace([answer.rows[wrong]], sorted({*answer.rows[:wrong].tolist()}))


def test_an_intrinsic_score_counts_rows_and_similarities():
    answers = Answer(
        torch.zeros(2, 4, 3), torch.tensor([[5, 1, 5, 5], [0, 1, 2, 3]]), torch.full((2, 4), 0.5)
    )
    scores = [Score(1.0), Score(2.0)]
    found = {
        name: [score.intrinsic for score in with_intrinsic(scores, name, answers)]
        for name in INTRINSICS
    }
    assert found == {"rows": [-2, -4], "similarity": [2, 2], "notes": [-198, -398]}


def test_an_intrinsic_score_decides_between_members_of_equal_base():
    task = Memorise(points=32, intrinsic="rows")
    torch.manual_seed(0)
    score = task(Heads(128, features=128, classes=10))
    assert -32 <= score.intrinsic < 0
    assert task(Heads(1, features=128, classes=10)).intrinsic == -1


def test_an_intrinsic_score_of_a_network_without_a_bank_is_refused():
    with pytest.raises(TaskError) as error:
        Memorise(points=32, intrinsic="rows")(lambda x: torch.zeros(32, 10))
    assert str(error.value) == (
        "the intrinsic score 'rows' needs a network with a bank of rows, such as Heads; "
        "pass intrinsic=None"
    )


def test_a_trace_is_plain_data_and_comes_back():
    trace = RowTrace(blamed=(4, 4), used=(1, 2))
    assert trace.to_plain() == {"blamed": [4, 4], "used": [1, 2]}
    assert RowTrace.from_plain(trace.to_plain()) == trace
    with pytest.raises(EvaluationError) as error:
        RowTrace.from_plain({"blamed": [1], "used": [True]})
    assert str(error.value) == "a trace needs a list of row numbers under 'used', not [True]"


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Memorise(points=0), "Memorise: points is 0; it must be at least 1"),
        (
            lambda: Memorise(points=40),
            (
                "Memorise: 40 points are not a whole number of batches of 32; "
                "change points, or pass batch=40"
            ),
        ),
        (
            lambda: Memorise(loss="tilldeath"),
            (
                "there is no loss 'tilldeath'; the losses are cross_entropy, accuracy, wrong, "
                "till_death; did you mean 'till_death'?"
            ),
        ),
        (
            lambda: Memorise(intrinsic="row"),
            "there is no intrinsic score 'row'; they are rows, similarity, notes, or None",
        ),
        (
            lambda: Labelled(digits(), batch=1348),
            "Labelled: batch is 1348; it must be from 1 to 1347, or None for all",
        ),
        (lambda: digits(held_out=0), "digits: held_out is 0; it must be from 1 to 1796"),
    ],
)
def test_a_task_that_cannot_be_built_says_why(build, message):
    with pytest.raises(TaskError) as error:
        build()
    assert str(error.value) == message


def test_the_digits_are_split_by_their_seed():
    one, two = digits(), digits(seed=1)
    assert (len(one.train.y), len(one.held_out.y)) == (1347, 450)
    assert torch.equal(one.train.x, digits().train.x)
    assert not torch.equal(one.train.x, two.train.x)
    assert float(one.train.x.min()) == pytest.approx(-0.3)
    assert float(one.train.x.max()) == pytest.approx(0.7)


def test_without_minibatches_every_generation_answers_all_points():
    task = Labelled(digits())
    assert not task.noisy
    assert task.points(TaskContext(9)) is task.dataset.train
    assert task.held_out().points(TaskContext()) is task.dataset.held_out


def test_minibatches_pass_through_every_point_before_one_repeats():
    points = Points(torch.arange(10.0)[:, None], torch.arange(10))
    task = Labelled(Dataset(points, points), batch=3)
    batches = [task.points(TaskContext(generation)).y.tolist() for generation in range(6)]
    first, second = (list(chain(*batches[at : at + 3])) for at in (0, 3))
    assert len(set(first)) == len(set(second)) == 9
    assert first != second
    assert task.noisy
    assert batches == [task.points(TaskContext(generation)).y.tolist() for generation in range(6)]


def idx(values):
    head = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    images = np.arange(5 * 3 * 2).reshape(5, 3, 2)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(5)))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:2])))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(2))))
    return tmp_path


def test_the_files_of_a_folder_are_read_plain_or_compressed(folder):
    data = read_idx_folder(folder)
    assert data.train.x.shape == (5, 3, 2)
    assert data.train.y.tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(data.held_out.x, data.train.x[:2])
    assert float(data.train.x[0, 0, 1]) == pytest.approx(1 / 255 - 0.3)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("train-images-idx3-ubyte", lambda d: b"", "is not an IDX file: it begins with nothing"),
        (
            "train-images-idx3-ubyte",
            lambda d: b"GIF8",
            "is not an IDX file: it begins with 47494638",
        ),
        (
            "train-images-idx3-ubyte",
            lambda d: d[:2] + b"\x0d" + d[3:],
            "holds values of the type 0x0d; only unsigned bytes are read",
        ),
        (
            "train-images-idx3-ubyte",
            lambda d: d[:9],
            "is cut short: its header ends after 9 bytes",
        ),
        (
            "train-images-idx3-ubyte",
            lambda d: d[:-1],
            "is damaged: its header says 30 values, and it holds 29",
        ),
        (
            "train-labels-idx1-ubyte",
            lambda d: d + b"0",
            "is damaged: its header says 5 values, and it holds more",
        ),
        (
            "train-labels-idx1-ubyte",
            lambda d: d[:4] + b"\xff" * 4 + d[8:],
            "is damaged: its header says 4294967295 values, and it holds 5",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            lambda d: d[:-9],
            "cannot be read: Compressed file ended before the end-of-stream marker was reached",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            lambda d: b"plain",
            "cannot be read: Not a gzipped file (b'pl')",
        ),
    ],
)
def test_a_damaged_file_is_named(folder, name, damage, message):
    path = folder / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(TaskError) as error:
        read_idx_folder(folder)
    assert str(error.value) == f"{path} {message}"


def test_a_missing_file_is_named(folder):
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(TaskError) as error:
        read_idx_folder(folder)
    assert str(error.value) == (
        f"{folder} holds no file train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz"
    )


def test_images_and_labels_that_differ_in_number_are_named(folder):
    labels = folder / "train-labels-idx1-ubyte"
    labels.write_bytes(idx(np.arange(4)))
    with pytest.raises(TaskError) as error:
        read_idx_folder(folder)
    assert str(error.value) == (
        f"{folder / 'train-images-idx3-ubyte'} has the shape (5, 3, 2) and {labels} the shape "
        "(4,); images need (count, height, width) and labels the same count"
    )


def test_an_environment_without_gymnasium_names_the_extra(monkeypatch):
    gym._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(NeuroError) as error:
        gym.Gym()(lambda x: x)
    assert str(error.value) == 'gymnasium is not installed: pip install "clantune-neuro[gym]"'


def test_a_package_that_is_not_installed_is_named_with_its_extra():
    with pytest.raises(NeuroError) as error:
        extra("no_such_package.part", package="no-such-package", name="digits")
    assert str(error.value) == (
        'no-such-package is not installed: pip install "clantune-neuro[digits]"'
    )
