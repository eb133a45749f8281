"""Throws damaged, foreign and hostile documents at the deserializer.

Every one of them loads, or is refused with a `ClanTuneError` that has a path: nothing else may
happen, nor may it take long or much memory. What loads is saved and loaded once more, and must be
the same thing.

    python tests/benchmarks/fuzz.py [--documents 200000] [--seed 0]
"""

from __future__ import annotations

import argparse
import copy
import json
import resource
import string
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any
from uuid import UUID

import attrs
from clantune_compass import AngleAllele

from clantune_core import (
    AbstractAllele,
    AbstractStrategy,
    Ancestry,
    BoolAllele,
    ClanTuneError,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    StringAllele,
    deserialize,
    from_json,
    load_strategy,
    serialize,
    to_json,
)
from clantune_core.data.text import MAX_CHARACTERS

sys.path.insert(0, str(Path(__file__).parent))
from _report import bar, report, show_progress

Document = tuple[dict[str, Any], type]
Mutation = Callable[[Random, Any], object]

TRACED = 101  # no divisor in common with the number of mutations
"""Every so many documents one is read under `tracemalloc`, which slows it down a lot."""

# ---- The corpus: real documents, small, so that a mutation hits something that matters ----


def tower(levels: int) -> AbstractAllele:
    """Return an allele with alleles in its metadata, so many levels below it."""
    allele: AbstractAllele = LogFloatAllele(0.1, (1e-3, 1.0), can_crossbreed=False)
    for level in range(levels):
        allele = FloatAllele(level / 7, (0.0, 40.0), metadata={"std": allele, "memory": [level]})
    return allele


def genomes() -> Iterator[Genome]:
    identities = [UUID(int=number, version=4) for number in range(3)]
    parents = Ancestry([0.25, 0.0, 0.75], identities)
    genes = {
        "optimizer/0/lr": LogFloatAllele(3e-4, (1e-6, 1.0), metadata={"std": FloatAllele(0.2)}),
        "beta": LogitFloatAllele(0.9, can_mutate=False),
        "depth": IntAllele(3, (1, 9), position=3.25),
        "nesterov": BoolAllele(True),
        "schedule": StringAllele("cosine", ("cosine", "linear")),
        "wind": AngleAllele(90.0),
    }
    yield Genome(uuid=identities[0])
    yield Genome(genes, uuid=identities[0], fitness=0.5, metadata={"round": 3, "notes": ["a", {}]})
    yield Genome(genes, uuid=identities[1], fitness=float("nan"), parents=parents)
    yield Genome({"deep": tower(12)}, uuid=identities[2], fitness=float("inf"), parents=parents)


def corpus() -> list[Document]:
    """Return documents of every sort, and what each holds."""
    gust = load_strategy("gust", chance=0.5)
    return [
        *[(serialize(genome), Genome) for genome in genomes()],
        (serialize(tower(3)), AbstractAllele),
        (serialize(gust), AbstractStrategy),
        (serialize(Evolution([gust, load_strategy("gust")])), Evolution),
    ]


# ---- Places in a document ----


def containers(data: Any) -> Iterator[Any]:
    """Yield every list and mapping in plain data that has something in it."""
    inside = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    if inside:
        yield data
    for item in inside:
        yield from containers(item)


def put(rng: Random, data: Any, value: object) -> Any:
    """Replace something in the document, or the whole of it."""
    if rng.random() < 0.02:
        return value
    place = rng.choice([*containers(data)])
    key = rng.choice([*place] if isinstance(place, dict) else range(len(place)))
    place[key] = value
    return data


def mappings(data: Any) -> list[dict[str, Any]]:
    return [place for place in containers(data) if isinstance(place, dict)]


def size(rng: Random, most: int) -> int:
    """Return a number between 1 and `most`, small ones as often as large ones of any magnitude."""
    return int(most ** rng.random())


def raw(rng: Random, data: Any, text: str) -> str:
    """Put text into the JSON where a value was, whether it is JSON or not."""
    return json.dumps(put(rng, data, "@raw@")).replace('"@raw@"', text, 1)


# ---- Mutations of the tree: what is written is JSON, and wrong ----

WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, 5e-324, 2**53 + 1, 2**1024 - 1, -(2**1024)),
    *("", "nan", "inf", "-inf", "1", "true", "float", "genome", "\x00\n\x1b[31m", "é" * 50),
    *([], {}, [[]], [None], [0, 0], {"": {}}, {"kind": "float", "value": 1}, {"strategy": "gust"}),
    *("0" * 32, "00000000-0000-4000-8000-000000000000", [[1.0, "0" * 32]], [[2**1024 - 1, "0"]]),
)


