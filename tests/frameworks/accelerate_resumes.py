"""Runs that are killed, and resumed in other processes: functions as in accelerate_runs.py."""

import os
import signal

from accelerate.utils import ProjectConfiguration
from accelerate_parts import LONG_ROUND, WINDOWS, Script, run

LONG_ROUND_EXACT = {**LONG_ROUND, "reduction": "exact"}


def _named(folder):
    return ProjectConfiguration(
        str(folder), automatic_checkpoint_naming=True, total_limit=2, logging_dir=str(folder)
    )


def whole(folder):
    return run(clan={"reduction": "exact"})


def whole_windows(folder):
    return run(clan=LONG_ROUND_EXACT, **WINDOWS)


def stopped_windows(folder):
    """Save while members compete, after the third window."""
    script = Script(**WINDOWS)
    clan = script.clan(**LONG_ROUND_EXACT)
    for done in script.steps(clan):
        if done == 9:
            script.accelerator.save_state(str(folder))
            break
    clan.close()


def killed(folder):
    """Save four times, and kill all ranks in the middle of the second round."""
    script = Script(project_config=_named(folder))
    clan = script.clan(reduction="exact")
    for done in script.steps(clan):
        if done in (3, 6, 10, 13):
            script.accelerator.save_state()
        if done == 15:
            os.kill(os.getpid(), signal.SIGKILL)


def resumed(folder):
    folder = folder.with_name("killed")
    checkpoints = sorted(each.name for each in (folder / "checkpoints").iterdir())
    script = Script(project_config=_named(folder))
    clan = script.clan(reduction="exact")
    script.accelerator.load_state()
    return {**script.answer(script.rounds(clan)), "checkpoints": checkpoints}


def resumed_windows(folder):
    script = Script(**WINDOWS)
    clan = script.clan(**LONG_ROUND_EXACT)
    script.accelerator.load_state(str(folder.with_name("stopped_windows")))
    return script.answer(script.rounds(clan))
