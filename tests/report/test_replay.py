"""Schedules of real runs, replayed without the clan: the same values, step by step."""

import copy
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_clans import loss, model_and_optimizer, take_step, train
from torch import nn

from clantune import ReplaySchedule
from clantune_clan import Clan
from clantune_core.command import main
from clantune_report import Schedule, ScheduleError, replay
from clantune_strategies import Everyone, Gaussian

STEPS = 40


def settings_of(*optimizers):
    """The settings of all param groups, as plain numbers."""
    return [
        {name: number(value) for name, value in group.items() if name != "params"}
        for optimizer in optimizers
        for group in optimizer.param_groups
    ]


def number(value):
    if isinstance(value, tuple):
        return tuple(map(number, value))
    return value.item() if isinstance(value, torch.Tensor) else value


def two_groups(**changes):
    model, _ = model_and_optimizer()
    first, second = [*model[0].parameters()], [*model[1].parameters(), *model[3].parameters()]
    groups = [
        {"params": first, "lr": 0.01, "weight_decay": 0.2, "betas": (0.9, 0.99)},
        {"params": second, "lr": 0.03, "weight_decay": 0.0, "betas": (0.8, 0.999)} | changes,
    ]
    return model, torch.optim.AdamW(groups)


def with_tensors():
    model, _ = model_and_optimizer()
    lr = torch.tensor(0.01)
    return model, torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.1)


def two_optimizers():
    model, _ = model_and_optimizer()
    return model, {
        "body": torch.optim.AdamW([*model[0].parameters(), *model[1].parameters()], lr=0.01),
        "head": torch.optim.SGD(model[3].parameters(), lr=0.05, momentum=0.9),
    }


def as_list(optimizer):
    return [*optimizer.values()] if isinstance(optimizer, dict) else [optimizer]


def recorded(path, model, optimizer, **options):
    """Run a clan that changes its genes; return the settings of each step of an optimizer."""
    used, optimizers = [], as_list(optimizer)
    given = {
        "total_steps": STEPS,
        "round_length": 10,
        "strategies": [Everyone(), Gaussian(0.3)],
        "genome_config": {"betas/0": {"can_mutate": True}},
        "seed": 3,
    }
    it = Clan(model=model, optimizer=optimizer, **(given | options))
    for member in it.rounds():
        # After the hooks of the clan, which has changed the rate for this step.
        hook = optimizers[-1].register_step_pre_hook(
            lambda *_: used.append(settings_of(*optimizers[-1:]))
        )
        while not member.done:
            loss(model).backward()
            for each in optimizers:
                each.step()
                each.zero_grad()
            if "scheduler" in options:
                options["scheduler"].step()
            member.step()
        hook.remove()
        it.step(loss)
    it.export_schedule(path)
    assert len({str(record.genes) for record in it.history}) > 1 or "autobind" in options
    return used, [record.learning_rates for record in it.history]


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (model_and_optimizer, {"autobind": ["adamw"]}),
        (two_groups, {"autobind": ["adamw"]}),
        (two_groups, {"autobind": ["adamw(per_group=True)"], "genome_config": {}}),
        (with_tensors, {"autobind": ["adamw"]}),
        (two_optimizers, {"autobind": ["adamw", "sgd"], "genome_config": {}}),
        (two_groups, {"autobind": ["adamw(exclude=('lr',))"]}),
        (two_groups, {"autobind": ["adamw"], "warmup": 0.33, "cooldown": 0.0}),
    ],
    ids=["one group", "groups", "per group", "tensor", "optimizers", "no lr", "another ramp"],
)
def test_a_replay_sets_what_the_run_has_used(make, options, tmp_path):
    used, last_rates = recorded(tmp_path / "schedule.json", *make(), **options)
    assert len({str(each) for each in used}) > 10
    model, optimizer = make()
    scheduler, optimizers = (
        ReplaySchedule(optimizer, tmp_path / "schedule.json"),
        as_list(optimizer),
    )
    for step in range(STEPS):
        assert settings_of(optimizers[-1]) == used[step]
        if (step + 1) % 10 == 0:
            assert tuple(scheduler.get_last_lr()) == last_rates[step // 10]
        take_step(model, optimizers[-1])
        scheduler.step()
    assert scheduler.last_epoch == STEPS


def test_a_run_of_unknown_length_has_no_ramp(tmp_path):
    model, optimizer = model_and_optimizer()
    it = Clan(model=model, optimizer=optimizer, autobind=["adamw"], round_length=5)
    with it:
        train(it.round())
        it.step(loss)
        it.export_schedule(tmp_path / "schedule.json")
    _, optimizer = model_and_optimizer()
    scheduler = ReplaySchedule(optimizer, tmp_path / "schedule.json")
    assert scheduler.schedule.total_steps is None
    for _ in range(100):
        assert scheduler.get_last_lr() == [0.01]
        scheduler.step()
    with pytest.raises(
        ScheduleError, match=r"^an unknown number of steps cannot be stretched to 9$"
    ):
        ReplaySchedule(optimizer, tmp_path / "schedule.json", total_steps=9)


def cosine(optimizer):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)


