"""The run in a few facts."""

from __future__ import annotations

import datetime

from clantune_core import ContinuousAllele
from clantune_report.facts import Facts
from clantune_report.genes import Gene, genes_of
from clantune_report.page.notes import notes_of
from clantune_report.page.text import in_html, section, table
from clantune_report.wording import counted, duration, listed, metric, number


def summary(facts: Facts) -> str:
    """Return the section with facts, warnings, and the genes."""
    found = [f"<li>{each}</li>" for each in notes_of(facts)]
    genes = genes_of(facts)
    return section(
        "The run in a few facts",
        "Several <strong>members</strong> were trained side by side: copies of one model. Each has "
        "its own values of the <strong>genes</strong>, which are settings of the training such as "
        "the learning rate. After each <strong>round</strong> of training steps the members were "
        f"compared by their {facts.metric} on validation data, and their genes changed. The result "
        "is a trained model and a schedule: the value of each gene in each round.",
        _facts(facts),
        f"<h3>To be noted</h3><ul>{''.join(found)}</ul>" if found else "",
        _genes(facts, genes) if genes else "<p>This run has no genes.</p>",
        _details(facts),
    )


def _facts(facts: Facts) -> str:
    start, total = facts.start, facts.total_steps
    members = f"{start.members:,}"
    processes = "" if start.ranks == start.members else f" in {start.ranks} processes"
    of = "" if total is None else f" of {total:,}"
    calibration = (
        f", after {counted(len(facts.calibration), 'round')} that searched for the learning rate"
        if facts.calibration
        else ""
    )
    rows = [
        ["recipe", in_html(start.recipe)],
        ["members", f"{members}{processes}"],
        ["steps", f"{facts.steps:,}{of}"],
        ["rounds", f"{len(facts.rounds):,}, of {counted(start.round_length, 'step')}{calibration}"],
        [f"best {facts.metric}", _best(facts)],
        ["weights of the next round", _inheritance(facts)],
        ["began", _moment(facts.run.starts[0].time)],
        ["time", _time(facts)],
    ]
    return table([], rows)


def _best(facts: Facts) -> str:
    winner = facts.winner
    if winner is None:
        return "none yet"
    records = facts.rounds[winner.place]
    whose = "the centre" if winner.member is None else f"member {winner.member}"
    return (
        f"<strong>{metric(winner.metric)}</strong>, of {whose} at the end of round "
        f"{records[0].round} (step {facts.ends(records):,})"
    )


def _inheritance(facts: Facts) -> str:
    if facts.is_mean:
        return "the mean of all members"
    if facts.start.inheritance == "dominant":
        return "those of the parent with the largest share"
    return "those of one parent, drawn by its share"


def _time(facts: Facts) -> str:
    """Return the time from the first start to the last event, without that between resumes."""
    moments = [
        *(start.time for start in facts.run.starts),
        *(phase.time for phase in facts.run.phases),
        *([facts.run.end.time] if facts.run.end else []),
    ]
    if len(moments) < 2:
        return "unknown"
    said = duration(max(0.0, max(moments) - facts.run.starts[0].time))
    if len(facts.run.starts) > 1:
        return f"{said} from the first start to the last event, with the pauses between"
    return said if facts.run.end else f"{said} until the last event"


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _genes(facts: Facts, genes: list[Gene]) -> str:
    first = facts.run.starts[0].genes
    rows = []
    for gene in genes:
        begin = first[gene.name].value if gene.name in first else gene.allele.value
        end = number(facts.values[-1][gene.name]) if facts.values else "none yet"
        range_ = (
            f"{number(gene.allele.domain.min)} to {number(gene.allele.domain.max)}"
            if isinstance(gene.allele, ContinuousAllele)
            else listed(map(number, gene.choices))
        )
        rows.append([*map(in_html, (gene.name, number(begin), end, range_))])
    return table(["gene", "at the start", "at the end", "range"], rows)


def _details(facts: Facts) -> str:
    start = facts.start
    rows = [
        ["file", in_html(facts.run.path.name)],
        ["strategies", "<br>".join(map(in_html, start.strategies))],
        ["presets", in_html(", ".join(map(str, start.presets))) or "none"],
        ["schedulers", in_html(", ".join(start.schedulers)) or "none"],
        ["competition", f"{start.duty_cycle:.0%} of a round"],
        ["versions", in_html(", ".join(f"{name} {v}" for name, v in start.versions.items()))],
    ]
    return f"<details><summary>Settings of the run</summary>{table([], rows)}</details>"
