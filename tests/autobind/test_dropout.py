"""The dropout of models: where it is found, and a kind of it that a compiled model can change."""

import copy
import math
import warnings
from functools import reduce

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from clantune_autobind import TensorDropout, dropout
from clantune_core import ClanTuneError, LogitFloatAllele


class Block(nn.Module):
    def __init__(self, p=0.1):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, dropout=0.3)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Dropout(p)])

    def forward(self, x):
        return self.layers[1](self.layers[0](self.attention(x, x, x)[0]))


def found(model, **options):
    return dropout(model, torch.optim.SGD([nn.Parameter(torch.zeros(1))]), **options)


def paths(model):
    return dict(found(model)["dropout"].metadata["expression"]["path"])


def logit(p):
    return math.log(p / (1 - p))


@pytest.fixture
def alone():
    """A process group of one."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


# ---- The gene ----


def test_one_gene_moves_all_dropout():
    genes = found(nn.Sequential(Block(), Block(p=0.5)))
    assert [*genes] == ["dropout"]
    gene = genes["dropout"]
    assert (type(gene), gene.value, gene.domain) == (LogitFloatAllele, 0.3, (0.001, 0.95))
    assert (gene.can_mutate, gene.can_crossbreed) == (True, True)
    assert gene.metadata == {
        "expression": {
            "path": {
                "model/0/attention/dropout": 0.0,
                "model/0/layers/1/p": pytest.approx(logit(0.1) - logit(0.3)),
                "model/1/attention/dropout": 0.0,
                "model/1/layers/1/p": pytest.approx(logit(0.5) - logit(0.3)),
            },
            "is_cooperative": True,
            "is_competitive": True,
            "is_patchable": True,
            "role": "data_path",
        }
    }


def test_a_path_leads_to_the_probability():
    model = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(4, 2, 8, dropout=0.25), 2, enable_nested_tensor=False
    )
    listed = paths(model)
    assert [path for path in listed if path.startswith("model/layers/0/")] == [
        "model/layers/0/self_attn/dropout",
        "model/layers/0/dropout/p",
        "model/layers/0/dropout1/p",
        "model/layers/0/dropout2/p",
    ]
    for path in listed:
        assert reduce(getattr, path.split("/")[1:], model) == 0.25


@pytest.mark.parametrize(
    "kind",
    [
        nn.Dropout,
        nn.Dropout1d,
        nn.Dropout2d,
        nn.Dropout3d,
        nn.AlphaDropout,
        nn.FeatureAlphaDropout,
        TensorDropout,
    ],
)
def test_every_kind_of_dropout_is_found(kind):
    gene = found(nn.Sequential(kind(0.25)))["dropout"]
    assert gene.value == 0.25
    assert [*gene.metadata["expression"]["path"]] == ["model/0/p"]


def test_recurrent_networks_have_dropout_between_their_layers():
    model = nn.Sequential(nn.LSTM(2, 2, num_layers=2, dropout=0.25), nn.GRU(2, 2, dropout=0.0))
    assert paths(model) == {"model/0/dropout": 0.0}


def test_a_model_may_be_a_dropout_itself():
    assert paths(nn.Dropout(0.1)) == {"model/p": 0.0}


def test_what_is_off_stays_off():
    model = nn.Sequential(nn.Dropout(0.0), nn.Dropout(1.0), nn.Dropout(0.5))
    assert paths(model) == {"model/2/p": 0.0}


def test_a_shared_module_is_listed_once():
    shared = nn.Dropout(0.1)
    model = nn.ModuleDict({"first": shared, "second": shared, "third": nn.Dropout(0.1)})
    assert paths(model) == {"model/first/p": 0.0, "model/third/p": 0.0}


def test_the_domain_holds_what_is_outside_the_usual_one():
    model = nn.Sequential(nn.Dropout(0.0001), nn.Dropout(0.99))
    assert found(model)["dropout"].domain == (0.0001, 0.99)


def test_each_module_may_have_a_gene_of_its_own():
    genes = found(Block(), per_module=True)
    assert {name: allele.value for name, allele in genes.items()} == {
        "model/attention/dropout": 0.3,
        "model/layers/1/p": 0.1,
    }
    for name, allele in genes.items():
        assert allele.metadata["expression"]["path"] == {name: 0.0}
        assert allele.metadata["expression"]["role"] == "data_path"


@pytest.mark.parametrize(("modules", "count"), [((), 0), ((nn.Dropout(0.0), nn.Dropout(1.0)), 2)])
def test_a_model_without_dropout_is_refused(modules, count):
    with pytest.raises(ClanTuneError) as caught:
        found(nn.Sequential(nn.Linear(2, 2), *modules))
    assert str(caught.value) == (
        f"dropout: Sequential has no dropout to tune: none of its {count} dropout modules that a "
        "path can reach has a probability between 0 and 1; set such a probability, or remove this "
        "preset"
    )


def test_a_module_with_a_private_name_is_left_out_with_a_warning():
    model = nn.ModuleDict({"_drop": nn.Dropout(0.1), "drop": nn.Dropout(0.2)})
    with pytest.warns(UserWarning, match="private name") as caught:
        gene = found(model)["dropout"]
    assert gene.metadata["expression"]["path"] == {"model/drop/p": 0.0}
    assert caught[0].filename == __file__
    (message,) = [str(each.message) for each in caught]
    assert message == (
        "dropout: the module '_drop' has a private name (with a leading '_'), which no path can "
        "reach, so its dropout stays as it is; rename it to tune it"
    )


# ---- Wrapped models ----


def test_wrappers_are_not_part_of_a_path(alone):
    model = Block()
    bare = paths(model)
    assert paths(DistributedDataParallel(model)) == bare
    for wrapped in (
        torch.compile(model, backend="eager"),
        DistributedDataParallel(torch.compile(model, backend="eager")),
        torch.compile(DistributedDataParallel(model), backend="eager"),
    ):
        with pytest.warns(UserWarning, match="recompiles this model"):
            assert paths(wrapped) == bare


def test_a_compiled_model_is_warned_of():
    model = torch.compile(Block(), backend="eager")
    with pytest.warns(UserWarning, match="recompiles this model") as caught:
        found(model)
    (message,) = [str(each.message) for each in caught]
    assert message == (
        "dropout: torch recompiles this model at every change of model/attention/dropout and 1 "
        "more; to avoid this, replace the dropout modules of torch by "
        "clantune_autobind.TensorDropout"
    )


def test_a_part_may_be_compiled():
    model = nn.Sequential(nn.Dropout(0.1), nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)))
    model[1] = torch.compile(model[1], backend="eager")
    with pytest.warns(UserWarning, match="change of model/1/1/p;"):
        listed = paths(model)
    assert listed == {"model/0/p": 0.0, "model/1/1/p": 0.0}
    part = getattr(model, "1")
    assert getattr(part, "1").p == 0.1  # as a path reads it


def test_a_model_may_be_compiled_in_place():
    model = nn.Sequential(nn.Dropout(0.1))
    model.compile(backend="eager")
    with pytest.warns(UserWarning, match="change of model/0/p;"):
        found(model)


def test_tensor_dropout_in_a_compiled_model_needs_no_warning():
    model = torch.compile(nn.Sequential(TensorDropout(0.1), nn.Dropout(0.0)), backend="eager")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paths(model) == {"model/0/p": 0.0}


def compilations(model, change, *inputs):
    """How often torch compiles the model while its dropout changes four times."""
    made = []

    def backend(graph, _):
        made.append(graph)
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(model, backend=backend)
    for p in (0.1, 0.2, 0.3, 0.4, 0.5):
        change(p)
        compiled(*inputs)
    return len(made)


def test_only_tensor_dropout_changes_without_being_compiled_again():
    ones = torch.ones(2, 4)
    plain = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1))
    assert compilations(plain, lambda p: setattr(plain[1], "p", p), ones) == 5
    attention = nn.MultiheadAttention(4, 2, dropout=0.1)
    change = lambda p: setattr(attention, "dropout", p)  # noqa: E731
    assert compilations(attention, change, ones, ones, ones) == 5
    ours = nn.Sequential(nn.Linear(4, 4), TensorDropout(0.1))
    assert compilations(ours, ours[1].p.fill_, ones) == 1


def test_recurrent_networks_are_not_compiled():
    lstm = nn.LSTM(4, 4, 2, dropout=0.1)
    model = nn.Sequential(lstm)
    assert compilations(model, lambda p: setattr(lstm, "dropout", p), torch.ones(3, 1, 4)) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found(torch.compile(model, backend="eager"))


def test_a_compiled_model_uses_the_probability_as_it_is_now():
    torch._dynamo.reset()
    model = TensorDropout(0.0)
    compiled = torch.compile(model, backend="eager")
    ones = torch.ones(20_000)
    assert torch.equal(compiled(ones), ones)
    model.p.fill_(0.75)
    assert compiled(ones).eq(0).float().mean().item() == pytest.approx(0.75, abs=0.02)


# ---- TensorDropout by itself ----


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("p", [0.001, 0.1, 0.5, 0.9])
def test_a_share_of_p_is_dropped_and_the_mean_is_kept(p, dtype):
    torch.manual_seed(1)
    module = TensorDropout(p).to(dtype)
    count = 200_000
    made = module(torch.ones(count, dtype=dtype))
    assert made.dtype == dtype
    held = module.p.item()  # a bfloat16 is somewhat off
    assert held == pytest.approx(p, rel=0.01)
    five_sigma = 5 * math.sqrt(held * (1 - held) / count)
    assert made.eq(0).double().mean().item() == pytest.approx(held, abs=five_sigma)
    kept = made[made != 0].double()
    assert kept.min() == kept.max()
    assert kept.max().item() == pytest.approx(1 / (1 - held), rel=0.01)
    assert made.double().mean().item() == pytest.approx(1.0, abs=five_sigma / (1 - held) + 0.01)


def test_gradients_are_those_of_the_elements_that_are_left():
    torch.manual_seed(1)
    inputs = torch.randn(1000, requires_grad=True)
    made = TensorDropout(0.5)(inputs)
    made.sum().backward()
    assert torch.equal(inputs.grad, torch.where(made == 0, 0.0, 2.0))


def test_it_draws_anew_each_time_and_the_same_for_the_same_seed():
    module, ones = TensorDropout(0.5), torch.ones(1000)
    torch.manual_seed(1)
    first, second = module(ones), module(ones)
    torch.manual_seed(1)
    assert torch.equal(module(ones), first)
    assert not torch.equal(second, first)


@pytest.mark.parametrize("module", [TensorDropout(0.5).eval(), TensorDropout(0.0)])
def test_nothing_changes_in_evaluation_or_at_zero(module):
    inputs = torch.randn(1000)
    assert torch.equal(module(inputs), inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_at_one_everything_is_zero_and_so_are_gradients(dtype):
    inputs = torch.randn(1000, dtype=dtype, requires_grad=True)
    made = TensorDropout(1).to(dtype)(inputs)
    made.sum().backward()
    assert not made.any()
    assert torch.equal(inputs.grad, torch.zeros_like(inputs))


def test_what_is_dropped_is_zero_whatever_it_was():
    torch.manual_seed(1)
    made = TensorDropout(0.5)(torch.full((1000,), math.inf))
    assert made.eq(0).any()
    assert not made.isnan().any()


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan, True, "0.5", None])
def test_a_wrong_probability_is_refused(p):
    with pytest.raises(ClanTuneError) as caught:
        TensorDropout(p)
    assert str(caught.value) == f"TensorDropout: p must be a probability from 0 to 1; got {p!r}"


def test_its_probability_is_a_buffer_that_is_not_saved():
    model = nn.Sequential(nn.Linear(2, 2), TensorDropout(0.25))
    assert dict(model.named_buffers())["1.p"].shape == ()
    plain = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1))
    assert model.state_dict().keys() == plain.state_dict().keys()
    model[1].p.fill_(0.5)
    model.load_state_dict(plain.state_dict())
    assert model[1].p.item() == 0.5
    assert copy.deepcopy(model)[1].p.item() == 0.5


def test_it_shows_its_probability():
    module = TensorDropout(0.1)
    assert repr(module) == "TensorDropout(p=0.1)"
    module.p.fill_(0.2)
    assert repr(module) == "TensorDropout(p=0.2)"


def test_it_may_be_made_on_the_meta_device():
    with torch.device("meta"):
        module = TensorDropout(0.25)
    assert repr(module) == "TensorDropout(p=?)"
    module.to_empty(device="cpu")
    module.reset_parameters()
    assert module.p.item() == 0.25