LACKS = (
    "the learning rates lack the factor of the run's own scheduler, CosineAnnealingLR: multiply "
    "them by it in each step"
)


def test_rates_without_the_scheduler_of_the_run_are_told_and_can_get_its_factor(tmp_path):
    path = tmp_path / "schedule.json"
    model, optimizer = two_groups()
    used, _ = recorded(path, model, optimizer, scheduler=cosine(optimizer), autobind=["adamw"])
    assert json.loads(path.read_text())["note"] == LACKS
    _, optimizer = two_groups()
    with pytest.warns(UserWarning, match="lack the factor") as warned:
        replay = ReplaySchedule(optimizer, path)
    assert [(str(each.message), each.filename) for each in warned] == [(LACKS, __file__)]
    beside = adamw(lr=1.0)
    scheduler = cosine(beside)
    for settings in used:
        factor = beside.param_groups[0]["lr"]
        rates = [rate * factor for rate in replay.get_last_lr()]
        assert rates == pytest.approx([group["lr"] for group in settings])
        beside.step()
        scheduler.step()
        replay.step()


def test_rates_that_are_not_replayed_lack_nothing(tmp_path):
    _, optimizer = model_and_optimizer()
    path = tmp_path / "schedule.json"
    recorded(path, *two_groups(), autobind=["adamw"])
    assert json.loads(path.read_text())["note"] is None
    model, with_scheduler = two_groups()
    options = {"scheduler": cosine(with_scheduler), "autobind": ["adamw"]}
    recorded(path, model, with_scheduler, **options)
    ReplaySchedule(optimizer, path, exclude=["lr"])  # a warning is an error here
    model, with_scheduler = two_groups()
    options = {"scheduler": cosine(with_scheduler), "autobind": ["adamw(exclude=('lr',))"]}
    recorded(path, model, with_scheduler, **options)
    assert json.loads(path.read_text())["note"] is None


# ---- A schedule by hand ----


def schedule(**changes):
    genes = {"lr": 0.1, "weight_decay": 0.5}
    later = {"lr": 0.2, "weight_decay": 0.25}
    return {
        "clantune": "schedule",
        "version": 1,
        "total_steps": 10,
        "warmup": 0.2,
        "cooldown": 0.4,
        "rounds": [{"step": 0, "genes": genes}, {"step": 5, "genes": later}],
    } | changes


@pytest.fixture
def file(tmp_path):
    """Writes a schedule, and returns its path."""

    def write(**changes):
        path = tmp_path / "schedule.json"
        path.write_text(json.dumps(schedule(**changes)), encoding="utf-8")
        return path

    return write


def adamw(**options):
    return torch.optim.AdamW(nn.Linear(2, 2).parameters(), **options)


def rates(scheduler, steps):
    found = []
    for _ in range(steps):
        found += scheduler.get_last_lr()
        scheduler.step()
    return found


RATES = [0.05, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.15, 0.1, 0.05]


def test_the_rate_is_the_gene_times_the_ramp(file):
    optimizer = adamw(lr=7.0)
    assert rates(ReplaySchedule(optimizer, file()), 10) == pytest.approx(RATES)
    assert optimizer.param_groups[0]["weight_decay"] == 0.25