def wrong_type(rng: Random, data: Any) -> object:
    return json.dumps(put(rng, data, rng.choice(WRONG)))


def unknown_tag(rng: Random, data: Any) -> object:
    tags = ("os:system", "__import__", "flot", "gusts", "a" * size(rng, 10_000), "../x", "builtins")
    key = rng.choice(("kind", "strategy", "clantune"))
    holders = [place for place in mappings(data) if key in place] or mappings(data)
    rng.choice(holders)[key] = rng.choice((*tags, *WRONG))
    return json.dumps(data)


def other_version(rng: Random, data: Any) -> object:
    data["version"] = rng.choice((0, 2, -1, 10**300, 1.0, True, "1", *WRONG))
    return json.dumps(data)


def deleted_key(rng: Random, data: Any) -> object:
    place = rng.choice([*containers(data)])
    del place[rng.choice([*place] if isinstance(place, dict) else range(len(place)))]
    return json.dumps(data)


def renamed_key(rng: Random, data: Any) -> object:
    place = rng.choice(mappings(data))
    key = rng.choice([*place])
    place[rng.choice((key.upper(), key + " ", "", "__class__", "a" * size(rng, 10**5)))] = (
        place.pop(key)
    )
    return json.dumps(data)


def swapped_values(rng: Random, data: Any) -> object:
    one, other = rng.choice(mappings(data)), rng.choice(mappings(data))
    key, with_key = rng.choice([*one]), rng.choice([*other])
    one[key], other[with_key] = copy.deepcopy((other[with_key], one[key]))
    return json.dumps(data)


def spliced(rng: Random, data: Any) -> object:
    foreign = copy.deepcopy(rng.choice(CORPUS)[0])
    part = rng.choice([*containers(foreign)])
    return json.dumps(put(rng, data, part))


def many_alleles(rng: Random, data: Any) -> object:
    leaf = {"kind": "float", "value": 0}
    return json.dumps(put(rng, data, {str(number): leaf for number in range(size(rng, 10_000))}))


def deep_alleles(rng: Random, data: Any) -> object:
    allele: dict[str, Any] = {"kind": "float", "value": 0}
    for _ in range(size(rng, 200)):
        allele = {"kind": "float", "value": 0, "alleles": {"std": allele}}
    return json.dumps(put(rng, data, rng.choice((allele, {"lr": allele}))))


def many_strategies(rng: Random, data: Any) -> object:
    return json.dumps(put(rng, data, [{"strategy": "gust"}] * size(rng, 10_000)))


# ---- Mutations of the text: what is written may be no JSON at all ----


def truncated(rng: Random, data: Any) -> object:
    text = json.dumps(data)
    return text[: rng.randrange(len(text))]


def flipped_bytes(rng: Random, data: Any) -> object:
    text = bytearray(json.dumps(data).encode())
    for _ in range(size(rng, 8)):
        text[rng.randrange(len(text))] ^= 1 << rng.randrange(8)
    return bytes(text)


def inserted_characters(rng: Random, data: Any) -> object:
    text = json.dumps(data)
    at = rng.randrange(len(text))
    return text[:at] + rng.choice((*string.punctuation, *"0e\\\x00\ufeff \n")) + text[at:]


def deep_nesting(rng: Random, data: Any) -> object:
    levels = size(rng, 100_000)
    start, end = rng.choice((("[", "]"), ('{"a":', "}"), ('[{"":', "}]")))
    return raw(rng, data, start * levels + "0" + end * rng.choice((levels, levels, 0)))


def huge_number(rng: Random, data: Any) -> object:
    digits = rng.choice("123456789") * size(rng, 100_000)
    forms = ("{}", "-{}", "{}.0", "0.{}", "1e{}", "1e-{}", "{}e-{}", "1e999", "-1e999", "1e309")
    return raw(rng, data, rng.choice(forms).replace("{}", digits))


def not_a_number(rng: Random, data: Any) -> object:
    return raw(rng, data, rng.choice(("NaN", "Infinity", "-Infinity", "nan", "-", "+1", "01")))


