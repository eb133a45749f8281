"""What a person sees of `clantune launch`: lines with the rank, in colours, on a real terminal."""

import contextlib
import os
import signal
import subprocess
import sys
import termios
import threading

import pytest

from clantune_clan.launch.console import console
from clantune_clan.launch.lines import Lines
from clantune_clan.launch.screen import ERASE, Screen
from clantune_clan.launch.threads import cores, threads_per_process
from clantune_core.command import main

LAUNCH = [sys.executable, "-m", "clantune_core", "launch", "-n", "2"]
COLOURED = ("\x1b[36m[0]\x1b[0m ", "\x1b[33m[1]\x1b[0m ")

SCRIPT = """
import os, shutil, sys, time

rank = int(os.environ["RANK"])
print("rank", rank, "takes", sys.argv[1:])
print("threads", os.environ["OMP_NUM_THREADS"])
print("terminals", sys.stdout.isatty(), sys.stderr.isatty())
if rank == 0:
    print("columns", shutil.get_terminal_size().columns)
    for step in range(5):
        print(f"\\rbar {step}/4", end="", file=sys.stderr)
        time.sleep(0.2)
    print(file=sys.stderr)
else:
    for line in range(40):
        print("line", line, "of the other rank", *"abc")
        time.sleep(0.02)
"""


class Terminal:
    """A pseudo-terminal that collects what is written to it."""

    def __init__(self, rows=24, columns=60):
        self._master, self.file = os.openpty()
        termios.tcsetwinsize(self.file, (rows, columns))
        self.written = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        with contextlib.suppress(OSError):  # so the end shows on Linux
            while data := os.read(self._master, 1 << 16):
                self.written += data

    def close(self):
        """Hang up; return what was written, as text."""
        os.close(self.file)
        self._thread.join(10)
        os.close(self._master)
        return self.written.decode()


@pytest.fixture
def terminal():
    return Terminal()


def usual_environment():
    """Without the number of threads, and the size of a terminal that pytest-xdist sets."""
    unset = {"OMP_NUM_THREADS", "COLUMNS", "LINES"}
    return {name: held for name, held in os.environ.items() if name not in unset}


def seen(text):
    """What a terminal shows at the end: of each row, what was written after it was erased last."""
    return [row.rpartition(ERASE)[2] for row in text.split("\r\n")]


def test_on_a_terminal_each_line_has_its_rank_and_a_bar_stays_whole(tmp_path, terminal):
    (tmp_path / "job.py").write_text(SCRIPT)
    done = subprocess.run(
        [*LAUNCH, "-m", "job", "--steps", "3"],
        stdin=terminal.file,
        stdout=terminal.file,
        stderr=terminal.file,
        cwd=tmp_path,
        env=usual_environment(),
        start_new_session=True,
        check=False,
        timeout=100,
    )
    written = terminal.close()
    assert done.returncode == 0, written
    *rows, last = seen(written)
    assert last == ""
    mine, other = ([row for row in rows if row.startswith(prefix)] for prefix in COLOURED)
    assert len(mine) + len(other) == len(rows)
    common = [f"threads {threads_per_process(2)}", "terminals True True"]
    assert [row.removeprefix(COLOURED[0]) for row in mine] == [
        "rank 0 takes ['--steps', '3']",
        *common,
        "columns 56",
        "bar 4/4",
    ]
    assert [row.removeprefix(COLOURED[1]) for row in other] == [
        "rank 1 takes ['--steps', '3']",
        *common,
        *(f"line {line} of the other rank a b c" for line in range(40)),
    ]
    # While the bar grows, it is erased before each line of the other rank, and drawn again below.
    assert f"{COLOURED[0]}bar 1/4{ERASE}{COLOURED[1]}line" in written
    assert all(f"{COLOURED[0]}bar {step}/4" in written for step in range(5))


def test_in_a_pipe_lines_have_ranks_on_request_without_colours(tmp_path):
    script = tmp_path / "job.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [*LAUNCH, "--prefix", script],
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "3"},
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert [line for line in lines if line.startswith("[0] ")] == [
        "[0] rank 0 takes []",
        "[0] threads 3",
        "[0] terminals False False",
        "[0] columns 80",
    ]
    assert len([line for line in lines if line.startswith("[1] ")]) == len(lines) - 4 == 43
    assert done.stderr.decode() == "[0] bar 4/4\n"


