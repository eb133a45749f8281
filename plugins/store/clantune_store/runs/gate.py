"""What a process does before it becomes the program of a run: `python gate.py COMMAND...`.

It waits until its number is in the database, so that no other worker takes the run for a dead one.
If the process that started it dies before, nothing can be read, and the program never begins. A
shell could do this, but a shell drops the variables whose names are none of a shell.
"""

import os
import signal
import sys


def main(command: list[str]) -> str:
    """Wait for a byte, and become the command; return why that cannot be."""
    if not os.read(0, 1):
        return "the process that started this has gone"
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and programs inherit it
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  (no shell, on purpose)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"


if __name__ == "__main__":
    print(main(sys.argv[1:]), file=sys.stderr)
    raise SystemExit(127)
