"""Schedulers beside genes: a gene multiplies the rates that a scheduler sets."""

import functools

import pytest
import torch
from small_clans import clan, loss, model_and_optimizer, take_step, train
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.swa_utils import SWALR

from clantune_clan import CheckpointError, Clan, ClanError, OverwrittenError
from clantune_strategies import Everyone, Gaussian

STEPS, ROUND = 200, 20

METRICS = [1.0, 0.5, 0.6, 0.7, 0.8, 0.4, 0.5, 0.6, 0.3, 0.2]
"""Losses of ten rounds, which stop falling now and then."""


class HalfEachTime(lr_scheduler.LRScheduler):
    """A scheduler of the user's own."""

    def get_lr(self):
        return [base / (1 + self.last_epoch % 3) for base in self.base_lrs]


def sequence(o):
    parts = [lr_scheduler.LinearLR(o, 0.1, total_iters=20), lr_scheduler.CosineAnnealingLR(o, 180)]
    return lr_scheduler.SequentialLR(o, parts, [20])


def chain(o):
    return lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(o, 0.5), lr_scheduler.ExponentialLR(o, 0.99)]
    )


def cycle_and_decay(o):
    cycle = lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3, cycle_momentum=False)
    return lr_scheduler.SequentialLR(o, [cycle, lr_scheduler.ExponentialLR(o, 0.9)], [50])


SCHEDULERS = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    "LambdaLR by group": lambda o: lr_scheduler.LambdaLR(
        o, [lambda step: 0.95**step, lambda step: 1.0 / (1 + step % 5)]
    ),
    "LambdaLR that warms up from 0": lambda o: lr_scheduler.LambdaLR(
        o, lambda step: min(1.0, step / 20)
    ),
    "MultiplicativeLR": lambda o: lr_scheduler.MultiplicativeLR(o, lambda step: 0.99),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 30),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [20, 70, 150]),
    "ConstantLR": lambda o: lr_scheduler.ConstantLR(o, 0.3, 40),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, 0.3, 1.0, 40),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.98),
    "PolynomialLR": lambda o: lr_scheduler.PolynomialLR(o, 210, 2.0),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 60, eta_min=1e-4),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 15, 2),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=7, mode="triangular2"),
    "CyclicLR that decays": lambda o: lr_scheduler.CyclicLR(
        o, [0.01, 0.02], [0.1, 0.3], 7, mode="exp_range", gamma=0.99, cycle_momentum=False
    ),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=210),
    "OneCycleLR in three phases": lambda o: lr_scheduler.OneCycleLR(
        o, [0.1, 0.2], total_steps=210, anneal_strategy="linear", three_phase=True
    ),
    "SequentialLR": sequence,
    "SequentialLR of a cycle": cycle_and_decay,
    "ChainedScheduler": chain,
    "ChainedScheduler of a sequence": lambda o: lr_scheduler.ChainedScheduler(
        [sequence(o), lr_scheduler.ExponentialLR(o, 0.99)]
    ),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1, factor=0.5),
    "ReduceLROnPlateau with a floor": lambda o: lr_scheduler.ReduceLROnPlateau(
        o, patience=0, min_lr=[0.004, 0.001], cooldown=1
    ),
    "SWALR": lambda o: SWALR(o, swa_lr=0.001, anneal_epochs=50),
    "a subclass": HalfEachTime,
    "two of them": lambda o: [
        lr_scheduler.LinearLR(o, 0.5, total_iters=30),
        lr_scheduler.ExponentialLR(o, 0.99),
    ],
}


def groups(*, tensors=False):
    """A model, and its optimizer with two param groups of different rates."""
    model = nn.Linear(2, 1)
    rates = [torch.tensor(rate) if tensors else rate for rate in (0.01, 0.02)]
    both = zip(model.parameters(), rates, strict=True)
    parts = [{"params": [parameter], "lr": rate} for parameter, rate in both]
    return model, torch.optim.SGD(parts, momentum=0.9)


def each_of(made):
    return made if isinstance(made, list) else [made]