def test_a_signal_on_a_terminal_shows_the_last_lines(tmp_path, terminal):
    script = tmp_path / "job.py"
    script.write_text(
        "import os, signal, sys, time\n"
        "def stop(number, _):\n"
        "    print('saved', number)\n"
        "    print('half a line', end='')\n"
        "    sys.exit(128 + number)\n"
        "signal.signal(signal.SIGINT, stop)\n"
        "print('ready')\n"
        "time.sleep(300)\n"
    )
    output = {"stdout": terminal.file, "stderr": terminal.file, "start_new_session": True}
    with subprocess.Popen([*LAUNCH, script], **output) as process:
        try:
            for _ in range(1000):
                if terminal.written.count(b"ready") == 2:
                    break
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.1)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    *rows, told, _ = seen(terminal.close())
    assert sorted(rows) == sorted(
        prefix + line for prefix in COLOURED for line in ("ready", "saved 2", "half a line")
    )
    assert told == "clantune launch: ended by SIGINT"


# ---- The parts ----


@pytest.mark.parametrize(
    ("pieces", "lines", "unfinished"),
    [
        ([b"a", b"b\nc", b"d\n"], ["ab", "cd"], ""),
        ([b"a\r\nb\r", b"\nc"], ["a", "b"], "c"),
        ([b"\r10%", b"\r20%"], [], "20%"),
        ([b"\r10%", b"\r20%", b"\n"], ["20%"], ""),
        ([b"\r99%", b"\r", b"   ", b"\r"], [], ""),  # a bar that is wiped out
        ([b"\r99%", b"\rdone\nnext"], ["done"], "next"),
        ([b"\x1b[1A\x1b[2Kup \x1b[31mred\x1b[0m\n"], ["up \x1b[31mred\x1b[0m"], ""),
        (["é\n".encode()[:1], "é\n".encode()[1:]], ["é"], ""),
        ([b"\xff\n\n"], ["\ufffd", ""], ""),
    ],
)
def test_output_is_taken_apart_into_what_a_terminal_shows(pieces, lines, unfinished):
    stream = Lines()
    assert [line for piece in pieces for line in stream.feed(piece)] == lines
    assert stream.unfinished == unfinished
    assert stream.finish() == ([unfinished] if unfinished else [])
    assert stream.unfinished == ""


def test_a_long_bar_does_not_grow_in_memory():
    stream = Lines()
    for step in range(10_000):
        stream.feed(b"\rstep %d" % step)
    assert stream.unfinished == "step 9999"
    assert len(stream._rest) < 20


@pytest.mark.parametrize(
    ("variable", "value", "written"),
    [
        ("NO_COLOR", "1", "[10] one\r\n[ 2] two"),
        ("TERM", "dumb", "[10] one\r\n"),
        ("TERM", "xterm", "\x1b[34m[10]\x1b[0m one\r\n\x1b[32m[ 2]\x1b[0m two"),
    ],
)
def test_the_environment_decides_about_colours(terminal, monkeypatch, variable, value, written):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, value)
    Screen.of(terminal.file, members=11).show([(10, "one")], (2, "two"))
    assert terminal.close() == written


def test_an_unfinished_line_never_fills_its_row(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    Screen.of(terminal.file, members=2).show([], (0, "x" * 500))
    assert terminal.close() == "[0] " + "x" * 55


def test_a_closed_terminal_does_not_stop_the_ranks(terminal):
    screen = Screen.of(terminal.file, members=2)
    terminal.close()
    with pytest.raises(OSError):
        os.write(terminal.file, b"nobody sees this")
    screen.show([(0, "nor this")], None)  # no error comes of it


def test_nothing_is_between_ranks_and_a_file_or_where_it_is_switched_off():
    assert console(2, prefix=False) is None
    assert console(2, prefix=None) is None  # the streams of a test are files


def test_the_cores_are_shared_by_all_processes():
    assert threads_per_process(1) == cores() >= 1
    assert threads_per_process(10_000) == 1


def test_a_module_that_does_not_exist_is_told(capsys):
    assert main(["launch", "-m", "no_such_module.train"]) == 2
    assert capsys.readouterr().err == (
        "clantune launch: the module no_such_module does not exist; to run a file, leave out -m\n"
    )
