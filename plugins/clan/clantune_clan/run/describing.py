"""A run in words."""

from __future__ import annotations

from clantune_clan.run.settings import Settings
from clantune_clan.schedule import Schedule
from clantune_core import Genome
from clantune_core.contracts import Expressed

_INHERITANCE = {
    "mean": "all members take the weighted mean of their parents' weights, moments, and buffers",
    "dominant": "a member takes all its state from the parent that contributes most",
    "sampled": "a member takes all its state from one parent, drawn by how much each contributes",
}
_JUDGED = {
    "ema": "a running average of a member's weights, which is less noisy than the weights",
    "weights": "a member's weights as they are",
}


_GOOD = {"min": "low", "max": "high"}


def describe(settings: Settings, genome: Genome, members: int, reduction: str) -> str:
    """Return in words what a run does."""
    schedule, pace = settings.schedule, settings.pace
    lines = [
        f"A clan of {members} by the rule {settings.rule!r}.",
        _rounds(schedule),
        f"Gradients are averaged while members cooperate ({reduction}).",
        f"Judged is {_JUDGED[settings.evaluate]}; {_GOOD[settings.mode]} is good.",
        f"Inheritance: {_INHERITANCE[settings.inheritance]}.",
    ]
    if pace.total_steps is None:
        lines.append("The length of the run is not known: the learning rate is the gene alone.")
    else:
        lines.append(
            f"Of {pace.total_steps} steps the learning rate rises over the first {pace.warmup:.0%} "
            f"and falls to nothing over the last {pace.cooldown:.0%}, times the gene."
        )
    if schedule.lead:
        steps = sum(schedule.lead)
        lines.append(f"Before, {steps} steps in {len(schedule.lead)} rounds search for the rate.")
    lines.append("Strategies, in order:")
    lines += [f"  {strategy!r}" for strategy in settings.evolution.strategies]
    lines.append("Genes:" if genome.alleles else "Genes: none; bind some with autobind=[...].")
    for name, allele in genome.alleles.items():
        gene = Expressed.of(name, allele)
        places = ", ".join(gene.path) if gene.is_patchable else "read by name"
        evolves = "evolves" if allele.can_mutate else "stays"
        lines.append(f"  {name} = {allele.value!r} in {allele.domain}, {evolves}: {places}")
    return "\n".join(lines)


def _rounds(schedule: Schedule) -> str:
    cooperative = schedule.cooperative_steps
    competitive = schedule.round_length - cooperative
    return (
        f"Rounds of {schedule.round_length} steps: {cooperative} of cooperation, then "
        f"{competitive} of competition."
    )