def repeated_key(rng: Random, data: Any) -> object:
    key = rng.choice([*rng.choice(mappings(data))])
    pair = f"{json.dumps(key)}: {json.dumps(rng.choice(WRONG))}"
    text = json.dumps(data)
    braces = [at for at, character in enumerate(text) if character == "{"]
    at = rng.choice(braces) + 1
    comma = "" if text[at] == "}" else ", "
    return f"{text[:at]}{pair}{comma}{text[at:]}"


def not_utf8(rng: Random, data: Any) -> object:
    text = json.dumps(data)
    encoded = text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-32-be", "utf-16-le")))
    at = rng.randrange(len(encoded))
    return encoded[:at] + rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"")) + encoded[at:]


def lone_surrogate(rng: Random, data: Any) -> object:
    half = chr(rng.randrange(0xD800, 0xE000))
    if rng.random() < 0.5:
        return json.dumps(put(rng, data, f"a{half}"))
    rng.choice(mappings(data))[half] = 0
    return json.dumps(data, ensure_ascii=False)


def giant_string(rng: Random, data: Any) -> object:
    text = rng.choice(("a", "\x07", "é", "\\")) * size(rng, 2**20)
    if rng.random() < 0.5:
        return json.dumps(put(rng, data, text))
    rng.choice(mappings(data))[text] = {"kind": "float", "value": 0}
    return json.dumps(data)


def too_large(rng: Random, data: Any) -> object:
    item = rng.choice(("[]", "{}", "0", '""', "null", '{"kind": "float", "value": 0}'))
    return raw(rng, data, f"[{','.join([item] * size(rng, 2**19))}]")


def full_of_faults(rng: Random, data: Any) -> object:
    """Large, and of what costs much in memory or is a fault as often as it is there."""
    item = rng.choice(
        ("NaN", "1e999", "[[[[]]]]", '{"":{"":0}}', '{"a":1,"a":1}', '"ab"', '"\\ud800"', "9" * 500)
    )
    times = size(rng, MAX_CHARACTERS) // (len(item) + 1)
    return raw(rng, data, f"[{f'{item},' * times}0]")


def random_bytes(rng: Random, data: Any) -> object:
    return rng.randbytes(size(rng, 1000))


# ---- Python data, handed in as it is ----


class Broken:
    """Shows that nobody relies on what a stranger's object does."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def cycle() -> object:
    data: dict[str, Any] = {}
    data["a"] = data["b"] = [data, data]
    return data


def shared_parts(levels: int) -> object:
    """Return lists that hold one list twice, and so are as large as 2 to the levels."""
    data: Any = []
    for _ in range(levels):
        data = [data, data]
    return data


FOREIGN: tuple[Callable[[], object], ...] = (
    *(object, set, Broken, Decimal, cycle, dict, list, tuple, bytearray),
    *(lambda: b"bytes", lambda: float("nan"), lambda: float("-inf"), lambda: 10**5000),
    *(lambda: {1: 2}, lambda: {None: 2}, lambda: {10**5000: 2}, lambda: {Broken(): 2}),
    *(lambda: MappingProxyType({"kind": "float", "value": 1}), lambda: range(3), lambda: iter("a")),
    *(lambda: shared_parts(20), lambda: shared_parts(120), lambda: {shared_tuple()}),
    *(lambda: Genome, lambda: FloatAllele(1.0), lambda: UUID(int=0), lambda: "\ud800", lambda: 1j),
)


def shared_tuple() -> object:
    data: Any = ()
    for _ in range(12):
        data = (data, data)
    return data


def python_data(rng: Random, data: Any) -> object:
    return put(rng, data, rng.choice(FOREIGN)())


def untouched(rng: Random, data: Any) -> object:
    return rng.choice((data, json.dumps(data), json.dumps(data).encode()))


MUTATIONS: tuple[Mutation, ...] = (
    *(wrong_type, unknown_tag, other_version, deleted_key, renamed_key, swapped_values, spliced),
    *(many_alleles, deep_alleles, many_strategies, truncated, flipped_bytes, inserted_characters),
    *(deep_nesting, huge_number, not_a_number, repeated_key, not_utf8, lone_surrogate),
    *(giant_string, too_large, full_of_faults, random_bytes, python_data, untouched),
)

CORPUS = corpus()


# ---- The run ----


@attrs.frozen
class Case:
    """One document, which the seed and its number make again at any time."""

    number: int
    mutation: str
    data: object
    expected: type

    @classmethod
    def make(cls, seed: int, number: int) -> Case:
        rng = Random(f"{seed}:{number}")  # by its text: neighbours have nothing in common
        document, expected = rng.choice(CORPUS)
        mutation = MUTATIONS[number % len(MUTATIONS)]
        data = mutation(rng, copy.deepcopy(document))
        return cls(number, mutation.__name__, data, expected)


@attrs.frozen
class Verdict:
    """What became of a document."""

    case: Case
    outcome: str
    seconds: float
    """Processor time to load or refuse it: what others do on the machine is no fault of ours."""
    fault: str = ""
    """What should not have happened; empty if all is well."""


def judge(case: Case) -> Verdict:
    """Load a document, and if that works save it and load it again."""
    start = time.process_time()
    try:
        thing: Any = deserialize(case.data, case.expected)
    except ClanTuneError as error:
        path = getattr(error, "path", None)
        fault = "" if str(path).startswith("$") else f"path {path!r} of {error!r}"
        return Verdict(case, "refused", time.process_time() - start, fault)
    except Exception as error:  # noqa: BLE001  (this is what we look for)
        return Verdict(case, "escaped", time.process_time() - start, repr(error)[:200])
    return Verdict(case, "loaded", time.process_time() - start, _second_time(thing, case.expected))


def _second_time(thing: Any, expected: type) -> str:
    try:
        return "" if from_json(to_json(thing), expected) == thing else "changed when saved again"
    except Exception as error:  # noqa: BLE001  (this is what we look for)
        return f"cannot be saved and loaded again: {error!r}"[:200]


def memory_of(case: Case) -> int:
    """Return the bytes that judging a document takes at its peak."""
    tracemalloc.start()
    try:
        judge(case)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peak_resident() -> int:
    """Return the most bytes that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@attrs.define
