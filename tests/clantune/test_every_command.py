"""Every sub-command of `clantune`: help, success, and three kinds of misuse.

A new sub-command has one line in `ROWS`.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import attrs
import pytest

from clantune_core.command.groups import HOMES

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("clantune")
"""The script as pip has installed it."""

RUN = ROOT / "tests/report/runs/factorial.jsonl"

TRAIN = "import os; print('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])"


@attrs.frozen
class Row:
    """What is tried on a sub-command. Its arguments are words separated by spaces.

    Attributes:
        success: Arguments with which it succeeds.
        says: Words that it prints then.
        misuses: Wrong arguments, each with words of the message that says what to do.
    """

    success: str
    says: str
    misuses: dict[str, str]


ROWS = {
    "check": Row(
        "gust --examples 2",
        "15 laws, none broken",
        {
            "gsut": "did you mean 'gust'?",
            "gust --arguments {": "is not JSON",
            "gust --genes lr=flaot": "did you mean 'float'?",
        },
    ),
    "doctor": Row(
        "--skip-clan --json",
        '"subject": "space"',
        {
            "--members none": "'none' is not a number of processes, 1 or more",
            "--timeout -1": "'-1' is not a number of seconds above 0",
            "now": "unrecognized arguments: now",
        },
    ),
    "demo": Row(
        "-n 1 --steps 20 --folder demo",
        "The report of the clan: open demo/report.html in a browser.",
        {
            "-n 0": "-n is a number of processes, 1 or more; got 0",
            "--steps none": "invalid int value: 'none'",
            "--folder runs": "runs exists: give another --folder, or remove it",
        },
    ),
    "launch": Row(
        "-n 1 train.py",
        "rank 0 of 1",
        {
            "nowhere.py": "the script nowhere.py does not exist",
            "-n 0 train.py": "-n is a number of processes, 1 or more",
            "-m no_such_module": "the module no_such_module does not exist",
        },
    ),
    "list": Row(
        "--json",
        '"distribution": "clantune-core"',
        {
            "--hook5": "unrecognized arguments: --hook5",
            "--h": "ambiguous option: --h could match --help, --hooks",
            "--json=yes": "argument --json: ignored explicit argument 'yes'",
        },
    ),
    "neuro": Row(
        "run memorise --population 4 --generations 1 --out run",
        "evaluations  4",
        {
            "rnu": "did you mean 'run'?",
            "run --generations few": "'few' is not an integer of 0 or more",
            "resume nowhere": "nowhere contains no run",
        },
    ),
    "replay": Row(
        "schedule.json",
        "weight_decay  betas/0",
        {
            "": "give a schedule to show, or --module FILE",
            "nowhere.json": "nowhere.json is not a schedule: No such file or directory. `clantune "
            "schedule RUN` writes one",
            "schedule.json --steps none": "'none' is not a number of steps, 1 or more",
            "--module runs": "runs is a folder: give the name of a file in it",
        },
    ),
    "report": Row(
        "runs --out page.html",
        "page.html",
        {
            "nowhere": "nowhere does not exist: give the file that Clan(history=...) names",
            "train.py": "train.py, line 1: this is not a line of JSON",
            "runs --out nowhere/page.html": "the folder nowhere does not exist: make it",
        },
    ),
    "schedule": Row(
        "runs",
        '"clantune": "schedule"',
        {
            "nowhere": "nowhere does not exist: give the file that Clan(history=...) names",
            "runs --out train.py": "train.py exists: give another name, or --force to replace it",
            "runs --out s.txt": "s.txt has none of the endings .json, .csv, .py: give one, or",
            "runs --format xml": "invalid choice: 'xml'",
        },
    ),
    "store": Row(
        "load values.json --db runs.db",
        "group 1: 1 parameters",
        {
            "sohw": "No such command 'sohw'",
            "show": "no database is named: give --db PATH",
            "show --db nowhere.db --depth": "No such option",
        },
    ),
    "watch": Row(
        "runs --once",
        "rounds done, step 120 of 120",
        {
            "nowhere --once": "nowhere does not exist: give the file that Clan(history=...) names",
            "train.py --once": "train.py, line 1: this is not a line of JSON",
            "runs --interval 0": "--interval is a number of seconds, more than 0",
        },
    ),
    **{
        f"new-{what}": Row(
            "night-shift",
            "python -m pytest",
            {
                "Night": f"'Night' cannot name a {what}",
                "night --into nowhere": "there is no folder nowhere",
                "": "the following arguments are required: NAME",
            },
        )
        for what in ("kind", "preset", "recipe", "strategy")
    },
}


def declared():
    """The sub-commands that the distributions of this repository declare, each with its own."""
    found = {}
    for file in (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(file.read_text("utf-8"))["project"]
        commands = project.get("entry-points", {}).get("clantune.commands", {})
        found |= dict.fromkeys(commands, project["name"])
    return found


def words(text):
    return " ".join(text.split())


def summary_of(entry):
    """The first sentence of the docstring of a command."""
    return words(entry.load().__doc__.partition("\n\n")[0]).rstrip(".")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current folder with a script in it, and no variable of the user."""
    (tmp_path / "train.py").write_text(f"{TRAIN}\n")
    (tmp_path / "values.json").write_text('{"lr": 0.1}')
    (tmp_path / "runs").mkdir()
    shutil.copy(RUN, tmp_path / "runs/history.jsonl")
    shutil.copy(ROOT / "docs/pictures/demo.json", tmp_path / "schedule.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLANTUNE_DB", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def function():
    """The function behind the script, for arguments that need no process of their own."""
    (entry,) = metadata.entry_points(group="console_scripts", name="clantune")
    return entry.load()


def run(*arguments):
    return subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=100
    )