def by_hand(name, **options):
    """Return the rates of each step without a clan, and the base rates."""
    model, optimizer = groups(**options)
    schedulers = each_of(SCHEDULERS[name](optimizer))
    base = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    seen = []
    for step in range(1, STEPS + 1):
        loss(model).backward()
        optimizer.step()
        seen.append([float(group["lr"]) for group in optimizer.param_groups])
        for scheduler in schedulers:
            if not isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                scheduler.step()
            elif step % ROUND == 0:
                scheduler.step(METRICS[step // ROUND - 1])
    return seen, base


class Run:
    """A clan of one with a scheduler, and the rates that its optimizer uses."""

    def __init__(self, name, **options):
        model, optimizer = groups(**options)
        self.schedulers, self.used, self.genes = SCHEDULERS[name](optimizer), [], []
        self.clan = Clan(
            model=model,
            optimizer=optimizer,
            autobind=["sgd"],
            scheduler=self.schedulers,
            total_steps=STEPS,  # no warm-up and no cooldown beside a scheduler
            round_length=ROUND,
            strategies=[Everyone(), Gaussian(0.3)],
        )

    def train(self, rounds):
        for _ in range(rounds):
            self.member = self.clan.round()
            optimizer = self.member.optimizer
            hook = optimizer.register_step_pre_hook(self._see)  # after the hook of the clan
            for _ in range(ROUND):
                optimizer.zero_grad()
                loss(self.member.model).backward()
                optimizer.step()
                for scheduler in each_of(self.schedulers):
                    if not isinstance(scheduler, lr_scheduler.ReduceLROnPlateau):
                        scheduler.step()
                self.member.step()
            hook.remove()
            self.clan.step(METRICS[self.clan.run_state.round])
        return self

    def _see(self, optimizer, *_):
        self.used.append([float(group["lr"]) for group in optimizer.param_groups])
        self.genes.append(self.member.get_gene("lr"))


@functools.cache
def whole_run(name):
    return Run(name).train(STEPS // ROUND)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_gene_multiplies_what_a_scheduler_sets(name):
    seen, base = by_hand(name)
    run = whole_run(name)
    assert len({*run.genes}) == STEPS // ROUND  # each round has another value
    assert len({rates[0] for rates in seen}) > 1
    factors = [gene / base[0] for gene in run.genes]
    wanted = [factor * rate for factor, rates in zip(factors, seen, strict=True) for rate in rates]
    assert [rate for rates in run.used for rate in rates] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "name", ["OneCycleLR in three phases", "SequentialLR", "ReduceLROnPlateau"]
)
def test_a_gene_multiplies_a_tensor_that_a_scheduler_fills(name):
    seen, base = by_hand(name, tensors=True)
    run = Run(name, tensors=True).train(3)
    factors = [gene / base[0] for gene in run.genes]
    wanted = [factor * rate for factor, rates in zip(factors, seen, strict=False) for rate in rates]
    assert [rate for rates in run.used for rate in rates] == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_goes_on_where_it_was_saved(tmp_path, name):
    Run(name).train(4).clan.save(tmp_path)
    resumed = Run(name)
    resumed.clan.resume(tmp_path)
    resumed.train(3)
    assert resumed.used == whole_run(name).used[4 * ROUND : 7 * ROUND]


def test_a_warm_up_from_nothing_is_no_obstacle_to_a_gene():
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 4))
    it = clan(model=model, optimizer=optimizer, scheduler=scheduler)
    assert it.genome.alleles["lr"].value == 0.01
    assert optimizer.param_groups[0]["lr"] == 0.0


# ---- ReduceLROnPlateau ----


def with_plateau(of="min", **options):
    """A clan whose scheduler lowers the rate to a tenth after each round without a better one."""
    model, optimizer = model_and_optimizer()
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, mode=of)
    it = clan(model=model, optimizer=optimizer, scheduler=plateau, **options)
    return it, plateau


def rates_by_round(it, results):
    seen = []
    for result in results:
        member = it.round()
        train(member)
        it.step(result)
        seen.append(member.optimizer.param_groups[0]["lr"])
    return seen


@pytest.mark.parametrize(
    ("mode", "results"), [("min", [1.0, 0.5, 0.6, 0.4]), ("max", [0.4, 0.6, 0.5, 1.0])]
)
def test_the_clan_feeds_the_metric_of_a_round_to_a_plateau(mode, results):
    it, plateau = with_plateau(mode, mode=mode)
    assert rates_by_round(it, results) == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert (plateau.best, plateau.last_epoch) == (max(results) if mode == "max" else 0.4, 4)


def test_a_plateau_gets_the_loss_of_the_centre_if_there_is_one():
    it, plateau = with_plateau(strategies="factorial")
    train(it.round())
    measured = iter([3.0, 3.0, 2.0])  # averaged weights, own weights, centre
    it.step(lambda model: next(measured))
    assert plateau.best == next(iter(it.history)).centre == 2.0


def test_a_round_that_no_member_survives_is_no_better_one():
    it, plateau = with_plateau()
    assert rates_by_round(it, [1.0, float("nan")]) == pytest.approx([0.01, 0.001])
    assert plateau.best == 1.0


def test_a_plateau_that_the_script_feeds_too_is_an_error():
    it, plateau = with_plateau()
    train(it.round())
    plateau.step(1.0)
    with pytest.raises(ClanError) as raised:
        it.step(1.0)
    assert str(raised.value) == (
        "the script has called step() of a ReduceLROnPlateau that was handed in: clan.step does so "
        "at the end of each round, with a metric that is equal on all ranks; leave "
        "scheduler.step(...) out of the script"
    )


