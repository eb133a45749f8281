"""The laws: what every strategy must do, whatever it is for.

A law is a function of a `Case` that raises `LawBroken`. Its docstring is the sentence that a
failure begins with. Which laws apply to a strategy is read off the hooks that it implements.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator

import attrs

from clantune_core._allele import AbstractAllele
from clantune_core._documents import read_parameters, write_parameters
from clantune_core._seating import HOOKS
from clantune_core.errors import ClanTuneError, StrategyError
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome
from clantune_core.population import Population
from clantune_core.serialize import from_json, to_json
from clantune_core.strategies import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
)
from clantune_core.testing.cases import FOREIGN, Case

EVERY = frozenset(HOOKS)
BREEDING = frozenset({"handle_mutating", "handle_crossbreeding"})


class LawBroken(AssertionError):
    """A strategy breaks a law: the sentence of the law, and what happened instead."""


Check = Callable[[Case], None]


@attrs.frozen
class Rule:
    """A law before it is applied to a strategy.

    Attributes:
        name: Also the id of its test item.
        sentence: What it demands.
        hooks: It applies to strategies that implement any of these.
        check: Tries it on a case.
        on_request: Whether it applies only to those who ask for it.
    """

    name: str
    sentence: str
    hooks: frozenset[str]
    check: Check
    on_request: bool = False


RULES: dict[str, Rule] = {}
"""All laws by name, in the order in which they are tried."""


def _law(*hooks: str, on_request: bool = False) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        sentence = " ".join((check.__doc__ or "").split())
        RULES[check.__name__] = Rule(
            check.__name__, sentence, frozenset(hooks) or EVERY, check, on_request
        )
        return check

    return register


# ---- Every strategy ----


@_law()
def answers_every_population(case: Case) -> None:
    """A hook answers for every population, whatever its alleles and fitnesses, as it should.

    A fold returns an allele of the same kind, a first answer may be None, an ancestry is sound;
    nothing is raised.
    """
    for hook in case.hooks:
        try:
            case.run(hook)
        except Exception as error:
            if "nobody selects parents" in str(error):  # it passed, as it may
                continue
            told = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
            raise LawBroken(f"{hook} ended with {told}") from error


@_law()
def answers_the_same_twice(case: Case) -> None:
    """The same seed gives the same result, twice in one process."""
    if not case.is_steady():
        raise LawBroken(f"it gave first {case.outcomes()}, then {case.outcomes()}")


@_law()
def leaves_its_input_alone(case: Case) -> None:
    """A hook changes none of the genomes that it is given."""
    before = pickle.dumps(case.population)
    case.outcomes()
    if pickle.loads(before) != case.population:  # noqa: S301  (our own bytes)
        raise LawBroken(f"it changed the population into {[*case.population]}")


@_law()
def leaves_global_randomness_alone(case: Case) -> None:
    """A strategy draws from the streams that it is handed, never from the module `random`."""
    before = random.getstate()
    case.outcomes()
    if random.getstate() != before:
        raise LawBroken("it drew from the global generator")


@_law()
def keeps_no_state(case: Case) -> None:
    """A strategy is the same value after it was called as before."""
    before = repr(case.strategy)
    case.outcomes()
    if repr(case.strategy) != before:
        raise LawBroken(f"{before} became {case.strategy!r}")


@_law()
def survives_pickling(case: Case) -> None:
    """A strategy is equal to its pickled copy, so that it reaches other processes."""
    try:
        copy = pickle.loads(pickle.dumps(case.strategy))  # noqa: S301  (our own bytes)
    except Exception as error:
        raise LawBroken(f"pickling ended with {type(error).__name__}: {error}") from error
    if copy != case.strategy:
        raise LawBroken(f"{case.strategy!r} came back as {copy!r}")


@_law()
def survives_plain_data(case: Case) -> None:
    """A configured strategy is equal to the one read back from its parameters in plain data."""
    try:
        copy = read_parameters(type(case.strategy), write_parameters(case.strategy))
    except ClanTuneError as error:
        raise LawBroken(f"saving ended with {type(error).__name__}: {error}") from error
    if copy != case.strategy:
        raise LawBroken(f"{case.strategy!r} came back as {copy!r}")


# ---- Setup ----


@_law("handle_setup")
def only_adds_metadata(case: Case) -> None:
    """Setting up adds to the metadata of genes, and changes nothing that was there."""
    before = case.population[case.rank]
    for _, after in case.bred("handle_setup"):
        for gene, allele in before.alleles.items():
            made = after.alleles[gene]
            added = [name for name in made.metadata if name not in allele.metadata]
            if made.without_metadata(*added) != allele:
                raise LawBroken(f"gene {gene!r} was {allele!r}, now it is {made!r}")


# ---- Mutating and crossbreeding ----


@_law(*BREEDING)
def keeps_the_tree_shape(case: Case) -> None:
    """Breeding neither adds alleles to metadata nor takes any away."""
    for hook, before, after in _bred(case):
        if _places(before) != _places(after):
            raise LawBroken(f"{hook} turned {_places(before)} into {_places(after)}")


@_law(*BREEDING)
def stays_in_the_domain(case: Case) -> None:
    """Breeding leaves every value inside the domain that it had, and the domain as it was."""
    for hook, before, after in _bred(case):
        there = dict(_nodes(after))
        for place, old in _nodes(before):
            new = there.get(place, old)
            if type(old) is not type(new) or old.domain != new.domain:
                raise LawBroken(f"{hook} turned {place} from {old!r} into {new!r}")
            try:
                old.check_value(new.value)
            except ClanTuneError as error:
                raise LawBroken(f"{hook} moved {place} out of its domain: {error}") from error


@_law(*BREEDING)
def leaves_alone_what_is_not_its_own(case: Case) -> None:
    """Breeding keeps the flags of an allele, and the metadata that other strategies put there."""
    for hook, before, after in _bred(case):
        for gene, allele in before.alleles.items():
            made = after.alleles[gene]
            if {name: made.metadata.get(name) for name in FOREIGN} != FOREIGN:
                raise LawBroken(f"{hook} dropped {FOREIGN} from the metadata of gene {gene!r}")
            for flag in ("can_mutate", "can_crossbreed"):
                if getattr(made, flag) != getattr(allele, flag):
                    raise LawBroken(f"{hook} changed {flag} of gene {gene!r}")


@_law("handle_setup", *BREEDING)
def gives_genomes_that_can_be_saved(case: Case) -> None:
    """What a hook makes of a genome is equal to its copy read back from JSON."""
    for hook, made in case.bred("handle_setup", *BREEDING):
        try:
            copy = from_json(to_json(made), Genome)
        except ClanTuneError as error:
            raise LawBroken(f"after {hook}, saving ended with {error}") from error
        if copy != made:
            raise LawBroken(f"after {hook}, {made!r} came back as {copy!r}")


@_law(*BREEDING)
def works_alone_as_in_a_list(case: Case) -> None:
    """`strategy.apply_strategy` gives what an `Evolution` of this one strategy gives."""
    ready, strategy = case.ready(), case.strategy
    me = ready[case.rank]
    try:
        if isinstance(strategy, AbstractMutationStrategy):
            listed = Evolution([strategy]).mutate(me, case.rng())
            alone = strategy.apply_strategy(me, case.rng())
        elif isinstance(strategy, AbstractCrossbreedingStrategy):
            listed = Evolution([strategy]).crossbreed(me, ready, case.rng())
            alone = strategy.apply_strategy(me, ready, case.rng())
        else:
            return
    except StrategyError:  # it selects nobody, or does not answer at all: other laws are about that
        return
    if case.is_steady() and listed != alone:
        raise LawBroken(f"alone it gave {alone!r}, in a list {listed!r}")


# ---- Selecting ----


@_law("select_ancestry", on_request=True)
def ignores_the_order_of_ranks(case: Case) -> None:
    """Selecting from the same members in another order gives each the same probability."""
    turned = Population([*case.population[1:], case.population[0]])
    other = attrs.evolve(case, population=turned, rank=(case.rank - 1) % len(turned))
    try:
        here, there = case.select(), other.select()
    except StrategyError:  # it leaves selecting to others
        return
    if {p.uuid: p.probability for p in here} != {p.uuid: p.probability for p in there}:
        raise LawBroken(f"it gave {here!r}, and in another order {there!r}")


# ---- Looking at genomes ----


def _bred(case: Case) -> Iterator[tuple[str, Genome, Genome]]:
    before = case.ready()[case.rank]
    for hook, after in case.bred(*BREEDING):
        yield hook, before, after


def _nodes(genome: Genome) -> list[tuple[str, AbstractAllele]]:
    return genome.walk(lambda allele, context: (context.place, allele))


def _places(genome: Genome) -> list[str]:
    return [place for place, _ in _nodes(genome)]
