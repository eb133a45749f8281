"""What a run shows: records, observers, log lines, and a progress bar."""

import gc
import logging
import math

import pytest
from small_clans import clan, loss, model_and_optimizer, train

from clantune_clan import Clan, ClanError, RoundRecord
from clantune_strategies import Everyone, Gaussian, factorial


def run(it, *, result=loss, rounds=2):
    for _ in range(rounds):
        train(it.round())
        it.step(result)


class Everything:
    def __init__(self):
        self.seen = []

    def on_run_start(self, start):
        self.seen.append(("run", start.step, start.members))

    def on_round_start(self, member):
        self.seen.append(("start", member.steps_done))

    def on_phase(self, member):
        self.seen.append((member.mode, member.steps_done))

    def on_step(self, member):
        self.seen.append(("step", member.steps_done))

    def on_round_end(self, records):
        self.seen.append(("end", len(records)))

    def on_close(self):
        self.seen.append(("close",))


def test_observers_are_called_in_the_order_of_a_round():
    everything, records = Everything(), []
    it = clan(observers=[everything, records.append], duty_cycle=0.5, round_length=2)
    run(it, rounds=1)
    it.close()
    assert everything.seen == [
        ("run", 0, 1),
        ("start", 0),
        ("cooperative", 0),
        ("step", 1),
        ("competitive", 1),
        ("step", 2),
        ("end", 1),
        ("close",),
    ]
    assert records == [[*it.history]]
    assert isinstance(records[0][0], RoundRecord)


def test_a_run_that_is_left_ends_for_its_observers_too():
    everything = Everything()
    it = clan(observers=[everything])
    it.round()
    del it
    gc.collect()
    assert everything.seen[-1] == ("close",)
    assert everything.seen.count(("close",)) == 1


def test_an_observer_that_fails_is_named():
    def show(records):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room") as raised:
        run(clan(observers=[show]))
    assert raised.value.__notes__[0].startswith("in on_round_end of an observer of the clan, <func")


def test_a_function_with_another_method_still_gets_its_records():
    class Both:
        records, closed = (), False

        def __call__(self, records):
            self.records = records

        def on_close(self):
            self.closed = True

    both = Both()
    it = clan(observers=[both])
    run(it, rounds=1)
    it.close()
    assert len(both.records) == 1
    assert both.closed


def test_what_is_never_called_is_refused():
    class Misspelt:
        def on_round_ends(self, records):
            pass

    with pytest.raises(ClanError, match=r"an observer is .*; got .*, which has on_round_ends"):
        clan(observers=[Misspelt()])

    class OneMisspelt(Everything):
        def on_round_ends(self, records):
            pass

    with pytest.raises(ClanError, match="on_round_ends"):
        clan(observers=[OneMisspelt()])
    with pytest.raises(ClanError, match="an observer is"):
        clan(observers=[Everything])
    with pytest.raises(ClanError, match="an observer is"):
        clan(observers=["print"])


def test_a_record_is_a_value_and_survives_json():
    it = clan(strategies="factorial")
    run(it)
    for record in it.history:
        assert RoundRecord.from_data(record.as_data()) == record
        assert record.version == 1
    lost = RoundRecord.from_data({**record.as_data(), "metric": "inf"})
    assert lost.metric == math.inf
    assert lost.as_data()["metric"] == "inf"


@pytest.mark.parametrize("damage", [{"version": 99}, {"version": None}, {"nonsense": 1}])
def test_a_line_that_is_not_a_record_is_named(tmp_path, damage):
    import json

    it = clan(history=tmp_path / "run.jsonl")
    run(it, rounds=1)
    record = next(iter(it.history)).as_data()
    with it.history.path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record | damage) + "\n")
    with pytest.raises(ClanError, match=r"run\.jsonl, line 4: "):
        len(it.history)


def test_half_a_line_is_named(tmp_path):
    it = clan(history=tmp_path / "run.jsonl")
    run(it, rounds=1)
    with it.history.path.open("a", encoding="utf-8") as file:
        file.write('{"round": 1, "st')
    with pytest.raises(ClanError, match=r"run\.jsonl, line 4: "):
        len(it.history)