@pytest.mark.parametrize(("of", "wanted"), [("min", "max"), ("max", "min")])
def test_a_plateau_of_the_other_mode_is_refused(of, wanted):
    with pytest.raises(ClanError) as raised:
        with_plateau(of, mode=wanted)
    assert str(raised.value) == (
        f"ReduceLROnPlateau has mode={of!r}, and the clan has mode={wanted!r}, so it would lower "
        "the learning rate while the metric improves: give both the same mode"
    )


# ---- Schedulers that cycle a momentum ----


def one_cycle(o, **options):
    return lr_scheduler.OneCycleLR(o, 0.1, total_steps=20, **options)


def nested(o, **options):
    cycle = lr_scheduler.CyclicLR(o, 0.01, 0.1, **options)
    return lr_scheduler.SequentialLR(o, [lr_scheduler.LinearLR(o), cycle], [3])


def chained(o, **options):
    return lr_scheduler.ChainedScheduler([one_cycle(o, **options)])


def sequence_in_a_chain(o, **options):
    return lr_scheduler.ChainedScheduler([nested(o, **options)])


def with_cycle(scheduler, gene, **options):
    model, optimizer = model_and_optimizer()
    made = scheduler(optimizer, **options)
    genes = {gene: {"can_mutate": True}}
    return clan(model=model, optimizer=optimizer, scheduler=made, genome_config=genes)


@pytest.mark.parametrize(
    ("scheduler", "cycling"),
    [
        (one_cycle, "OneCycleLR"),
        (nested, "CyclicLR"),
        (chained, "OneCycleLR"),
        (sequence_in_a_chain, "CyclicLR"),
        (lambda o: [lr_scheduler.LinearLR(o), one_cycle(o)], "OneCycleLR"),
    ],
)
def test_a_momentum_that_evolves_does_not_go_with_a_scheduler_that_cycles_it(scheduler, cycling):
    with pytest.raises(ClanError) as raised:
        with_cycle(scheduler, "betas/0").round()
    assert str(raised.value) == (
        f"gene 'betas/0' evolves, and {cycling} cycles it: give it cycle_momentum=False, or leave "
        "the gene out"
    )


@pytest.mark.parametrize("scheduler", [one_cycle, nested, chained, sequence_in_a_chain])
def test_a_scheduler_that_leaves_the_momentum_alone_goes_with_its_gene(scheduler):
    member = with_cycle(scheduler, "betas/0", cycle_momentum=False).round()
    assert member.optimizer.param_groups[0]["betas"][0] == member.get_gene("betas/0")
    member = with_cycle(scheduler, "betas/1").round()  # which is not cycled
    assert member.optimizer.param_groups[0]["betas"][1] == member.get_gene("betas/1")


def test_a_momentum_gene_is_found_by_its_place_and_not_by_its_name():
    model, optimizer = model_and_optimizer(torch.optim.NAdam)
    scheduler = one_cycle(optimizer)
    it = clan(model=model, optimizer=optimizer, scheduler=scheduler, autobind=[])
    it.add_gene("momentum_decay")
    member = it.round()
    assert optimizer.param_groups[0]["momentum_decay"] == member.get_gene("momentum_decay")
    model, optimizer = model_and_optimizer()
    scheduler = one_cycle(optimizer)
    it = clan(model=model, optimizer=optimizer, scheduler=scheduler, autobind=[])
    it.add_gene("inertia", path="optimizer/param_groups/0/betas/0", can_mutate=True)
    with pytest.raises(ClanError, match="gene 'inertia' evolves, and OneCycleLR cycles it"):
        it.round()


def test_a_scheduler_cycles_the_momentum_of_its_own_optimizer_only():
    model, _ = model_and_optimizer()
    first, second = ([parameter] for parameter in [*model.parameters()][:2])
    optimizers = {"a": torch.optim.SGD(first, lr=0.1, momentum=0.9)}
    optimizers["b"] = torch.optim.SGD(second, lr=0.1, momentum=0.9)
    it = clan(model=model, optimizer=optimizers, scheduler=one_cycle(optimizers["a"]), autobind=[])
    it.add_gene("b/momentum", can_mutate=True)
    member = it.round()
    assert optimizers["b"].param_groups[0]["momentum"] == member.get_gene("b/momentum")


# ---- Schedulers that do not belong there ----


OVERWRITES = (
    "a learning rate scheduler is on this optimizer, and a gene or the warm-up sets the learning "
    "rate: one would overwrite the other. Hand it in, Clan(..., scheduler=scheduler), and the gene "
    "multiplies what it sets; or leave it out, and give total_steps= for a warm-up and a cooldown "
    "(if it is gone already, delete 'initial_lr' from the param groups)"
)