class Tally:
    """What is kept of the verdicts; the documents themselves are not."""

    outcomes: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    slowest: dict[str, float] = attrs.field(factory=dict)
    traced: dict[str, int] = attrs.field(factory=dict)
    faults: list[str] = attrs.field(factory=list)

    def add(self, verdict: Verdict) -> None:
        name = verdict.case.mutation
        self.outcomes[name, verdict.outcome] += 1
        self.slowest[name] = max(self.slowest.get(name, 0.0), verdict.seconds)
        if verdict.fault:
            self.faults.append(f"document {verdict.case.number}, {name}: {verdict.fault}")

    def trace(self, case: Case) -> None:
        self.traced[case.mutation] = max(self.traced.get(case.mutation, 0), memory_of(case))


def run(documents: int, seed: int) -> Tally:
    """Judge so many documents."""
    tally = Tally()
    for number in range(documents):
        case = Case.make(seed, number)
        tally.add(judge(case))
        if number % TRACED == 0:
            tally.trace(case)
        if number % 500 == 0:
            show_progress(number, documents, "documents")
    show_progress(documents, documents, "documents")
    return tally


def main(documents: int, seed: int) -> int:
    start, resident = time.perf_counter(), peak_resident()
    tally = run(documents, seed)
    growth = (peak_resident() - resident) / 2**20
    for fault in tally.faults[:20]:
        print(fault)
    outcomes = ("loaded", "refused", "escaped")
    names = [mutation.__name__ for mutation in MUTATIONS if mutation.__name__ in tally.slowest]
    rows = [("mutation", *outcomes, "slowest ms", "traced MiB")] + [
        (
            name.replace("_", " "),
            *[tally.outcomes[name, outcome] for outcome in outcomes],
            tally.slowest[name] * 1e3,
            tally.traced.get(name, 0) / 2**20,
        )
        for name in names
    ]
    totals = {o: sum(tally.outcomes[name, o] for name in names) for o in outcomes}
    worst = max(tally.slowest, key=lambda name: tally.slowest[name])
    figures = {
        "documents": documents,
        "seed": seed,
        **totals,
        "slowest_mutation": worst,
        "traced_peak_mib": round(max(tally.traced.values()) / 2**20, 1),
        "seconds": round(time.perf_counter() - start, 1),
    }
    bars = [
        bar("other exceptions, paths missing, things changed", len(tally.faults), 0),
        bar("processor seconds for the slowest document", round(tally.slowest[worst], 3), 1.0),
        bar("growth of peak memory, MiB", round(growth, 1), 256.0),
    ]
    return report(f"Fuzzing the deserializer, {documents:,} documents", rows, figures, bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--quick", action="store_const", const=1_000, dest="documents")
    parser.add_argument("--seed", type=int, default=0)
    raise SystemExit(main(**vars(parser.parse_args())))