def test_a_schedule_is_stretched(file):
    scheduler = ReplaySchedule(adamw(), file(), total_steps=20)
    found = rates(scheduler, 20)
    assert found[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert found[9:11] == pytest.approx([0.1, 0.2])
    assert found[-8:] == pytest.approx([0.2 * each / 8 for each in range(8, 0, -1)])
    assert rates(ReplaySchedule(adamw(), file(), total_steps=10), 10) == pytest.approx(RATES)
    with pytest.raises(ScheduleError, match=r"^10 steps cannot be stretched to 0$"):
        ReplaySchedule(adamw(), file(), total_steps=0)


def test_after_the_last_step_the_rate_is_0_and_that_is_said(file):
    scheduler = ReplaySchedule(adamw(), file())
    rates(scheduler, 10)
    assert scheduler.get_last_lr() == [0.0]
    with pytest.warns(UserWarning, match="the schedule of 10 steps is over") as warned:
        scheduler.step()
    assert len(warned) == 1
    assert warned[0].filename == __file__
    rates(scheduler, 3)
    assert scheduler.get_last_lr() == [0.0]


@pytest.mark.parametrize("loads_first", [False, True])
def test_a_state_goes_on_where_it_was_saved(file, loads_first):
    made = [{"lr": 0.1, "weight_decay": 0.3}, {"lr": 0.4, "weight_decay": 0.0}]

    def groups():
        return torch.optim.SGD([{"params": nn.Linear(2, 2).parameters(), **each} for each in made])

    rounds = [{"step": step, "genes": {"weight_decay": 0.5 + step}} for step in (0, 5)]
    optimizer = groups()
    scheduler = ReplaySchedule(optimizer, file(rounds=rounds))
    rates(scheduler, 10)  # the rates are 0 now, and their ratio cannot be seen
    assert scheduler.get_last_lr() == [0.0, 0.0]
    saved = json.loads(json.dumps(scheduler.state_dict() | {"last_epoch": 3}))
    scheduler.load_state_dict(saved)
    goes_on = groups()
    if loads_first:
        goes_on.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    again = ReplaySchedule(goes_on, file(rounds=rounds))
    again.load_state_dict(saved)
    for _ in range(7):
        assert settings_of(goes_on) == settings_of(optimizer)
        assert again.get_last_lr()[1] == 4 * again.get_last_lr()[0] > 0
        again.step()
        scheduler.step()
    assert settings_of(goes_on)[0]["weight_decay"] == 5.5
    assert settings_of(goes_on)[1]["weight_decay"] == 0.0


def test_a_setting_that_is_0_everywhere_gets_the_value_of_the_gene(file):
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    rounds = [{"step": 0, "genes": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.5}}]
    ReplaySchedule(optimizer, file(rounds=rounds))
    assert (
        settings_of(optimizer)[0] | {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.5}
        == (settings_of(optimizer)[0])
    )


def test_a_flag_and_a_text_are_set_as_they_are(file):
    optimizer = adamw()
    optimizer.param_groups[0]["rule"] = "first"
    rounds = [
        {"step": step, "genes": {"maximize": bool(step), "rule": f"of {step}"}} for step in (0, 1)
    ]
    scheduler = ReplaySchedule(optimizer, file(rounds=rounds))
    scheduler.step()
    group = settings_of(optimizer)[0]
    assert (group["maximize"], group["rule"]) == (True, "of 1")


# ---- Genes that are no settings of the optimizer ----

OTHERS = [{"step": 0, "genes": {"lr": 0.1, "dropout": 0.3, "head/lr": 0.2}}]


def test_a_gene_that_is_not_set_is_named_once(file):
    scheduler = ReplaySchedule(adamw(), file(rounds=OTHERS))
    with pytest.warns(UserWarning, match="is not a setting of this optimizer") as warned:
        scheduler.step()
    first, second = (str(each.message) for each in warned)
    assert first == (
        "gene 'dropout' is not a setting of this optimizer: use replay.value('dropout') in each "
        "step, or leave it out by exclude=['dropout']"
    )
    assert second == first.replace("dropout", "head/lr")
    scheduler.step()  # a warning is an error here


def test_a_gene_that_the_loop_reads_is_not_named(file):
    rounds = [*OTHERS, {"step": 1, "genes": {"lr": 0.1, "dropout": 0.4, "head/lr": 0.2}}]
    scheduler = ReplaySchedule(adamw(), file(rounds=rounds), exclude=["head/lr"])
    assert scheduler.value("dropout") == 0.3
    scheduler.step()
    assert (scheduler.value("dropout"), scheduler.value("lr")) == (0.4, 0.1)
    with pytest.raises(
        ScheduleError, match=r"^there is no gene 'p'; there are lr, dropout, head/lr$"
    ):
        scheduler.value("p")


def test_a_gene_that_is_excluded_is_left_as_it_is(file):
    optimizer = adamw(weight_decay=0.125)
    rates(ReplaySchedule(optimizer, file(), exclude=["weight_decay"]), 10)
    assert optimizer.param_groups[0]["weight_decay"] == 0.125
    with pytest.raises(
        ScheduleError, match=r"^there is no gene 'betas'; there are lr, weight_decay$"
    ):
        ReplaySchedule(optimizer, file(), exclude=["betas"])


