"""The export: the schedule as JSON, and how to replay it."""

from __future__ import annotations

import json
from urllib.parse import quote

from clantune_clan.records import schedule_of
from clantune_report.facts import Facts
from clantune_report.page.text import in_html, section

TITLE = "Use the schedule again"

CODE = """\
from clantune import ReplaySchedule

replay = ReplaySchedule(optimizer, "schedule.json")
# in the training loop, after each optimizer.step():
replay.step()
"""


def export(facts: Facts) -> str:
    """Return the section with the schedule."""
    if not facts.rounds:
        return section(TITLE, "There is no schedule before the first complete round.")
    schedule = schedule_of(facts.rounds, facts.start)
    text = json.dumps(schedule, indent=1)
    link = f"data:application/json;charset=utf-8,{quote(text)}"
    return section(
        TITLE,
        "The schedule below has the value of each gene in each round, and the warm-up and cooldown "
        "of the learning rate. Another training run can replay it, without a clan and in one "
        "process:",
        f"Note that {in_html(schedule['note'])}." if schedule["note"] else "",
        f"<pre>{in_html_lines(CODE)}</pre>",
        f'<p><a download="schedule.json" href="{link}">Save schedule.json</a></p>',
        f"<details><summary>Show schedule.json</summary><pre>{in_html_lines(text)}</pre></details>",
    )


def in_html_lines(text: str) -> str:
    """Return a text of several lines as HTML shows it."""
    return "\n".join(map(in_html, text.splitlines()))
