"""What a run refuses before anything is written, and what a closed run refuses."""

from pathlib import Path

import pytest
from evolving import Near, network, rules, run

from clantune_neuro import NeuroError
from clantune_neuro.run.evolve import Evolve


def function(x):
    """Return a point as it is."""
    return x


def refusal(make):
    with pytest.raises(NeuroError) as info:
        make()
    return str(info.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chunk": 0}, "chunk is 0; pass an integer of 1 or more"),
        ({"chunk": 2.5}, "chunk is 2.5; pass an integer of 1 or more"),
        ({"threads": 0}, "threads is 0; pass an integer of 1 or more"),
        ({"threads": "2"}, "threads is '2'; pass an integer of 1 or more"),
        ({"population": "8"}, "population is '8'; pass an integer of 1 or more"),
        ({"population": -1}, "population is -1; pass an integer of 1 or more"),
        ({"population": True}, "population is True; pass an integer of 1 or more"),
        (
            {"strategies": None, "recipe": "asexual", "population": -1},
            "population is -1; pass an integer of 1 or more",
        ),
        ({"seed": 1.5}, "seed is 1.5; pass an integer"),
        ({"strength": "a"}, "strength is 'a'; pass a number from 2^-20 to 4"),
        ({"compact_after": -1}, "compact_after is -1; pass None or an integer of 0 or more"),
        ({"compact_after": "4"}, "compact_after is '4'; pass None or an integer of 0 or more"),
        (
            {"task": Near},
            "task is the class Near; pass an object whose class derives from clantune_neuro.Task",
        ),
    ],
)
def test_an_argument_that_cannot_be_used_is_named_before_anything_is_written(
    arguments, message, tmp_path
):
    out = tmp_path / "a"
    assert refusal(lambda: run(out=out, **arguments)) == message
    assert not out.exists()


@pytest.mark.parametrize("device", ["foo", "cuda:99", "meta", None])
def test_a_device_that_torch_cannot_use_is_named(device, tmp_path):
    message = refusal(lambda: run(out=tmp_path / "a", device=device))
    assert message.startswith(f"device is {device!r}: ")
    assert message.endswith('; pass "cpu", or "cuda" where torch can use a GPU')
    assert "\n" not in message
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [(function, f"{function!r:.60}"), (type(network()), "the class Linear")],
    ids=["function", "class"],
)
def test_a_network_that_is_not_a_module_is_named(given, shown):
    message = f"network is {shown}; pass a torch.nn.Module"
    assert refusal(lambda: Evolve(given, Near(), rules())) == message


def test_a_directory_that_is_not_a_path_is_named():
    assert refusal(lambda: run(out=3)) == (
        "out is 3; pass the path of a directory, or None for no files"
    )


def test_a_run_is_resumed_with_a_task_and_a_device_that_can_be_used(tmp_path):
    out = tmp_path / "a"
    run(out=out).close()
    files = sorted(Path(out).iterdir())
    assert refusal(lambda: Evolve.resume(out, network(), Near)).startswith("task is the class Near")
    assert refusal(lambda: Evolve.resume(out, function, Near())).startswith("network is <function")
    resume = lambda: Evolve.resume(out, network(), Near(), device="foo")  # noqa: E731
    assert refusal(resume).startswith("device is 'foo': ")
    assert sorted(Path(out).iterdir()) == files


def test_the_number_of_generations_is_an_integer():
    assert refusal(lambda: run().until(None)) == (
        "generations is None; pass an integer of 0 or more"
    )


def test_a_closed_run_does_not_go_on(tmp_path):
    made = run(out=tmp_path / "a")
    made.until(2)
    before = made.best.score
    made.close()
    made.close()
    assert made.until(2).score == before
    written = (tmp_path / "a/history.jsonl").read_bytes()
    for go_on in (made.step, lambda: made.until(3)):
        assert refusal(go_on) == (
            f"this run is closed; go on with Evolve.resume({str(tmp_path / 'a')!r}, network, task)"
        )
    assert (made.generation, (tmp_path / "a/history.jsonl").read_bytes()) == (2, written)
    with Evolve.resume(tmp_path / "a", network(), Near()) as again:
        assert again.step().number == 3


def test_a_closed_run_without_files_does_not_go_on():
    with run() as made:
        made.step()
    assert refusal(made.step) == (
        "this run is closed; call `close` when no more generations are to follow"
    )