def test_optimizers_are_given_as_the_clan_had_them(file):
    rounds = [{"step": 0, "genes": {"0/lr": 0.1, "1/lr": 0.2, "weight_decay": 0.5}}]
    first, second = adamw(), adamw()
    scheduler = ReplaySchedule([first, second], file(rounds=rounds))
    assert scheduler.get_last_lr() == [0.05, 0.1]
    assert [each["weight_decay"] for each in settings_of(first, second)] == [0.5, 0.5]


# ---- Files that are no schedule ----

ADVICE = "`clantune schedule RUN` writes one"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("[]", "its entry clantune is None"),
        ('{"round": 0, "genome": "x"}', "its entry clantune is None"),
        ('{"round": 0}\n{"round": 1}', "Extra data: line 2 column 1 (char 13)"),
        (json.dumps(schedule(version=2)), "its entry version is 2"),
        (json.dumps(schedule(total_steps=0)), "its entry total_steps is 0"),
        (json.dumps(schedule(total_steps=True)), "its entry total_steps is True"),
        (json.dumps(schedule(warmup=None)), "its entry warmup is None"),
        (json.dumps(schedule(cooldown=float("nan"))), "its entry cooldown is nan"),
        (json.dumps(schedule(note=["x"])), "its entry note is ['x']"),
        (json.dumps(schedule(rounds=[])), "its entry rounds is []"),
        (json.dumps(schedule(rounds=[3])), "its entry rounds[0].step is None"),
        (
            json.dumps(schedule(rounds=[{"step": 0, "genes": {}}, {"step": 0, "genes": {}}])),
            "its entry rounds[1].step is 0",
        ),
        (
            json.dumps(schedule(rounds=[{"step": 0, "genes": ["lr"]}])),
            "its entry rounds[0].genes is ['lr']",
        ),
        (
            json.dumps(schedule(rounds=[{"step": 0, "genes": {"lr": 10**400}}])),
            f"its entry rounds[0].genes.lr is {10**59}",
        ),
        (
            json.dumps(schedule(rounds=[{"step": 0, "genes": {"betas": [0.9]}}])),
            "its entry rounds[0].genes.betas is [0.9]",
        ),
        (
            json.dumps(
                schedule(rounds=[{"step": 0, "genes": {"lr": 1}}, {"step": 1, "genes": {}}])
            ),
            "its entry rounds[1].genes.lr is None",
        ),
        (
            json.dumps(schedule(rounds=[{"step": t, "genes": {"lr": t or "x"}} for t in range(2)])),
            "its entry rounds[1].genes.lr is 1",
        ),
    ],
)
def test_a_file_that_is_no_schedule_is_named_with_the_place(text, fault, tmp_path):
    path = tmp_path / "schedule.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScheduleError) as raised:
        ReplaySchedule(adamw(), path)
    assert str(raised.value) == (f"{path} is not a schedule: {fault}. {ADVICE}")


@pytest.mark.parametrize("damage", [b"\xff\xfe\x00", b"[" * 100_000])
def test_a_file_that_cannot_be_read_is_named(damage, tmp_path):
    path = tmp_path / "schedule.json"
    path.write_bytes(damage)
    for each in (path, tmp_path, tmp_path / "nothing.json"):
        with pytest.raises(ScheduleError) as raised:
            Schedule.read(each)
        assert str(raised.value).startswith(f"{each} is not a schedule: ")


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
PLACES = st.sampled_from(
    ["clantune", "version", "total_steps", "warmup", "cooldown", "rounds", "note"]
)


