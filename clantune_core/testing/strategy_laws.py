"""The laws for strategies: the requirements for every strategy, whatever its purpose.

A law is a function of a `Case`. Its docstring is the sentence that a failure begins with. The hooks
that a strategy implements decide which laws apply to it.
"""

from __future__ import annotations

import contextlib
import pickle
import random
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import attrs

from clantune_core.alleles.base import AbstractAllele
from clantune_core.data.documents import from_json, to_json
from clantune_core.data.things import read_parameters, write_parameters
from clantune_core.errors import ClanTuneError
from clantune_core.genome import Genome
from clantune_core.hooks.implementations import HOOKS
from clantune_core.population import Population
from clantune_core.rng import shared_rng
from clantune_core.strategies import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    AbstractStrategy,
)
from clantune_core.testing import another_process
from clantune_core.testing.cases import Case, outcome
from clantune_core.testing.laws import LawBroken, Rules, in_several_cases, in_some_case

EVERY = (*HOOKS,)
BREEDING = ("handle_mutating", "handle_crossbreeding")

RULES: Rules[Case] = Rules()

MAY_PASS = {
    "select_ancestry": "selects_somebody",
    "handle_crossbreeding": "crossbreeds_something",
}
"""By hook: the law that does not apply to a strategy that may always return None."""

# ---- Every strategy ----


@RULES.law(*EVERY)
def answers_every_population(case: Case) -> None:
    """A hook returns a valid result for every population and raises no exception.

    A fold returns an allele of the same kind. A first answer may be None.
    """
    for hook in case.hooks:
        try:
            case.run(hook)
        except Exception as error:
            told = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
            raise LawBroken(f"{hook} ended with {told}") from error


@RULES.law(*EVERY)
def answers_the_same_twice(case: Case) -> None:
    """Two calls with the same seed return the same result."""
    if not case.is_steady():
        raise LawBroken(f"it gave first {case.outcomes()}, then {case.outcomes()}")


@RULES.law(*EVERY)
def leaves_its_input_alone(case: Case) -> None:
    """A hook does not change the genomes that it receives."""
    before = pickle.dumps(case.population)
    case.outcomes()
    if pickle.loads(before) != case.population:  # noqa: S301  (our own bytes)
        raise LawBroken(f"it changed the population into {[*case.population]}")


@RULES.law(*EVERY)
def leaves_global_randomness_alone(case: Case) -> None:
    """A strategy draws from the streams that it receives, never from the module `random`."""
    before = random.getstate()
    case.outcomes()
    if random.getstate() != before:
        raise LawBroken("it drew from the global generator")


@RULES.law(*EVERY)
def draws_alike_from_the_shared_stream(case: Case) -> None:
    """Every member draws equally often from `shared_rng`, so that all ranks share the stream."""
    for hook in case.hooks:
        states: dict[object, int] = {}
        for rank in range(len(case.population)) if case.shares(hook) else ():
            shared = shared_rng(case.seed, case.generation)
            with contextlib.suppress(Exception):  # another law reports it
                case.as_rank(rank).run(hook, shared)
                states.setdefault(shared.getstate(), rank)
        if len(states) > 1:
            first, second, *_ = states.values()
            raise LawBroken(f"{hook} drew unequally on ranks {first} and {second}")


@RULES.law(*EVERY)
def keeps_no_state(case: Case) -> None:
    """A call does not change the fields of a strategy."""
    before = _contents(case.strategy)
    case.outcomes()
    if (after := _contents(case.strategy)) != before:
        raise LawBroken(f"the fields of {case.strategy!r} were {before}, now they are {after}")


@RULES.law(*EVERY)
def survives_pickling(case: Case) -> None:
    """A strategy is equal to its pickled copy, so that it reaches other processes."""
    try:
        copy = pickle.loads(pickle.dumps(case.strategy))  # noqa: S301  (our own bytes)
    except Exception as error:
        raise LawBroken(f"pickling ended with {type(error).__name__}: {error}") from error
    if copy != case.strategy:
        raise LawBroken(f"{case.strategy!r} came back as {copy!r}")


@RULES.law(*EVERY)
def survives_plain_data(case: Case) -> None:
    """A strategy is equal to its copy read back from plain data."""
    try:
        copy = read_parameters(type(case.strategy), write_parameters(case.strategy))
    except ClanTuneError as error:
        raise LawBroken(f"saving ended with {type(error).__name__}: {error}") from error
    if copy != case.strategy:
        raise LawBroken(f"{case.strategy!r} came back as {copy!r}")


# ---- Setup ----


@RULES.law("handle_setup")
def only_adds_metadata(case: Case) -> None:
    """`handle_setup` adds metadata to genes and changes nothing else."""
    before = case.population[case.rank]
    for _, after in case.bred("handle_setup"):
        for gene, allele in before.alleles.items():
            made = after.alleles[gene]
            added = [name for name in made.metadata if name not in allele.metadata]
            if made.without_metadata(*added) != allele:
                raise LawBroken(f"gene {gene!r} was {allele!r}, now it is {made!r}")


# ---- Mutating and crossbreeding ----


@RULES.law(*BREEDING)
def keeps_the_tree_shape(case: Case) -> None:
    """Breeding neither adds alleles to metadata nor removes any."""
    for hook, before, after in _bred(case):
        if _places(before) != _places(after):
            raise LawBroken(f"{hook} turned {_places(before)} into {_places(after)}")


