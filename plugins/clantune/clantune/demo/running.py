"""Running the demo, and writing its report."""

from __future__ import annotations

from pathlib import Path

from clantune_clan.launch.agent import run
from clantune_report.command.report import main as write_report


def run_demo(script: Path, folder: Path, members: int, steps: int, program: str) -> int:
    """Run the script of the demo, write a report of it, and return an exit status.

    Args:
        script: Path of the script.
        folder: New folder for what the run writes.
        members: Number of processes.
        steps: Steps of each run.
        program: Name of the command in messages.
    """
    command = [str(script), "--steps", str(steps), "--folder", str(folder)]
    status = run(members, 0, command, program, prefix=False)
    if status:
        return status
    report = folder / "report.html"
    status = write_report([str(folder / "history.jsonl"), "--out", str(report)], program)
    if not status:
        print(f"\nThe report of the clan: open {report} in a browser.")
    return status
