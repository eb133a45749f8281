"""Scripts that use Accelerate on four ranks: with a clan, and the same without one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__)


def answers_of(script, folder):
    """Run a script on four ranks; return what each has written."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4"]
    done = subprocess.run(
        [sys.executable, *launcher, HERE.with_name(script), folder],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(4)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return answers_of("accelerate_script.py", tmp_path_factory.mktemp("accelerate"))


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return answers_of("accelerate_features.py", tmp_path_factory.mktemp("features"))


@pytest.mark.parametrize("feature", FEATURES)
def test_features_work_or_say_why_not(features, feature):
    assert [answer[feature] for answer in features] == [FEATURES[feature]] * 4


def test_members_share_gradients_in_cooperation_alone(answers):
    found = [answer["gradients"]["steps"] for answer in answers]
    modes = [mode for mode, _ in found[0]]
    assert modes == 3 * (4 * ["cooperative"] + 4 * ["competitive"])
    for step in zip(*found, strict=True):
        kinds = {str(gradients) for _, gradients in step}
        assert len(kinds) == (1 if step[0][0] == "cooperative" else 4)


def test_what_is_found_goes_to_the_trackers_of_the_main_process(answers):
    lines, *others = (answer["gradients"]["lines"] for answer in answers)
    assert others == [[], [], []]
    steps = [step for step, _ in lines]
    assert steps == sorted(steps)
    rounds = [values for _, values in lines if "clan/round" in values]
    assert [values["clan/round"] for values in rounds] == [0, 1, 2]
    assert {"clan/member_0/lr", "clan/member_3/metric"} <= {*rounds[0]}


@pytest.mark.parametrize("accumulate", [1, 2])
def test_equal_members_train_as_without_a_clan(answers, accumulate):
    assert all(answer["equal"][accumulate - 1] for answer in answers)


def test_a_checkpoint_of_accelerate_brings_the_clan_back(answers):
    assert all(answer["resumed"] for answer in answers)


def test_a_checkpoint_without_a_clan_is_an_error(answers):
    (message,) = answers[0]["refused"]
    assert "there is no clan in the checkpoint" in message
    assert "load it before accelerate_clan(...), and the clan begins with its weights" in message
    assert "or at the end of a run" in message
