"""The verbs of runs: run, resume, stats and export, called as the entry point calls them."""

import json
import sys
import textwrap

import pytest
import torch

from clantune_core import Evolution, to_json
from clantune_neuro import recipes
from clantune_neuro.command import main
from clantune_neuro.command.catalogue import described, described_in
from clantune_neuro.networks import Heads
from clantune_neuro.run.evolve import Evolve
from clantune_neuro.tasks import Memorise

TASK = "memorise,points=16,inputs=[16],classes=4,batch=16"
RUN = ("run", TASK, "--network", "heads,rows=32", "--population", "20")


def neuro(*arguments):
    return main([*map(str, arguments)], "clantune neuro")


@pytest.fixture(autouse=True)
def _leave_the_path_of_modules_alone(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the directory of a run of 6 generations."""
    out = tmp_path_factory.mktemp("runs") / "a"
    assert neuro(*RUN, "--generations", 6, "--out", out) == 0
    return out


def test_a_run_prints_what_it_came_to(tmp_path, capsys):
    assert neuro(*RUN, "--generations", 3, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {
        *("generation", "score", "held out", "evaluations", "frames", "genes", "lineage"),
        *("member", "directory"),
    }
    assert found["generation"] == 3
    assert found["evaluations"] == 1 + 3 * 16
    assert len(found["lineage"]) == 16 * found["genes"]
    assert neuro(*RUN, "--generations", 3) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"generation   3\nscore        {found['score']}\n")


def test_a_resumed_run_has_the_history_of_one_that_was_not_stopped(tmp_path, folder, capsys):
    out = tmp_path / "b"
    assert neuro(*RUN, "--generations", 3, "--out", out) == 0
    assert neuro("resume", out, "--generations", 6) == 0
    assert (out / "history.jsonl").read_bytes() == (folder / "history.jsonl").read_bytes()
    capsys.readouterr()
    assert neuro("resume", out, "--json") == 0  # there is nothing left to do
    assert json.loads(capsys.readouterr().out)["generation"] == 6


def test_a_directory_knows_its_task_and_network(folder):
    found = described_in(str(folder))
    assert found.task == Memorise(16, (16,), 4, batch=16)
    assert isinstance(found.network, Heads)
    assert found.network.features.shape == (32, 16)


def test_strategies_may_come_from_a_file(tmp_path, folder):
    file, out = tmp_path / "rule.json", tmp_path / "c"
    file.write_text(to_json(Evolution(recipes.duplicate(elites=4, children=16))))
    strength = ("--strength", recipes.duplicate().strength)
    named = ("--strategies", file, *strength, "--generations", 6, "--out", out)
    assert neuro(*RUN, *named) == 0
    assert (out / "history.jsonl").read_bytes() == (folder / "history.jsonl").read_bytes()


def test_a_task_of_your_own_runs_in_a_pool(tmp_path, capsys):
    file = tmp_path / "my_task_of_counts.py"
    file.write_text(
        textwrap.dedent(
            """
            import torch
            from clantune_neuro import Score, Task

            class Sum(Task):
                def __init__(self, target=1.0):
                    self.target = target

                def score(self, network, context):
                    return Score(-float((network(torch.ones(1, 2)) - self.target).square().sum()))

            def network():
                return torch.nn.Linear(2, 1)
            """
        )
    )
    own = (f"{file}:Sum,target=2.5", "--network", f"{file}:network", "--recipe", "asexual")
    scores = []
    for workers in ("1", "pool:2"):
        run = ("run", *own, "--population", "8", "--generations", "4", "--json")
        assert neuro(*run, "--workers", workers) == 0
        scores.append(json.loads(capsys.readouterr().out)["score"])
    assert scores[0] == scores[1]


def test_what_is_held_out_is_scored_at_the_end(capsys):
    run = ("run", "digits", "--network", "linear,hidden=8", "--population", "8")
    assert neuro(*run, "--generations", 2, "--json") == 0
    assert 0 < json.loads(capsys.readouterr().out)["held out"] < 1


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_an_exported_network_is_plain_pytorch(folder, tmp_path, ending, capsys):
    file = tmp_path / f"best.{ending}"
    assert neuro("export", folder, "--to", file, "--verify", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"]
    assert found["verification"].startswith("verified: weights ")
    if ending == "pt":
        state = torch.load(file, weights_only=True)
    else:
        from safetensors.torch import load_file

        state = load_file(file)
    network = Heads(32, features=16, classes=4)
    network.load_state_dict(state)
    assert Memorise(16, (16,), 4, batch=16)(network).base == found["score"]
    capsys.readouterr()
    assert neuro("export", folder, "--member", found["member"][:8], "--to", file) == 0
    assert f"member  {found['member']}\n" in capsys.readouterr().out


def test_statistics_show_scores_lineages_weights_and_operators(folder, tmp_path, capsys):
    picture = tmp_path / "a.svg"
    assert neuro("stats", folder, "--replay", "--plot", picture, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    run = {row[""]: row["value"] for row in found["run"]}
    assert run["generation"] == 6
    assert run["evaluations"] == 1 + 6 * 16
    assert 1 <= run["effective number of parents"] <= 4
    size = f"{run['effective number of parents']:.1f}"
    assert found["warnings"] == [
        (
            f"the effective number of parents is {size}; below 50 "
            "chance decides which genes spread, so keep more parents where variety matters"
        )
    ]
    members = {row[""]: row for row in found["members"]}
    assert members["score"]["high"] == run["best score"]
    assert {*members} >= {"strength of new genes", "rows with a right answer"}
    norms = found["weights of the best member"][0]
    assert norms[""] == "norms of features"
    assert norms["low"] == pytest.approx(1, abs=1e-6)
    operators = {row["operator"]: row for row in found["operators"]}
    assert {*operators} == {"duplicate", "label"}
    assert sum(row["tried"] for row in operators.values()) == 6 * 16
    for row in operators.values():
        shares = [row[name] for name in ("better", "equal", "worse", "dead")]
        assert sum(shares) == pytest.approx(1)
    ancestors = found["ancestors of the best member"]
    assert [each["genes"] for each in ancestors] == [*range(1, len(ancestors) + 1)]
    assert all(each["then"] == each["now"] for each in ancestors)
    assert ancestors[-1]["now"] == run["best score"]
    assert picture.read_text().count('<g id="axes_') == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "memorize"],
            (
                "there is no task 'memorize', did you mean 'memorise'? There are memorise, digits, "
                "mnist, gym, cartpole, frostbite, breakout; one of your own is FILE.py:NAME or "
                "MODULE:NAME"
            ),
        ),
        (
            ["run", "memorise,point=4"],
            (
                "the task 'memorise' has no option 'point'; it has points, inputs, classes, batch, "
                "loss, seed, intrinsic"
            ),
        ),
        (
            ["run", "memorise,points"],
            "'points' in 'memorise,points' is not an option; write NAME,OPTION=VALUE",
        ),
        (
            ["run", TASK, "--network", "conv"],
            (
                "convolutions need points of channels, height and width; those of Memorise have "
                "the shape (16,); take the network 'linear'"
            ),
        ),
        (
            ["run", "mnist"],
            "the task 'mnist' needs the folder of your files: --mnist DIR",
        ),
        (
            ["run", "nowhere.py:Task", "--network", "linear"],
            "there is no file 'nowhere.py', which the task 'nowhere.py:Task' names",
        ),
        (
            ["run", "math:pi", "--network", "linear"],
            "'math:pi' is float, not a task or a function",
        ),
        (
            ["run", "clantune_neuro.tasks:Memorise,points=32", "--network", "linear"],
            (
                "no recipe is known for the task 'clantune_neuro.tasks:Memorise,points=32'; give "
                "--recipe NAME, such as asexual, or --strategies FILE"
            ),
        ),
        (
            ["run", "memorise", "--mnist", "."],
            "--mnist is for the task 'mnist'; the task is 'memorise'",
        ),
        (
            ["run", "memorise,inputs=4"],
            (
                "the task 'memorise' cannot be made of {'inputs': 4}: TypeError: 'int' object "
                "is not iterable"
            ),
        ),
        (
            ["run", TASK, "--strategies", "nowhere.json"],
            (
                "the strategies in 'nowhere.json' cannot be read: [Errno 2] No such file or "
                "directory: 'nowhere.json'"
            ),
        ),
        (["resume", "nowhere"], "nowhere contains no run: run.json is missing"),
        (["stats", "nowhere"], "nowhere contains no run: run.json is missing"),
        (["export", "nowhere"], "nowhere contains no run: run.json is missing"),
    ],
)
def test_misuse_says_what_to_do(arguments, message, capsys):
    assert neuro(*arguments) == 2
    assert capsys.readouterr().err == f"clantune neuro {arguments[0]}: {message}\n"


def test_rules_are_a_recipe_or_a_file(capsys):
    assert neuro("run", TASK, "--recipe", "duplicate", "--strategies", "rule.json") == 2
    assert "argument --strategies: not allowed with argument --recipe" in capsys.readouterr().err


@pytest.mark.parametrize(("verb", "flag"), [("export", "--to"), ("stats", "--plot")])
def test_a_folder_that_is_missing_is_named(folder, verb, flag, capsys):
    file = {"export": "nowhere/a.pt", "stats": "nowhere/a.png"}[verb]
    assert neuro(verb, folder, flag, file) == 2
    assert capsys.readouterr().err == (
        f"clantune neuro {verb}: {file} cannot be written: there is no folder nowhere\n"
    )


OWN = """
from clantune_neuro import Score, Task

class Raises(Task):
    def score(self, network, context):
        raise ValueError("boom")

class Nowhere(Task):
    def score(self, network, context):
        return Score(float("nan"))
"""


@pytest.fixture
def own(tmp_path):
    """Return the options of a run of a task in a file, without the name of the task."""
    file = tmp_path / f"my_own_tasks_{tmp_path.name}.py"  # modules of one name are refused
    file.write_text(OWN)
    rest = ("--network", "clantune_neuro.networks:LinearPolicy,inputs=2,hidden=2,classes=2")
    return lambda name: ("run", f"{file}:{name}", *rest, "--recipe", "asexual", "--population", 4)


@pytest.mark.parametrize("workers", ["1", "pool:2"])
def test_a_task_that_raises_is_shown_with_its_traceback_and_how_to_repeat_it(
    own, tmp_path, workers, capsys
):
    out = tmp_path / "out"
    assert neuro(*own("Raises"), "--out", out, "--workers", workers) == 2
    first, *lines, last = capsys.readouterr().err.splitlines()
    assert first.startswith("clantune neuro run: Raises failed on the lineage ")
    assert first.endswith(" in generation 0: ValueError: boom")
    assert '    raise ValueError("boom")' in lines
    assert last == (
        f"this command repeats it in one process: clantune neuro resume {out} --workers 1"
    )


def test_a_run_whose_members_are_all_dead_says_so(own, tmp_path, capsys, caplog):
    out = tmp_path / "out"
    assert neuro(*own("Nowhere"), "--generations", 1, "--out", out, "--json") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["score"] is None
    assert printed.err.splitlines()[-1] == "all 4 members are dead; the log says why"
    assert "a member is dead: its score is nan" in caplog.text
    assert neuro("export", out, "--verify") == 2
    assert capsys.readouterr().err.endswith(" is dead: it has no score to be exported with\n")


def test_a_file_with_the_name_of_another_module_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "random.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    assert neuro("run", "random.py:Raises", "--network", "linear") == 2
    message = capsys.readouterr().err
    assert message.startswith("clantune neuro run: 'random.py' has the name of another module, ")
    assert message.endswith("random.py; rename the file\n")


def test_a_run_goes_on_from_another_folder_and_without_the_file_of_its_rule(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "my_moved_task.py").write_text(OWN.replace('float("nan")', "1.0"))
    rule = tmp_path / "rule.json"
    rule.write_text(to_json(Evolution(recipes.asexual(children=4, parents=1))))
    monkeypatch.chdir(tmp_path)
    network = ("--network", "clantune_neuro.networks:LinearPolicy,inputs=2,hidden=2,classes=2")
    run = ("run", "my_moved_task.py:Nowhere", *network, "--strategies", "rule.json")
    assert neuro(*run, "--generations", 1, "--population", 4, "--out", "out") == 0
    rule.unlink()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert neuro("resume", "../out", "--generations", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["generation"] == 2


def test_a_run_that_was_never_planned_goes_on_to_the_usual_generation(tmp_path, capsys):
    chosen = described(TASK, "heads,rows=32")
    out = tmp_path / "out"
    arguments = {"recipe": "duplicate", "population": 5, "out": out, "command": chosen.texts}
    Evolve(chosen.network, chosen.task, **arguments).close()
    assert neuro("resume", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["generation"] == 100 or found["score"] == 16


def test_pictures_have_two_endings(folder, capsys):
    assert neuro("stats", folder, "--plot", "a.jpg") == 2
    assert capsys.readouterr().err == (
        "clantune neuro stats: a.jpg has the ending '.jpg'; use one of .png, .svg\n"
    )
