"""Files of runs of rare shapes, made of real records: large, failed, resumed, with odd genes."""

import json
import math
import random

from clantune_clan.ramp import Ramp
from clantune_clan.records import PhaseStart, RoundRecord, RunEnd, RunStart
from clantune_clan.records.events import as_data
from clantune_core import (
    BoolAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
)
from clantune_core.contracts import Expressed

HOSTILE = "<img src=http://127.0.0.1:9/x onerror=window.hacked=1>"
SCRIPT = "</script><script>window.hacked=1</script>&lt;%{x}$x$\u202e"

RATE = Expressed("optimizer/param_groups/0/lr")

GENES = {
    "lr": RATE.added_to(LogFloatAllele(0.01, (1e-5, 1.0))),
    "critic/lr/1": RATE.added_to(LogFloatAllele(0.02, (1e-5, 1.0))),
    "beta": LogitFloatAllele(0.9, (0.1, 0.9999)),
    "count": IntAllele(4, (1, 32)),
    "plain": FloatAllele(0.0, (-5.0, 5.0)),
    HOSTILE: FloatAllele(1.0, (0.0, 2.0)),
    "flag": BoolAllele(True),
    "mode": StringAllele("fast", ("fast", "slow", SCRIPT)),
    "fixed": FloatAllele(3.0, (0.0, 5.0), can_mutate=False),
}


def start(**changes):
    given = {
        "time": 1000.0,
        "step": 0,
        "members": 4,
        "ranks": 4,
        "recipe": "factorial",
        "strategies": ["Everyone()", SCRIPT],
        "presets": ["adamw"],
        "inheritance": "mean",
        "mode": "min",
        "total_steps": 200,
        "round_length": 10,
        "duty_cycle": 0.2,
        "ramp": Ramp(0, 200, 20.0, 40.0),
        "genes": GENES,
        "versions": {"clantune": "0.1.0"},
    }
    return RunStart(**(given | changes))


class Shape:
    """The lines of a file, with as many rounds as are asked for."""

    def __init__(self, settings=None, seed=0):
        self.drawn = random.Random(seed)
        self.settings = settings or start()
        self.lines = [as_data(self.settings)]
        self.round, self.step, self.time = 0, self.settings.step, self.settings.time

    def rounds(self, count, *, fails=lambda round_, member: False, continues=None, **changes):
        """Add rounds in which the loss depends on the genes."""
        for _ in range(count):
            self._round(fails, continues, changes)
            continues = None
        return self

    def again(self, settings):
        """Resume with other settings."""
        self.settings, self.time = settings, self.time + 500.0
        self.lines.append(as_data(settings))
        return self

    def text(self, *, ends=True):
        """Return the content of the file."""
        lines = [*self.lines, as_data(RunEnd(time=self.time))] if ends else self.lines
        return "".join(f"{json.dumps(line)}\n" for line in lines)

    def _round(self, fails, continues, changes):
        length, members = self.settings.round_length, self.settings.members
        alone = round(length * self.settings.duty_cycle)
        self._phase(self.step, "cooperative", 0.01 * (length - alone))
        if alone:
            self._phase(self.step + length - alone, "competitive", 0.02 * alone)
        is_mean = self.settings.inheritance == "mean"
        lost = [fails(self.round, member) for member in range(members)]
        sound = [member for member in range(members) if not lost[member]] or [*range(members)]
        for member in range(members):
            genes = {name: self._value(allele) for name, allele in self.settings.genes.items()}
            score = 1.0 / (1.0 + self.round) + 0.01 * self.drawn.random()
            score += 0.05 * (genes.get("plain", 0.0) > 0)
            record = RoundRecord(
                round=self.round,
                start=self.step,
                steps=length,
                member=member,
                genome=f"{self.round}-{member}",
                genes=genes,
                learning_rates=[0.01, 0.02],
                metric=math.inf if lost[member] else score,
                parents=[(each, 1.0 / len(sound)) for each in sound],
                weights_from=None if is_mean else self.drawn.choice(sound),
                continues=continues and continues[member],
                seconds={"cooperation": 0.08, "competition": 0.04, "turnover": 0.01},
                **({"calibration": False, "centre": score if is_mean else None} | changes),
            )
            self.lines.append(record.as_data())
        self.round, self.step, self.time = self.round + 1, self.step + length, self.time + 0.03

    def _phase(self, step, mode, seconds):
        self.lines.append(as_data(PhaseStart(time=self.time, step=step, mode=mode)))
        self.time += seconds

    def _value(self, allele):
        if not allele.can_mutate:
            return allele.value
        if hasattr(allele, "choices"):
            return self.drawn.choice(allele.choices)
        return allele.with_latent(allele.latent + self.drawn.uniform(-1.0, 1.0)).value
