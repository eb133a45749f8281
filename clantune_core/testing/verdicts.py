"""Verdicts: how a law was tried on a plugin, and what came of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Literal

import attrs
from hypothesis import core, settings

from clantune_core.plugins import Plugin
from clantune_core.testing.laws import Law, LawBroken

Outcome = Literal["ok", "broken", "not checked"]


@attrs.frozen
class Verdict:
    """What came of a law.

    Attributes:
        plugin: The plugin to which it applies.
        law: Name of the law; empty if the plugin is not checked.
        sentence: What the law requires.
        outcome: Whether it holds.
        problem: What happened instead, or why nothing was tried.
        example: The smallest case that was found, if the law is broken.
    """

    plugin: Plugin
    law: str
    sentence: str
    outcome: Outcome = "ok"
    problem: str = ""
    example: str = ""

    def broken(self, error: Exception) -> Verdict:
        """Return the verdict that the law is broken, and how."""
        if isinstance(error, LawBroken):
            problem = str(error).removeprefix(f"{self.sentence}\nBut ")
        else:
            problem = f"{type(error).__name__}: {error}"
        notes = "\n".join(getattr(error, "__notes__", []))
        return attrs.evolve(self, outcome="broken", problem=problem, example=_case(notes))


def judged(plugin: Plugin, law: Law, *, drawn: Law) -> Verdict:
    """Try a law, first on cases that are drawn already, which takes a tenth of the time.

    Args:
        plugin: The plugin to which it applies.
        law: The law on cases of its own. It is tried on them only if it is broken on the drawn
            ones, because hypothesis makes them smaller.
        drawn: The same law on drawn cases, as `DrawnCases.under` or `on_drawn_cases` returns it.
    """
    verdict = Verdict(plugin, law.name, law.sentence)
    try:
        drawn()
    except Exception as error:  # noqa: BLE001  (of a third party; it is the verdict)
        first = verdict.broken(error)
    else:
        return verdict
    try:
        law()
    except Exception as error:  # noqa: BLE001
        return verdict.broken(error)
    return first if first.example else verdict  # without a case: none was found, now one is


@contextlib.contextmanager
def examples(number: int, seed: int) -> Iterator[None]:
    """Draw so many cases from a seed inside the block, whatever the profile of hypothesis says."""
    usual, usual_seed = settings.get_current_profile_name(), core.global_force_seed
    settings.register_profile(
        "clantune check",
        max_examples=number,
        derandomize=False,  # it would set the seed aside
        database=None,
        deadline=None,
        print_blob=False,
    )
    settings.load_profile("clantune check")
    # As the option --hypothesis-seed of its pytest plugin does.
    core.global_force_seed = seed  # type: ignore[assignment]  # declared as None
    try:
        yield
    finally:
        settings.load_profile(usual)
        core.global_force_seed = usual_seed


def _case(notes: str) -> str:
    """Return the case in the notes of hypothesis, without the test function around it."""
    found = re.search(r"try_it\(\s*case=(.*?),?\s*\)\s*\Z", notes, re.DOTALL)
    return found[1] if found else notes
