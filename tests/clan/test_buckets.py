"""Buckets: all rows are in one, none is too large, and tensors of every layout come out again."""

import itertools
import math

import pytest
import torch

from clantune_clan.communication import buckets
from clantune_clan.communication.buckets import Outline, buckets_of

CPU = torch.device("cpu")
LIMIT = 256


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(buckets, "LIMIT", LIMIT)


def tensors_of_every_kind():
    torch.manual_seed(0)
    tensors = {
        "plain": torch.randn(40, 6),
        "few": torch.randn(3),
        "channels last": torch.randn(8, 3, 5, 5).to(memory_format=torch.channels_last),
        "turned": torch.randn(9, 30).t(),
        "strided": torch.randn(40, 8)[:, ::2],
        "expanded": torch.randn(7, 1).expand(7, 9),
        "expanded rows": torch.randn(9).expand(7, 9),
        "scalar": torch.randn(()),
        "nothing": torch.empty(0, 4),
        "mask": torch.randn(33) > 0,
        "count": torch.tensor(7),
        "low": torch.randn(70, dtype=torch.bfloat16),
        "tiny": torch.randn(300).to(torch.float8_e4m3fn),
        "words": torch.randint(0, 60000, (21,)).to(torch.uint16),
        "waves": torch.randn(40, dtype=torch.complex64).conj(),
    }
    return {Outline.of(name, tensor): tensor for name, tensor in tensors.items()}


def as_bytes(tensor):
    return tensor.resolve_conj().contiguous().view(-1).view(torch.uint8).tolist()


def test_every_row_is_in_one_bucket_in_order():
    tensors = tensors_of_every_kind()
    seen = dict.fromkeys(tensors, 0)
    for bucket in buckets_of(tensors):
        assert bucket.rows
        for rows in bucket.rows:
            assert (rows.outline.dtype, rows.outline.device) == (bucket.dtype, bucket.device)
            assert rows.begin == seen[rows.outline]
            seen[rows.outline] = rows.end
    assert seen == {
        outline: (tensor.shape[0] if tensor.dim() else 1) if tensor.numel() else 0
        for outline, tensor in tensors.items()
    }


def test_a_bucket_is_larger_than_its_limit_only_for_one_large_row():
    tensors = tensors_of_every_kind()
    sizes = [(len(bucket.rows), bucket.empty(CPU).nbytes) for bucket in buckets_of(tensors)]
    assert all(size <= LIMIT or rows == 1 for rows, size in sizes)
    assert max(size for _, size in sizes) == math.prod((3, 5, 5)) * 4  # a row of the images
    by_type = {}
    for bucket in buckets_of(tensors):
        by_type.setdefault(bucket.dtype, []).append(bucket.empty(CPU).nbytes)
    for sizes in by_type.values():  # none could have been added to the one before
        assert all(one + other > LIMIT for one, other in itertools.pairwise(sizes))


def test_what_is_packed_comes_out_in_any_layout():
    tensors = tensors_of_every_kind()
    filled = {outline: torch.zeros_like(tensor) for outline, tensor in tensors.items()}
    for bucket in buckets_of(tensors):
        bucket.unpack(bucket.pack(tensors, CPU), filled)
    for outline, tensor in tensors.items():
        assert as_bytes(filled[outline]) == as_bytes(tensor), outline.name


def test_an_expanded_tensor_is_filled_where_it_is():
    given, filled = torch.arange(7.0).view(7, 1).expand(7, 9), torch.zeros(7, 1).expand(7, 9)
    outline = Outline.of("expanded", given)
    for bucket in buckets_of([outline]):
        bucket.unpack(bucket.pack({outline: given}, CPU), {outline: filled})
    assert filled.stride() == (1, 0)
    assert filled.equal(given)


def test_rows_are_packed_in_a_wider_type_and_come_out_in_their_own():
    given = torch.randn(300).to(torch.bfloat16)
    outline, filled = Outline.of("low", given), torch.zeros(300, dtype=torch.bfloat16)
    for bucket in buckets_of([outline]):
        packed = bucket.pack({outline: given}, CPU, torch.float32)
        assert packed.dtype is torch.float32
        bucket.unpack(packed, {outline: filled})
    assert filled.equal(given)


def test_a_bucket_among_some_has_the_rows_of_these_alone():
    tensors = tensors_of_every_kind()
    some = [outline for outline in tensors if outline.name in ("plain", "scalar")]
    found = {rows.outline for b in buckets_of(tensors) for rows in b.among(some).rows}
    assert found == {*some}
    [bucket] = [b for b in buckets_of(tensors) if b.dtype is torch.bool]
    assert bucket.among(some).pack(tensors, CPU).shape == (0,)


def test_an_outline_says_what_differs():
    outline = Outline.of("weight", torch.zeros(3, 2, dtype=torch.bfloat16))
    assert str(outline) == "bfloat16 of shape (3, 2) on cpu"
    assert outline == Outline("weight", torch.bfloat16, (3, 2), "cpu")
