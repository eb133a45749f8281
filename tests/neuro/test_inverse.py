"""The inverse of a step that keeps the norm, and compaction."""

import pytest
import torch
from networks import BANK, random_chain

from clantune_neuro import Gene, NeuroError, Nursery
from clantune_neuro.replay.compaction import compacted
from clantune_neuro.replay.inverse import invert, sign_bit


def trials(count, size, lengths):
    generator = torch.Generator().manual_seed(size)
    before = torch.randn(count, size, generator=generator, dtype=torch.float64)
    before /= before.norm(dim=1, keepdim=True)
    noise = torch.randn(count, size, generator=generator, dtype=torch.float64)
    low, high = lengths
    length = low + (high - low) * torch.rand(count, 1, generator=generator, dtype=torch.float64)
    noise *= length / noise.norm(dim=1, keepdim=True)
    after = before + noise
    return before, noise, after / after.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("size", [3, 16, 128])
def test_noise_up_to_the_length_1_is_inverted_without_a_bit(size):
    before, noise, after = trials(20_000, size, (0, 0.999))
    assert not sign_bit(before, noise).any()
    assert (invert(after, noise) - before).abs().max() < 1e-6


@pytest.mark.parametrize("size", [3, 16, 128])
def test_longer_noise_is_inverted_with_its_bit(size):
    before, noise, after = trials(20_000, size, (1, 4))
    bit = sign_bit(before, noise)
    assert bit.any()
    assert (invert(after, noise, bit) - before).abs().max() < 1e-5


def test_a_step_that_is_not_possible_is_refused():
    with pytest.raises(NeuroError) as info:
        invert(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0]))
    assert str(info.value) == (
        "there is no vector of norm 1 whose sum with the noise has this direction; pass the noise "
        "of the gene that led here"
    )


def test_a_compacted_lineage_has_the_same_weights_and_the_same_future():
    nursery = Nursery(BANK)
    allele = BANK.allele(1).with_value(random_chain(BANK, 40, 2))
    short = compacted(allele, nursery, after=40)
    assert (short.value.num_genes, short.metadata) == (4, allele.metadata)
    assert compacted(allele, nursery, after=41) is allele
    for number in range(2, 16):
        gene = Gene(number, 2 if BANK.entry(number).name == "norm" else 0, -300, number)
        found = [nursery.state(each.append(gene)).sha256 for each in (allele, short)]
        assert found[0] == found[1]