def test_a_scheduler_that_nobody_handed_in_is_refused():
    model, optimizer = model_and_optimizer()
    lr_scheduler.StepLR(optimizer, 3)
    with pytest.raises(ClanError) as raised:
        clan(model=model, optimizer=optimizer).round()
    assert str(raised.value) == OVERWRITES


@pytest.mark.parametrize("options", [{}, {"autobind": [], "total_steps": 20}])
def test_a_scheduler_of_a_later_time_is_found_in_the_next_step(options):
    member = clan(**options).round()
    take_step(member.model, member.optimizer)
    lr_scheduler.StepLR(member.optimizer, 1000)  # it changes the rate after a thousand steps
    with pytest.raises(ClanError) as raised:
        take_step(member.model, member.optimizer)
    assert str(raised.value) == OVERWRITES


def test_a_scheduler_without_a_gene_or_a_warm_up_is_no_concern_of_the_clan():
    model, optimizer = model_and_optimizer()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    member = clan(model=model, optimizer=optimizer, autobind=[], round_length=3).round()
    while not member.done:
        take_step(model, optimizer)
        scheduler.step()
        member.step()
    assert optimizer.param_groups[0]["lr"] == 0.01 * 0.5**3


def by_plateau(optimizer):
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
    return lambda: (plateau.step(1.0), plateau.step(2.0))


def by_assignment(optimizer):
    def assign():
        for group in optimizer.param_groups:
            group["lr"] = 0.005

    return assign


@pytest.mark.parametrize("way", [by_plateau, by_assignment])
def test_a_rate_that_somebody_else_sets_is_found_in_the_first_step(way):
    member = clan().round()
    overwrite = way(member.optimizer)
    before = member.optimizer.param_groups[0]["lr"]
    take_step(member.model, member.optimizer)
    overwrite()
    with pytest.raises(OverwrittenError) as raised:
        member.step()
    now = member.optimizer.param_groups[0]["lr"]
    assert str(raised.value) == (
        f"gene 'lr' set 'optimizer/param_groups/0/lr' to {before!r}, and now it is {now!r}: "
        "something else writes there, such as a scheduler, a loop that assigns group['lr'], or a "
        "loaded optimizer state. Hand a scheduler in, Clan(..., scheduler=scheduler), and the gene "
        "multiplies what it sets (a rule of your own makes a LambdaLR); or leave it out, and give "
        "total_steps= for a warm-up and a cooldown"
    )


def of_another_optimizer():
    return lr_scheduler.StepLR(model_and_optimizer()[1], 3)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (
            of_another_optimizer(),
            (
                "StepLR sets the learning rate of another optimizer than the clan has: make it "
                "with the optimizer that the clan gets"
            ),
        ),
        ([], "scheduler= is an empty list: give a scheduler, or leave it out"),
        (
            lr_scheduler.StepLR,
            (
                "scheduler= is a learning rate scheduler, or a list of them, and <class "
                "'torch.optim.lr_scheduler.StepLR'> is none: give it as torch.optim.lr_scheduler "
                "makes it, with the optimizer of the clan"
            ),
        ),
        (
            "cosine",
            (
                "scheduler= is a learning rate scheduler, or a list of them, and 'cosine' is none: "
                "give it as torch.optim.lr_scheduler makes it, with the optimizer of the clan"
            ),
        ),
    ],
)
def test_what_is_no_scheduler_of_this_clan_is_refused(scheduler, message):
    with pytest.raises(ClanError) as raised:
        clan(scheduler=scheduler)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("saved", "given", "message"),
    [
        ("StepLR", "LinearLR", "the scheduler StepLR, and this clan has the scheduler LinearLR"),
        (
            "two of them",
            "LinearLR",
            ("the scheduler LinearLR, ExponentialLR, and this clan has the scheduler LinearLR"),
        ),
        ("StepLR", None, "the scheduler StepLR, and this clan has no scheduler"),
        (None, "StepLR", "no scheduler, and this clan has the scheduler StepLR"),
    ],
)
def test_a_run_with_another_scheduler_does_not_go_on(tmp_path, saved, given, message):
    def make(name):
        model, optimizer = groups()
        scheduler = None if name is None else SCHEDULERS[name](optimizer)
        return clan(model=model, optimizer=optimizer, autobind=["sgd"], scheduler=scheduler)

    it = make(saved)
    train(it.round())
    it.step(1.0)
    it.save(tmp_path)
    with pytest.raises(CheckpointError) as raised:
        make(given).resume(tmp_path)
    assert str(raised.value) == (
        f"the checkpoint has {message}: give scheduler= as in the run that was saved"
    )
