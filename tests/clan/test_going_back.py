"""Going back to the best weights, in one process: when, with which rates, and what is refused."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LinearLR

from clantune_clan import Clan, ClanError
from clantune_clan.member.optimizer_state import copied, restore
from clantune_clan.run.best import Best
from clantune_clan.run.going_back import if_possible, is_due
from clantune_clan.run.settings import RunArguments
from clantune_core import Genome
from clantune_strategies import cautious, factorial, pbt


@pytest.mark.parametrize(
    ("best", "centre", "progress", "until", "expected"),
    [
        (2.0, 2.11, 0.3, 0.3, True),
        (2.0, 2.09, 0.3, 0.3, False),
        (2.0, 1.0, 0.1, 0.3, False),
        (2.0, None, 0.1, 0.3, True),
        (2.0, 2.99, 0.31, 0.3, False),
        (2.0, 3.01, 0.31, 0.3, True),  # it has exploded
        (2.0, None, 1.0, 0.3, True),
        (2.0, 9.0, None, 0.3, False),
        (2.0, None, None, 0.3, False),
        (2.0, 9.0, 0.0, 0.0, False),
        (-2.0, -1.89, 0.1, 0.3, True),
        (-2.0, -1.91, 0.1, 0.3, False),
        (math.inf, 3.0, 0.1, 0.3, False),
    ],
)
def test_a_clan_goes_back_if_it_is_worse_early_in_a_run_or_has_exploded(
    best, centre, progress, until, expected
):
    kept = Best(best, 0 if math.isfinite(best) else -1, first=best + 2.0)
    assert is_due(kept, centre, progress, until) is expected


@pytest.mark.parametrize(
    ("first", "best", "centre", "expected"),
    [
        (-0.1, -0.96, -0.5, True),  # an accuracy that falls to chance
        (-0.1, -0.96, -0.7, False),
        (10.8, 7.5, 10.8, True),  # a loss that forgets all that was learned
        (1.0, 1e-6, 1e-5, False),  # noise of a loss near 0
        (0.9, 0.02, 0.031, False),  # an error rate
        (0.3, 0.0, 0.1, False),  # a score that is 0 at best so far
        (2.3, 0.3, 0.5, False),  # overfitting
        (103.0, 100.0, 104.9, False),  # much of the gain, and little of the loss
        (50.0, 0.7, 20.0, False),  # the first round had exploded, see the limits in the docs
        (2.0, 2.0, 2.11, True),  # nothing was gained since the first round
        (2.0, 2.0, 2.09, False),
    ],
)
def test_late_in_a_run_it_goes_back_if_it_has_lost_most_of_its_gain(first, best, centre, expected):
    assert is_due(Best(best, 3, first=first), centre, 0.9, 0.5) is expected


def model_and_optimizer(lr=0.01):
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    return model, torch.optim.AdamW(model.parameters(), lr=lr)


GIVEN = {
    "strategies": factorial(go_back_until=1.0),
    "total_steps": 60,
    "round_length": 6,
    "autobind": ["adamw"],
}


def clan_of(**options):
    model, optimizer = model_and_optimizer()
    given = GIVEN | {"warmup": 0.0, "cooldown": 0.0}
    return Clan(model=model, optimizer=optimizer, **given | options)


def rates_of(clan, centres, *, members=None, scheduler=None):
    """Return the gene in each round, and the rounds that the clan went back to.

    The judge measures the average of the member, its weights, and the centre.
    """
    rates, members = [], members or itertools.repeat(0.7)
    for centre in centres:
        member = clan.round()
        rates.append(member.get_gene("lr"))
        while not member.done:
            member.model(torch.ones(2, 3)).sum().backward()
            member.optimizer.step()
            member.optimizer.zero_grad()
            if scheduler is not None:
                scheduler.step()
            member.step()
        judged = itertools.chain([next(members)] * 2, itertools.repeat(centre))
        clan.step(lambda _, judged=judged: next(judged))
    clan.round()
    backs = [record.went_back_to for record in clan.history]
    return rates, backs


def test_each_return_to_the_same_weights_halves_the_rate_again():
    with clan_of() as clan:
        rates, backs = rates_of(clan, [1.0, 0.5, 2.0, 2.0, 2.0, 0.4])
    assert backs == [None, None, 1, 1, 1, None]
    assert rates == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.0025, 0.00125])


def test_it_is_the_rate_that_the_scheduler_had_set():
    model, optimizer = model_and_optimizer()
    scheduler = LinearLR(optimizer, 0.1, 1.0, 60)
    with Clan(model=model, optimizer=optimizer, scheduler=scheduler, **GIVEN) as clan:
        rates, backs = rates_of(clan, [1.0, 0.5, 2.0, 2.0], scheduler=scheduler)
    assert backs == [None, None, 1, 1]
    used = 0.01 * (0.1 + 0.9 * 12 / 60)  # of the step after round 1
    assert rates[3] == pytest.approx(0.5 * used)


def test_a_high_score_is_good():
    with clan_of(mode="max") as clan:
        _, backs = rates_of(clan, [0.5, 0.9, 0.8, 0.95])
    assert backs == [None, None, 1, None]


def test_genes_stay_lower_if_all_members_fail_after_a_return():
    members = iter([0.7, 0.7, 0.7, math.nan, 0.7])
    with clan_of() as clan:
        rates, backs = rates_of(clan, [1.0, 0.5, 2.0, math.nan, 0.4], members=members)
    assert backs == [None, None, 1, None, None]
    assert rates[3:] == pytest.approx([0.005, 0.005])


def one_round(clan, centre):
    member = clan.round()
    while not member.done:
        member.model(torch.randn(2, 3)).square().sum().backward()
        member.optimizer.step()
        member.optimizer.zero_grad()
        member.step()
    clan.step(lambda _: centre)


def moments_of(clan):
    """Return what the optimizer has now, and where."""
    state = clan._state.optimizer.state
    tensors = [tensor for entry in state.values() for tensor in entry.values()]
    return [tensor.clone() for tensor in tensors], [tensor.data_ptr() for tensor in tensors]


@pytest.mark.parametrize("is_resumed", [False, True])
def test_the_optimizer_goes_back_to_what_it_had_with_the_best_weights(is_resumed):
    clan = clan_of()
    one_round(clan, 2.0)
    best, _ = moments_of(clan)
    if is_resumed:
        saved = clan.state_dict()
        clan.close()
        clan = clan_of()
        clan.load_state_dict(saved)
    member = clan.round()
    member.model(torch.full((2, 3), 1e6)).square().sum().backward()  # it explodes
    member.optimizer.step()
    member.optimizer.zero_grad()
    member.step()
    exploded, places = moments_of(clan)
    assert max(float(tensor.abs().max()) for tensor in exploded) > 1e10
    while not member.done:
        member.step()
    clan.step(lambda _: 9.0)
    assert [*clan.history][-1].went_back_to == 0
    restored, same_places = moments_of(clan)
    assert len(restored) == len(best) == 6
    assert all(map(torch.equal, restored, best))
    assert same_places == places  # a compiled step is not compiled again


def test_after_a_mild_return_the_optimizer_goes_on_with_what_it_has():
    clan = clan_of()
    one_round(clan, 4.0)
    one_round(clan, 2.0)
    best, _ = moments_of(clan)
    one_round(clan, 2.9)
    assert [record.went_back_to for record in clan.history] == [None, None, 1]
    assert not any(map(torch.equal, moments_of(clan)[0], best))
    entry = clan._state.optimizer.state[clan._state.model.weight]
    assert entry["step"].item() == 18  # all steps so far


def test_after_a_late_explosion_the_optimizer_begins_again():
    clan = clan_of(strategies=factorial(go_back_until=0.25))  # of ten rounds, two
    one_round(clan, 4.0)
    one_round(clan, 2.0)
    weights = [each.clone() for each in clan.best().parameters()]
    rate = clan.genome.as_hyperparameters()["lr"]
    one_round(clan, 2.9)
    one_round(clan, 9.0)
    one_round(clan, 9.0)
    assert [record.went_back_to for record in clan.history] == [None, None, None, 1, 1]
    assert moments_of(clan) == ([], [])
    assert all(map(torch.equal, clan._state.model.parameters(), weights))
    assert clan.genome.as_hyperparameters()["lr"] < rate


def test_an_explosion_in_the_last_early_round_still_finds_the_moments():
    clan = clan_of(strategies=factorial(go_back_until=0.15))  # of ten rounds, one
    one_round(clan, 2.0)
    best, _ = moments_of(clan)
    one_round(clan, 9.0)
    assert all(map(torch.equal, moments_of(clan)[0], best))
    assert clan.run_state.best.moments is None


def test_moments_are_kept_only_early_in_the_run():
    clan = clan_of(strategies=factorial(go_back_until=0.15))  # of ten rounds, one
    one_round(clan, 2.0)
    assert clan.run_state.best.moments is not None
    one_round(clan, 2.05)
    assert clan.run_state.best.round == 0
    assert clan.run_state.best.moments is None
    one_round(clan, 1.0)
    assert clan.run_state.best.moments is None


def test_after_a_refresh_the_moments_of_other_parameters_are_still_there():
    clan = clan_of()
    one_round(clan, 2.0)
    best = clan.run_state.best.covering(clan._state, {"bias"}, None)
    assert best.moments.keys() == {"weight"}


def test_if_all_members_fail_their_moments_go_back_too():
    clan = clan_of()
    one_round(clan, 2.0)
    best, _ = moments_of(clan)
    one_round(clan, math.nan)
    restored, _ = moments_of(clan)
    assert len(restored) == len(best) == 6
    assert all(map(torch.equal, restored, best))


def test_what_has_no_place_in_the_present_state_is_put_there():
    clan = clan_of()
    one_round(clan, 2.0)
    state = clan._state
    kept = copied(state)
    first, second = kept.values()
    first["step"], first["more"] = 7, {"few": torch.ones(2)}
    del kept["bias"], second
    parameters = dict(state.model.named_parameters())
    entry = state.optimizer.state[parameters["weight"]]
    average = entry.pop("exp_avg")
    restore(state, kept)
    assert entry["step"] == 7
    assert entry["more"]["few"].tolist() == [1.0, 1.0]
    assert torch.equal(entry["exp_avg"], average)
    assert parameters["bias"] not in state.optimizer.state
    first["more"]["few"].zero_()
    assert entry["more"]["few"].tolist() == [1.0, 1.0]  # nothing is shared


def test_a_child_does_not_keep_the_limits():
    with clan_of() as clan:
        rates_of(clan, [1.0, 0.5, 2.0])
        assert "highest_rates" not in clan.genome.metadata
        assert clan.genome.metadata["centre_fitness"] == 0.5


@pytest.mark.parametrize(("preset", "gene"), [("adamw", "lr"), ("adamw(per_group=True)", "lr/0")])
def test_a_cautious_clan_begins_once_with_a_third_of_the_rate(preset, gene, tmp_path):
    def clan():
        model = nn.Linear(3, 1)
        optimizer = torch.optim.AdamW([{"params": [each]} for each in model.parameters()], lr=0.01)
        return Clan(
            model=model,
            optimizer=optimizer,
            **GIVEN | {"strategies": cautious(), "autobind": [preset]},
        )

    with clan() as first:
        assert first.round().get_gene(gene) == pytest.approx(0.0033)
        first.save(tmp_path / "run")
    with clan() as again:
        again.resume(tmp_path / "run")
        assert again.round().get_gene(gene) == pytest.approx(0.0033)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"total_steps": None},
            "because the length of the run is unknown: give total_steps=, or set",
        ),
        (
            {"strategies": pbt(), "settings": {"go_back_until": 1.0}},
            'because the members share no centre: set inheritance="mean", or set',
        ),
        (
            {"autobind": []},
            "because no gene sets a learning rate: bind it, as autobind=['adamw'] does, or set",
        ),
    ],
)
def test_a_clan_that_could_not_go_back_is_refused(options, problem):
    model, optimizer = model_and_optimizer()
    clan = Clan(model=model, optimizer=optimizer, **GIVEN | options)
    if not clan.genome.alleles:
        clan.add_gene("weight_decay")
    with pytest.raises(ClanError) as raised:
        clan.round()
    assert f"go_back_until=1.0 has no effect, {problem} go_back_until=0" in str(raised.value)


@pytest.mark.parametrize(
    ("options", "members", "expected"),
    [
        ({"total_steps": 60}, 4, "cautious"),
        ({"total_steps": 60}, 2, "cautious"),
        ({"total_steps": 60, "round_length": 6}, 4, "cautious"),
        ({"total_steps": 60, "round_length": 7}, 4, "factorial"),  # fewer than ten rounds
        ({"total_steps": 60}, 1, "factorial"),
        ({}, 4, "factorial"),
        ({"total_steps": 600, "settings": {"calibrate": True}}, 4, "factorial"),
        ({"total_steps": 60, "strategies": "pbt"}, 4, "PBT"),
    ],
)
def test_the_default_is_cautious_where_a_low_rate_can_be_repaired(options, members, expected):
    settings = RunArguments(**options, num_members=members).resolve()
    assert settings.name == expected
    assert settings.is_default == ("strategies" not in options)


def test_the_default_does_not_go_back_without_a_rate_and_says_so(caplog):
    settings = RunArguments(total_steps=60, num_members=4).resolve()
    assert settings.recipe.go_back_until == 0.5
    with caplog.at_level("INFO"):
        assert if_possible(Genome({}), settings).recipe.go_back_until == 0.0
    assert "does not go back to its best weights, because no gene sets a learning" in caplog.text
    model, optimizer = model_and_optimizer()
    with Clan(model=model, optimizer=optimizer, **GIVEN) as clan:
        assert if_possible(clan.genome, settings) is settings