def test_a_record_has_the_score_that_the_user_gave():
    it = clan(mode="max")
    train(it.round())
    it.step(0.75)
    assert [record.metric for record in it.history] == [0.75]
    assert it.run_state.best.fitness == -0.75


def test_the_rate_in_a_record_is_the_one_that_the_step_used():
    it = clan(total_steps=40, round_length=10, strategies=factorial(evolve=False))
    used = []
    while not it.finished:
        member = it.round()
        while not member.done:
            member.optimizer.zero_grad()
            loss(member.model).backward()
            announced = member.learning_rate
            hook = member.optimizer.register_step_pre_hook(
                lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"])
            )
            member.optimizer.step()
            hook.remove()
            assert announced == used[-1]
            member.step()
        it.step(loss)
    wanted = [0.01 * min(1.0, (t + 1) / 4, (40 - t) / 8) for t in range(40)]
    assert used == pytest.approx(wanted)
    assert [record.learning_rates for record in it.history] == [(used[t],) for t in (9, 19, 29, 39)]


# ---- What a person reads ----


def test_a_round_is_a_line_of_the_log(caplog):
    caplog.set_level(logging.INFO, "clantune")
    it = clan(total_steps=8, round_length=4, strategies="factorial")
    run(it, result=lambda model: 0.5)
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert len(lines) == 2
    assert lines[0] == (
        "round 0: step 4 of 8, best loss 0.5 (member 0), centre 0.5, lr "
        f"{next(iter(it.history)).learning_rates[0]:.3g}"
    )


def test_members_that_are_lost_are_counted(caplog):
    caplog.set_level(logging.INFO, "clantune")
    it = clan(mode="max")
    run(it, result=0.5, rounds=1)
    run(it, result=math.nan, rounds=1)
    lines = [r.getMessage() for r in caplog.records if r.levelno == logging.INFO]
    assert "best score 0.5" in lines[0]
    assert "1 of 1 members lost" in lines[1]


def test_verbose_writes_to_the_error_stream(capsys):
    logger = logging.getLogger("clantune")
    before = logger.level, [*logger.handlers], logger.propagate
    logger.propagate = False  # pytest handles the logs of this process
    try:
        run(clan(verbose=True), rounds=1)
        printed = capsys.readouterr().err
        run(clan(verbose=False), rounds=1)
    finally:
        logger.level, logger.handlers, logger.propagate = before
    assert "clantune: round 0: step 4, best loss " in printed


def test_a_clan_of_one_says_that_nothing_evolves(caplog):
    clan().round()
    [record] = caplog.records
    assert record.getMessage() == (
        "this clan has one member, so nothing can be compared and nothing evolves: start several "
        "processes, as `clantune launch -n 4 train.py` and torchrun do"
    )


def test_a_progress_bar_follows_the_steps(capsys):
    it = clan(progress=True, total_steps=8, round_length=4)
    run(it)
    printed = capsys.readouterr().err
    assert "8/8" in printed
    assert "metric=" in printed


def test_observers_are_a_list():
    with pytest.raises(ClanError, match=r"observers is a list of observers: observers=\[<built-in"):
        clan(observers=print)


def test_a_list_that_cannot_select_is_refused_at_once():
    model, optimizer = model_and_optimizer()
    with pytest.raises(ClanError) as raised:
        Clan(model=model, optimizer=optimizer, strategies=[Gaussian(0.1)])
    assert str(raised.value) == (
        "no strategy in the list selects parents (select_ancestry), so no round could end; add "
        "one, such as Tournament() or Everyone(), or use a whole recipe: strategies=factorial()"
    )


def test_a_list_that_never_crossbreeds_is_told(caplog):
    it = clan(strategies=[Everyone(), Gaussian(0.1)])
    assert "The strategies select parents and never crossbreed" in it.describe()
    it.round()
    assert "never crossbreed" in caplog.records[-1].getMessage()
