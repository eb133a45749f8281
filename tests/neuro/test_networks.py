import hashlib
import math

import numpy as np
import pytest
import torch

from clantune_neuro.draws import integers, normal, permutation
from clantune_neuro.errors import NetworkError, TaskError
from clantune_neuro.networks import (
    Answer,
    ConvPolicy,
    Heads,
    LinearPolicy,
    Multi,
    MultiConv,
    PlasticHeads,
    answer_of,
)
from clantune_neuro.networks.heads import projected


def weights(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_row_with_the_largest_dot_product_answers():
    bank = Heads(3, features=2, classes=2)
    with torch.no_grad():
        bank.features.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
        bank.logits.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    answer = bank(torch.tensor([[0.1, 0.9], [-4.0, 0.3], [2.0, 1.0]]))
    assert answer.rows.tolist() == [1, 2, 0]
    assert answer.logits.tolist() == [[3.0, 4.0], [5.0, 6.0], [1.0, 2.0]]


def test_a_change_of_a_row_that_answers_no_point_changes_no_answer():
    torch.manual_seed(0)
    bank = Heads(128, features=128, classes=10)
    x = torch.randn(64, 128)
    before = bank(x)
    unused = min(set(range(128)) - set(before.rows.tolist()))
    with torch.no_grad():
        bank.logits[unused] = 100.0
        bank.features[unused] *= 0.0
    assert torch.equal(bank(x).logits, before.logits)


def test_the_rows_of_a_new_bank_have_unit_norm():
    norms = Heads(128, features=64, classes=10).features.norm(dim=1)
    assert torch.allclose(norms, torch.ones(128), atol=1e-6)


def test_a_bank_projects_wide_inputs_by_a_matrix_that_its_seed_alone_decides():
    one, two = (Heads(4, features=8, classes=2, inputs=50) for _ in range(2))
    other = Heads(4, features=8, classes=2, inputs=50, projection_seed=1)
    assert torch.equal(one.projection, two.projection)
    assert not torch.equal(one.projection, other.projection)
    assert one(torch.randn(3, 5, 10)).logits.shape == (3, 2)
    assert list(one.state_dict()) == ["features", "logits"]


def test_a_projection_keeps_norms_about_the_same():
    bank = Heads(4, features=256, classes=2, inputs=1000)
    x = torch.from_numpy(normal(("test",), (20, 1000)))
    ratio = projected(x, bank.projection).norm(dim=1) / x.norm(dim=1)
    assert 0.85 < float(ratio.min()) < float(ratio.max()) < 1.15


def test_a_bank_without_a_projection_has_none():
    assert Heads(4, features=8, classes=2).projection is None
    assert Heads(4, features=8, classes=2, inputs=8).projection is None


def test_the_similarity_is_the_dot_product_of_a_point_and_the_row_that_answers():
    bank = Heads(16, features=8, classes=5)
    x = torch.randn(20, 8)
    answer = bank(x)
    expected = (x * bank.features[answer.rows]).sum(1)
    assert torch.allclose(answer.similarities, expected, atol=1e-6)


def test_a_plastic_bank_draws_rows_with_the_probabilities_of_a_softmax():
    bank = PlasticHeads(3, features=2, classes=2, temperature=0.5)
    with torch.no_grad():
        bank.features.copy_(torch.tensor([[1.0, 0.0], [0.5, 0.0], [-1.0, 0.0]]))
    rows = bank(torch.tensor([[1.0, 0.0]]).expand(20_000, 2)).rows
    found = rows.bincount(minlength=3) / len(rows)
    expected = torch.softmax(torch.tensor([1.0, 0.5, -1.0]) / 0.5, 0)
    assert torch.allclose(found, expected, atol=0.012)


def test_a_plastic_bank_draws_the_same_rows_each_time_and_others_with_another_seed():
    torch.manual_seed(0)
    bank, other = (PlasticHeads(16, features=8, classes=5, seed=seed) for seed in (0, 1))
    other.load_state_dict(bank.state_dict())
    x = torch.randn(50, 8)
    assert torch.equal(bank(x).rows, bank(x).rows)
    assert not torch.equal(bank(x).rows, other(x).rows)


def test_at_temperature_0_the_most_similar_row_of_a_plastic_bank_answers():
    cold = PlasticHeads(16, features=8, classes=5, temperature=0.0)
    bank = Heads(16, features=8, classes=5)
    bank.load_state_dict(cold.state_dict())
    x = torch.randn(50, 8)
    assert torch.equal(cold(x).rows, bank(x).rows)


def test_the_policy_of_convolutions_has_the_weights_of_the_notes():
    policy = ConvPolicy((3, 64, 64), classes=10)
    assert weights(policy) == 605_184
    assert policy(torch.zeros(2, 3, 64, 64)).shape == (2, 10)


def test_the_linear_policy_has_the_weights_of_the_notes():
    policy = LinearPolicy(784, classes=10)
    assert weights(policy) == 101_632
    assert policy(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("bias", [False, True])
def test_the_first_weights_have_twice_the_deviation_of_the_fan_in(bias):
    policy = LinearPolicy(400, hidden=200, classes=10, bias=bias)
    assert float(policy.hidden.weight.detach().std()) == pytest.approx(2 / math.sqrt(400), rel=0.02)
    assert (policy.hidden.bias is not None) == bias
    if bias:
        assert not policy.hidden.bias.any()


def test_an_ensemble_answers_with_the_largest_logit_of_its_networks():
    torch.manual_seed(0)
    members = [LinearPolicy(5, hidden=4, classes=3) for _ in range(3)]
    x = torch.randn(7, 5)
    expected = torch.maximum(torch.maximum(members[0](x), members[1](x)), members[2](x))
    assert torch.equal(Multi(members)(x), expected)


def test_the_ensemble_of_the_notes_has_four_policies_of_convolutions():
    assert weights(MultiConv((3, 40, 40), classes=2)) == 4 * weights(
        ConvPolicy((3, 40, 40), classes=2)
    )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: Heads(0, features=2, classes=2),
            "Heads: rows is 0; it must be at least 1",
        ),
        (
            lambda: Heads(1, features=2, classes=2, inputs=-1),
            "Heads: inputs is -1; it must be at least 1",
        ),
        (
            lambda: LinearPolicy(3, hidden=0, classes=2),
            "LinearPolicy: hidden is 0; it must be at least 1",
        ),
        (
            lambda: ConvPolicy((3, 16, 16), classes=2),
            (
                "ConvPolicy: convolution 2 reads 3 x 3 values with a kernel of 4; "
                "take larger pictures, or smaller kernels or strides"
            ),
        ),
        (
            lambda: ConvPolicy(classes=2, channels=(8, 8)),
            "ConvPolicy: 2 channels, 3 kernels and 3 strides; give one of each per convolution",
        ),
        (lambda: Multi([]), "Multi: the list of networks is empty; give at least one"),
    ],
)
def test_a_network_that_cannot_be_built_says_why(build, message):
    with pytest.raises(NetworkError) as error:
        build()
    assert str(error.value) == message


