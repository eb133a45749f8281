"""Predict each letter of a text from the letters before it, and report how many bits it takes.

A program as a user writes it: it reads its values by dot, and reports. It counts which letter
follows each context of up to five letters, and mixes these counts, the longest context last.
"""

import collections
import importlib.util
import math
import re
import sys

from clantune_store import Parameters

LEARN, TEST, LONGEST = 12_000, 2_000, 5


def read(name: str) -> str:
    """Return the source of a module of Python."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SystemExit(f"there is no source of {name}")
    with open(found.origin, encoding="utf-8") as file:
        return file.read(2 * LEARN)


def main() -> None:
    """Learn from the begin of a text, and predict what follows."""
    knobs = Parameters(dataset=sys.argv[1])
    text = read(sys.argv[1])
    if knobs.text.join_spaces_bool:
        text = re.sub(" +", " ", text)
    counts: list[dict[str, dict[str, float]]] = [{} for _ in range(LONGEST + 1)]
    for length in range(LONGEST + 1):
        for at in range(length, LEARN):
            followed = counts[length].setdefault(
                text[at - length : at], collections.defaultdict(float)
            )
            followed[text[at]] += 1
    mistrust = [
        *(knobs.mistrust.none_log, knobs.mistrust.one_log, knobs.mistrust.two_log),
        *(knobs.mistrust.three_log, knobs.mistrust.four_log, knobs.mistrust.five_log),
    ]
    power, discount = knobs.counts.power, knobs.counts.discount_real_0
    weight = [0.0, *((max(count - discount, 0.0)) ** power for count in range(1, LEARN + 1))]
    bits = 0.0
    with knobs.report() as result:
        for at in range(LEARN, LEARN + TEST):
            share = 1 / 256
            for length in range(LONGEST + 1):
                context = text[at - length : at]
                if context not in counts[length]:
                    break
                followed = counts[length][context]
                total = sum(weight[int(count)] for count in followed.values())
                own = weight[int(followed.get(text[at], 0))]
                share = (own + mistrust[length] * share) / (total + mistrust[length])
            bits -= math.log2(share)
        result["bits"] = bits / TEST


if __name__ == "__main__":
    main()