def test_every_command_has_a_row():
    assert declared().keys() == ROWS.keys()
    listed = run("--help").stdout.partition("commands:")[2]
    names = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    assert ROWS.keys() <= names
    for row in ROWS.values():
        kinds = {message.partition(":")[0] for message in row.misuses.values()}
        assert len(kinds) >= 3


def test_the_package_of_every_command_is_known_where_it_is_not_installed():
    assert declared() == HOMES


def test_the_page_of_the_command_has_a_line_and_a_link_for_each():
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    lines = re.findall(r"^\| \[`(.+?)`\]\(\S+\) \| `(.+?)` \| (.+?) \|$", page, re.MULTILINE)
    entries = metadata.entry_points(group="clantune.commands")
    own = [entry for entry in entries if entry.name in HOMES]
    assert sorted(lines) == [
        (entry.name, entry.dist.name, summary_of(entry))
        for entry in sorted(own, key=lambda entry: entry.name)
    ]


@pytest.mark.parametrize("name", ROWS)
def test_help_says_how_it_is_used_and_what_it_does(name):
    done = run(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: clantune {name}" in done.stdout.replace("Usage", "usage")
    (entry,) = metadata.entry_points(group="clantune.commands", name=name)
    assert summary_of(entry) in words(done.stdout)


@pytest.mark.parametrize("name", ROWS)
def test_it_succeeds(name, folder):
    row = ROWS[name]
    done = run(name, *row.success.split())
    assert done.returncode == 0, done.stderr
    assert row.says in done.stdout
    assert "Traceback" not in done.stderr


def assert_says_what_to_do(name, arguments, status, printed, told):
    assert (status, printed) == (2, "")
    assert ROWS[name].misuses[arguments] in told
    lines = [line for line in told.splitlines() if line.startswith(f"clantune {name}")]
    assert len(lines) == 1  # one line says it; the usage may stand before it


@pytest.mark.parametrize("name", ROWS)
def test_misuse_of_the_script_ends_with_2_and_says_what_to_do(name, folder):
    arguments, *_ = ROWS[name].misuses
    done = run(name, *arguments.split())
    assert_says_what_to_do(name, arguments, done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("name", "arguments"), [(name, each) for name, row in ROWS.items() for each in row.misuses]
)
def test_misuse_ends_with_2_and_says_what_to_do(name, arguments, folder, function, capsys):
    try:
        status = function([name, *arguments.split()])
    except SystemExit as left:  # as argparse leaves
        status = left.code
    printed = capsys.readouterr()
    assert_says_what_to_do(name, arguments, status, printed.out, printed.err)


def test_a_wrong_command_line_is_told_before_anything_heavy_is_imported(folder):
    """In one process: the help and the misuse of commands that need torch to work."""
    lines = [["launch", "--help"], ["launch", "nowhere.py"], ["doctor", "--help"]]
    lines += [["doctor", "now"], ["neuro", "rnu"], ["store", "--help"], ["check", "--help"]]
    code = (
        "import contextlib, io, sys\n"
        "from clantune_core.command import main\n"
        f"for line in {lines}:\n"
        "    unseen = io.StringIO()\n"
        "    with contextlib.redirect_stdout(unseen), contextlib.redirect_stderr(unseen):\n"
        "        with contextlib.suppress(SystemExit):\n"
        "            main(line)\n"
        "print(sorted({'hypothesis', 'numpy', 'sqlalchemy', 'torch'} & {*sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "watch runs --once",
        "schedule runs",
        "schedule runs --out rates.py",
        "replay schedule.json --module replay.py",
    ],
)
def test_what_reads_a_run_never_imports_torch(arguments, folder):
    """Importing torch takes seconds, and more than a view does in a run of minutes."""
    code = (
        "import sys\n"
        "from clantune_core.command import main\n"
        f"status = main({arguments.split()})\n"
        "print('imported', sorted({'clantune_clan', 'torch'} & {*sys.modules}))\n"
        "sys.exit(status)\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "imported ['clantune_clan']"