@RULES.law(*BREEDING)
def stays_in_the_domain(case: Case) -> None:
    """Breeding keeps every value inside its domain, and does not change the domain."""
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


@RULES.law(*BREEDING)
def leaves_alone_what_is_not_its_own(case: Case) -> None:
    """Breeding keeps the flags of an allele and the metadata of other strategies."""
    bare = dict(_nodes(case.population[case.rank]))  # without metadata of this strategy
    for hook, before, after in _bred(case):
        there = dict(_nodes(after))
        pairs = [(place, old, there.get(place, old)) for place, old in _nodes(before)]
        pairs = [pair for pair in pairs if pair[0] in bare]
        # A name that the strategy adds to one node is its own in all nodes.
        own = {
            name
            for place, *nodes in pairs
            for node in nodes
            for name in node.metadata.keys() - bare[place].metadata.keys()
        }
        for place, old, new in pairs:
            now = _of_others(new, own).items()
            for what, held in _of_others(old, own).items():
                if (what, held) not in now:
                    raise LawBroken(f"{hook} changed {what} of {place}: it was {held!r}")


@RULES.law("handle_setup", *BREEDING)
def gives_genomes_that_can_be_saved(case: Case) -> None:
    """A genome that a strategy has changed is equal to its copy read back from JSON."""
    for hook, made in case.bred("handle_setup", *BREEDING):
        try:
            copy = from_json(to_json(made), Genome)
        except ClanTuneError as error:
            raise LawBroken(f"after {hook}, saving ended with {error}") from error
        if copy != made:
            raise LawBroken(f"after {hook}, {made!r} came back as {copy!r}")


@RULES.law(*BREEDING)
def works_alone_as_in_a_list(case: Case) -> None:
    """`strategy.apply_strategy` returns the same as an `Evolution` of this strategy alone."""
    mutates = isinstance(case.strategy, AbstractMutationStrategy)
    if not mutates and not isinstance(case.strategy, AbstractCrossbreedingStrategy):
        return  # a subclass of AbstractStrategy defines its own arguments

    def run(apply: Callable[..., Genome]) -> Genome:
        ready = case.ready()
        genomes = [] if mutates else [ready]
        shared = {}
        if any(map(case.shares, case.hooks)):
            shared["shared_rng"] = shared_rng(case.seed, case.generation)
        return apply(ready[case.rank], *genomes, case.rng(), **shared)

    alone = outcome(partial(run, case.strategy.apply_strategy))
    listed = outcome(partial(run, case.evolution.mutate if mutates else case.evolution.crossbreed))
    if alone != listed and case.is_steady():
        raise LawBroken(f"alone: {alone}, in a list: {listed}")


@RULES.law("handle_crossbreeding", trial=in_some_case)
def crossbreeds_something(case: Case) -> bool:
    """`handle_crossbreeding` returns an allele in at least one case, unless `may_pass` names it."""
    return case.answers("handle_crossbreeding")


# ---- Selecting ----


@RULES.law("select_ancestry", trial=in_some_case)
def selects_somebody(case: Case) -> bool:
    """`select_ancestry` returns an ancestry in at least one case, unless `may_pass` names it."""
    return case.answers("select_ancestry")


@RULES.law("select_ancestry", on_request=True)
def ignores_the_order_of_ranks(case: Case) -> None:
    """The probability of each member does not depend on the order of the members."""
    turned = Population([*case.population[1:], case.population[0]])
    other = attrs.evolve(case, population=turned, rank=(case.rank - 1) % len(turned))
    try:
        here, there = case.select(), other.select()
    except Exception:  # noqa: BLE001  (another law reports it)
        return
    if {p.uuid: p.probability for p in here or ()} != {p.uuid: p.probability for p in there or ()}:
        raise LawBroken(f"it gave {here!r}, and in another order {there!r}")


# ---- In another process ----

RULES.law(*EVERY, trial=in_several_cases(20))(another_process.answers_the_same_in_another_process)


# ---- Helpers ----


def _contents(strategy: AbstractStrategy) -> dict[str, str]:
    kind: Any = type(strategy)
    fields = attrs.fields_dict(kind) if attrs.has(kind) else {}
    names = {**fields, **getattr(strategy, "__dict__", {})}
    return {name: repr(getattr(strategy, name)) for name in names}


def _bred(case: Case) -> Iterator[tuple[str, Genome, Genome]]:
    for hook, after in case.bred(*BREEDING):
        yield hook, case.ready()[case.rank], after


def _of_others(node: AbstractAllele, own: Collection[str]) -> dict[str, Any]:
    """Return the flags of a node, and its plain metadata without the strategy's own."""
    left_out = {*node.metadata.children, *own}
    return {
        "can_mutate": node.can_mutate,
        "can_crossbreed": node.can_crossbreed,
        **{f"metadata[{n!r}]": held for n, held in node.metadata.items() if n not in left_out},
    }


def _nodes(genome: Genome) -> list[tuple[str, AbstractAllele]]:
    return genome.walk(lambda allele, context: (context.place, allele))


def _places(genome: Genome) -> list[str]:
    return [place for place, _ in _nodes(genome)]
