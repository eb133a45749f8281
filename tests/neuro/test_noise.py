"""The words of the generator, its twin in torch, and the tables."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clantune_neuro.errors import NeuroError
from clantune_neuro.noise import make_tables, shapes
from clantune_neuro.noise.philox import fields, key_of, torch_fields
from clantune_neuro.noise.sources import NumpySource, TorchSource, source_for

words = st.sampled_from((0, 1, 2**63, 2**64 - 1)) | st.integers(0, 2**64 - 1)
CPU = torch.device("cpu")


@given(words, words, st.integers(1, 100))
def test_the_twin_has_the_fields_of_numpy(seed, key, count):
    assert torch_fields(seed, key, count).tolist() == fields(seed, key, count).tolist()


def test_fields_are_the_parts_of_a_word_with_low_bits_first():
    word = int(np.random.Philox(key=np.array([7, 9], dtype=np.uint64)).random_raw())
    assert fields(7, 9, 4).tolist() == [word >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    assert fields(7, 9, 3).tolist() == fields(7, 9, 4).tolist()[:3]


def test_known_answers_of_the_generator():
    """The published answer for counter 0 and key 0, and ours, which starts at counter 1."""
    before = np.random.Philox(counter=2**256 - 1, key=0)
    assert [f"{word:016x}" for word in before.random_raw(4)] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]
    assert fields(0, 0, 4).tolist() == [55451, 2276, 47716, 756]


def test_a_key_is_the_start_of_the_hash_of_a_name():
    assert key_of("0.weight") == int.from_bytes(hashlib.blake2b(b"0.weight").digest()[:8], "little")
    assert len({key_of("a"), key_of("a", "rate"), key_of("a", "row"), key_of("b")}) == 4


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_a_table_has_unit_variance_and_no_mean(shape):
    values = shapes.table(shape).double() / 2**24
    assert values.sum() == 0
    assert values.square().mean().sqrt() == pytest.approx(1, abs=1e-7)
    kurtosis = {"normal": 2.999, "exponential": 5.98, "uniform": 1.8}[shape]
    assert values.pow(4).mean() == pytest.approx(kurtosis, abs=1e-3)


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_the_script_makes_the_tables_of_the_package(shape, tmp_path):
    made = hashlib.sha256(make_tables.table(make_tables.QUANTILES[shape])).hexdigest()
    assert made == shapes.HASHES[shape]


def test_the_script_writes_every_table(tmp_path):
    make_tables.main(str(tmp_path))
    assert {file.stem for file in tmp_path.iterdir()} == set(shapes.SHAPES)


def test_a_damaged_table_is_refused(tmp_path, monkeypatch):
    (tmp_path / "noise" / "tables").mkdir(parents=True)
    (tmp_path / "noise" / "tables" / "normal.bin").write_bytes(b"none")
    monkeypatch.setattr(shapes.resources, "files", lambda _: tmp_path)
    with pytest.raises(NeuroError) as info:
        shapes.table.__wrapped__("normal")
    assert str(info.value) == (
        f"the table {tmp_path}/noise/tables/normal.bin is damaged: its SHA-256 is "
        f"{hashlib.sha256(b'none').hexdigest()}, not {shapes.HASHES['normal']}; install "
        "clantune-neuro again"
    )


@given(words, st.integers(1, 50))
def test_both_sources_look_up_the_same_entries(seed, count):
    table = shapes.table("normal")
    one = NumpySource().look_up(table, seed, 5, count)
    other = TorchSource(CPU).look_up(table, seed, 5, count)
    assert one.dtype == other.dtype == torch.int32
    assert torch.equal(one, other)


def test_numpy_is_the_source_on_a_cpu_and_torch_elsewhere():
    assert source_for(CPU) == NumpySource()
    assert source_for(torch.device("meta")) == TorchSource(torch.device("meta"))


def test_tensors_genes_and_neighbours_are_independent():
    count = 200_000
    table = shapes.table("normal").double() / 2**24
    draw = lambda seed, name: table[fields(seed, key_of(name), count).astype(np.int64)]  # noqa: E731
    one = draw(1, "0.weight")
    limit = 4 / count**0.5
    for other in (draw(1, "2.weight"), draw(2, "0.weight"), one.roll(1)):
        assert abs((one * other).mean()) < limit
    assert abs(one.mean()) < limit
    assert one.square().mean() == pytest.approx(1, abs=2**0.5 * limit)
    assert one.pow(4).mean() == pytest.approx(2.999, abs=96**0.5 * limit)


def test_fields_are_uniform():
    """By the test of Kolmogorov and Smirnov, at a level of 1 in 1,000."""
    count = 200_000
    found = np.sort(fields(3, key_of("0.weight"), count)) / 65_536
    places = np.arange(count) / count
    assert max(abs(found - places)) < 1.95 / count**0.5 + 1 / 65_536
