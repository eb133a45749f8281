"""The description of a run as text."""

from __future__ import annotations

from collections.abc import Sequence

from clantune_clan.records.history import History
from clantune_clan.run.settings import Settings
from clantune_clan.schedule import Schedule
from clantune_core import Genome
from clantune_core.contracts import Expressed

_INHERITANCE = {
    "mean": "all members take the weighted mean of their parents' weights, moments and buffers",
    "dominant": "a member takes all its state from the parent that contributes most",
    "sampled": "a member takes all its state from one parent, drawn by its share in the ancestry",
}
_EVALUATED = {
    "ema": "a running average of its weights, which is less noisy than the weights",
    "weights": "its weights as they are",
}
_AVERAGED = {
    "exact": "in one sum after each backward pass; a DistributedDataParallel wrapper is off",
    "ddp": "by DistributedDataParallel, through a communication hook of the clan",
}
_GOOD = {"min": "low", "max": "high"}


def describe(
    settings: Settings,
    genome: Genome,
    presets: Sequence[str],
    num_members: int,
    reduction: str,
    history: History,
) -> str:
    """Return a description of a run as text."""
    recipe = settings.recipe
    members = "one member" if num_members == 1 else f"{num_members} members"
    lines = [
        f"A clan of {members} with the recipe {settings.name!r}.",
        _rounds(settings.schedule),
        _gradients(reduction),
        f"A member is judged by {_EVALUATED[recipe.evaluate]}; {_GOOD[settings.mode]} is good.",
        f"Inheritance: {_INHERITANCE[recipe.inheritance]}.",
        _ramp(settings),
    ]
    if calibration := settings.schedule.calibration:
        lines.append(
            f"Before it, {sum(calibration)} steps in {len(calibration)} rounds search for the "
            "learning rate."
        )
    lines.append(_history(history))
    if not settings.evolution.implements("handle_crossbreeding"):
        lines.append(NEVER_CROSSBREEDS)
    lines.append("Strategies, in order:")
    lines += [f"  {strategy!r}" for strategy in settings.evolution.strategies]
    if presets:
        lines.append(f"Presets: {'; '.join(presets)}.")
    lines.append("Genes:" if genome.alleles else "Genes: none; bind some with autobind=[...].")
    for name, allele in genome.alleles.items():
        gene = Expressed.of(name, allele)
        places = ", ".join(gene.path) if gene.is_patchable else "read by name"
        evolves = "evolves" if allele.can_mutate else "stays"
        lines.append(f"  {name} = {allele.value!r} in {allele.domain}, {evolves}: {places}")
    return "\n".join(lines)


NEVER_CROSSBREEDS = (
    "The strategies select parents and never crossbreed: a member inherits its parents' weights "
    "and keeps its own genes; add a strategy with handle_crossbreeding, such as Dominant()."
)


def _gradients(reduction: str) -> str:
    how = f": {_AVERAGED[reduction]}" if reduction in _AVERAGED else ""
    return f"Gradients are averaged while members cooperate ({reduction}{how})."


def _rounds(schedule: Schedule) -> str:
    cooperative = schedule.cooperative_steps
    competitive = schedule.round_length - cooperative
    return (
        f"Rounds of {schedule.round_length} steps: {cooperative} of cooperation, then "
        f"{competitive} of competition."
    )


def _ramp(settings: Settings) -> str:
    ramp, total = settings.ramp, settings.total_steps
    if ramp.end is None or not total:
        why = "a scheduler sets it" if total else "the length of the run is unknown"
        return f"The learning rate has no warm-up and no cooldown: {why}."
    return (
        f"Over {total} steps the learning rate rises in the first {ramp.warmup / total:.0%} and "
        f"falls to zero in the last {ramp.cooldown / total:.0%}; the gene multiplies it."
    )


def _history(history: History) -> str:
    if history.path is None:
        return "Rank 0 writes the history."
    kept = "" if history.is_kept else ", deleted with the process; history='run.jsonl' keeps it"
    return f"History: {history.path}{kept}."