def test_the_output_of_any_network_is_read_as_an_answer():
    logits = torch.zeros(2, 3)
    assert answer_of(logits) == Answer(logits, None)
    answer = Answer(logits, torch.tensor([0, 1]))
    assert answer_of(answer) is answer
    with pytest.raises(TaskError) as error:
        answer_of([1.0])
    assert str(error.value) == (
        "the network returned list; a task reads a tensor of logits or "
        "clantune_neuro.networks.Answer(logits, rows)"
    )


def test_draws_are_the_same_on_every_machine():
    assert integers((0, "labels", 0), 8, 10).tolist() == [1, 2, 6, 5, 9, 1, 5, 6]
    assert permutation((0,), 5).tolist() == [3, 0, 4, 1, 2]
    values = normal((0, "x"), (1000,)).astype("<f4")
    assert hashlib.sha256(values.tobytes()).hexdigest() == (
        "051323fa7e47fceb26e05c2d8b100748b1d99be65c634e860a1e4a013b8f2130"
    )


def test_normal_draws_have_the_moments_of_the_normal_distribution():
    values = normal((7,), (400, 500)).astype(np.float64)
    assert abs(values.mean()) < 0.01
    assert values.std() == pytest.approx(1, abs=0.01)
    assert (values**4).mean() == pytest.approx(3, abs=0.06)
    assert np.unique(integers((7,), 10_000, 10), return_counts=True)[1].min() > 850
