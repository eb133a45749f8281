"""A small form of `python tests/benchmarks/fuzz.py`."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"


def _load(path):
    spec = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_two_thousand_documents_load_or_are_refused_with_a_path(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    fuzz = _load(SCRIPT)
    tally = fuzz.run(documents=2_000, seed=2)
    assert tally.faults == []
    assert max(tally.slowest.values()) < 60  # nothing hangs; the benchmark has the bar
    tried = {name for name, _ in tally.outcomes}
    assert tried == {mutation.__name__ for mutation in fuzz.MUTATIONS}
    by_outcome = {outcome for _, outcome in tally.outcomes}
    assert by_outcome == {"loaded", "refused"}  # a fuzzer that is always refused shows little


def test_the_fuzzer_notices_what_escapes(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    fuzz = _load(SCRIPT)

    class Hostile(dict):
        def __len__(self):
            raise RuntimeError("escaped")

    case = fuzz.Case(number=7, mutation="hostile", data=Hostile(), expected=fuzz.Genome)
    verdict = fuzz.judge(case)
    assert (verdict.outcome, verdict.fault) == ("escaped", "RuntimeError('escaped')")