@given(data=json_data, place=PLACES, genes=st.dictionaries(st.sampled_from(["lr", "x"]), json_data))
def test_data_of_any_form_is_a_schedule_or_an_error(data, place, genes, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "drawn.json"
    rounds = [{"step": 0, "genes": genes}, {"step": data, "genes": genes}]
    for each in (data, schedule(**{place: data}), schedule(rounds=rounds)):
        path.write_text(json.dumps(each), encoding="utf-8")
        try:
            scheduler = ReplaySchedule(optimizer := adamw(), path)
        except ScheduleError:
            continue
        with warnings.catch_warnings(action="ignore"):
            scheduler.step()
        assert settings_of(optimizer)


# ---- The copy ----

COPIED = """
import sys
from copied import ReplaySchedule
loaded = {name.partition(".")[0] for name in sys.modules}
assert loaded - sys.stdlib_module_names == {"copied", "__main__"}
class Optimizer:
    param_groups = [{"lr": 1.0, "weight_decay": 0.1}]
scheduler = ReplaySchedule(Optimizer, "schedule.json")
for _ in range(10):
    print(scheduler.get_last_lr()[0])
    scheduler.step()
"""


def test_a_copy_of_the_module_needs_python_alone(file, tmp_path, capsys):
    file()
    assert main(["replay", "--module", str(tmp_path / "copied.py")]) == 0
    assert capsys.readouterr().out == (
        f"wrote {tmp_path / 'copied.py'}: from copied import ReplaySchedule\n"
    )
    head = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    command = [sys.executable, "-I", "-S", "-c", head + COPIED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [*map(float, done.stdout.split())] == pytest.approx(RATES)


# ---- The command ----


def test_the_command_says_what_the_rates_lack(file, capsys):
    assert main(["replay", str(file(note=LACKS))]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"clantune replay: {LACKS}\n"
    assert printed.out.startswith("step")


def test_the_command_prints_what_is_set(file, capsys):
    path = str(file())
    assert main(["replay", path, "--steps", "4"]) == 0
    assert capsys.readouterr().out == (
        "step  factor    lr  weight_decay\n"
        "   0     0.5  0.05           0.5\n"
        "   3       1   0.1           0.5\n"
        "   6       1   0.2          0.25\n"
        "   9    0.25  0.05          0.25\n"
    )
    assert main(["replay", path]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 10
    assert main(["replay", path, "--at", "7", "0", "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "step,factor,lr,weight_decay",
        "7,0.75,0.15000000000000002,0.25",
        "0,0.5,0.05,0.5",
    ]
    assert main(["replay", path, "--at", "19", "--total-steps", "20", "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert row == {"step": 19, "factor": 0.125, "values": {"lr": 0.025, "weight_decay": 0.25}}


def test_without_a_length_the_command_shows_the_rounds(file, capsys):
    genes = {"critic/lr/0": 0.5, "name": "a", "lr": "b"}
    path = file(total_steps=None, rounds=[{"step": at, "genes": genes} for at in (0, 300)])
    assert main(["replay", str(path), "--steps", "2"]) == 0
    assert capsys.readouterr().out == (
        "step  factor  critic/lr/0  name  lr\n   0       1          0.5     a   b\n"
        " 300       1          0.5     a   b\n"
    )


def test_the_module_replaces_no_file_without_being_asked(tmp_path, capsys):
    path = tmp_path / "copied.py"
    path.write_text("mine")
    assert main(["replay", "--module", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"clantune replay: {path} exists: give another name, or --force to replace it\n"
    )
    assert path.read_text() == "mine"
    assert main(["replay", "--module", str(path), "--force"]) == 0
    assert path.read_text() == Path(replay.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a schedule to show, or --module FILE"),
        (["{file}", "--steps", "0"], "argument --steps: '0' is not a number of steps, 1 or more"),
        (["{file}", "--steps", "x"], "argument --steps: 'x' is not a number of steps, 1 or more"),
        (["{file}", "--json", "--csv"], "argument --csv: not allowed with argument --json"),
    ],
)
def test_misuse_is_told(arguments, message, file, capsys):
    with pytest.raises(SystemExit) as left:
        main(["replay", *(each.format(file=file()) for each in arguments)])
    assert left.value.code == 2
    assert capsys.readouterr().err.endswith(f"clantune replay: error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{file}", "--at", "10"], "there is no step 10: steps are counted from 0 to 9"),
        (["{file}", "--at", "-1"], "there is no step -1: steps are counted from 0 to 9"),
        (
            ["{folder}"],
            "{folder} is not a schedule: Is a directory. " + ADVICE,
        ),
        (
            ["--module", "{folder}/no/copy.py"],
            "the folder {folder}/no does not exist: make it, or choose another path",
        ),
        (["--module", "{folder}"], "{folder} is a folder: give the name of a file in it"),
        (
            ["--module", "{folder}", "--force"],
            "{folder} is a folder: give the name of a file in it",
        ),
        (
            ["--module", "/proc/copy.py"],
            "/proc/copy.py cannot be written: No such file or directory",
        ),
    ],
)
def test_what_cannot_be_used_is_told(arguments, message, file, tmp_path, capsys):
    known = {"file": file(), "folder": tmp_path}
    assert main(["replay", *(each.format(**known) for each in arguments)]) == 2
    assert capsys.readouterr().err == f"clantune replay: {message.format(**known)}\n"


def test_a_history_of_a_run_is_not_taken_for_a_schedule(tmp_path, capsys):
    model, optimizer = model_and_optimizer()
    history = tmp_path / "run.jsonl"
    it = Clan(model=model, optimizer=optimizer, round_length=2, history=history)
    with it:
        for _ in range(2):
            train(it.round())
            it.step(loss)
    assert main(["replay", str(history)]) == 2
    assert ADVICE in capsys.readouterr().err
