"""What an author reads when something is wrong: who, where, and what to do. Whole messages."""

import math

import attrs
import pytest

from clantune_core import (
    AbstractAllele,
    AbstractMutationStrategy,
    AbstractStrategy,
    AlleleError,
    BoolAllele,
    DataError,
    Evolution,
    FloatAllele,
    Genome,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    PluginError,
    StrategyError,
    StringAllele,
    TreeError,
    from_json,
    hookimpl,
    load_strategy,
)


def told(action, error):
    """Return what Python prints under a traceback: the message, and below it the notes."""
    with pytest.raises(error) as caught:
        action()
    return "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])


GENOME = Genome(
    {
        "lr": LogFloatAllele(0.1, (0.001, 1.0), metadata={"std": FloatAllele(0.5)}),
        "depth": IntAllele(3, (1, 9)),
    }
)


# ---- Two packages, one name ----


def test_two_packages_with_one_strategy_name_are_both_named(own_site):
    for distribution in ("wind-north", "wind-south"):
        module = distribution.replace("-", "_")
        own_site.install(distribution, "", strategies={"breeze": f"{module}:Breeze"})
    message = (
        "strategy 'breeze' is installed by 2 distributions: wind-north, wind-south; uninstall one "
        "of them, or switch it off: CLANTUNE_DISABLE_PLUGINS=wind-south"
    )
    assert told(lambda: load_strategy("breeze"), PluginError) == message
    document = '{"clantune": "strategy", "version": 1, "strategy": "breeze"}'
    read = told(lambda: from_json(document, AbstractStrategy), DataError)
    assert read == f"$.strategy: {message}"


def test_two_packages_with_one_kind_of_allele_are_both_named(own_site):
    for distribution in ("wind-north", "wind-south"):
        module = distribution.replace("-", "_")
        own_site.install(distribution, "", alleles={"knots": f"{module}:Knots"})
    document = '{"clantune": "allele", "version": 1, "kind": "knots", "value": 1}'
    assert told(lambda: from_json(document, AbstractAllele), DataError) == (
        "$.kind: kind of allele 'knots' is installed by 2 distributions: wind-north, wind-south; "
        "uninstall one of them, or switch it off: CLANTUNE_DISABLE_PLUGINS=wind-south"
    )


# ---- A strategy that returns None in a fold ----


@attrs.frozen
class Forgetful(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        allele.with_value(0.2)


@attrs.frozen
class ForgetfulAtSetup(AbstractMutationStrategy):
    def handle_setup(self, allele):
        allele.with_metadata(std=0.1)

    def handle_mutating(self, allele):
        return allele


def test_none_in_a_fold_names_strategy_hook_and_place_in_the_tree():
    evolution = Evolution([load_strategy("gust"), Forgetful()])
    assert told(lambda: evolution.mutate(GENOME), StrategyError) == (
        "handle_mutating of strategy '1:Forgetful' returned None; return the allele, unchanged if "
        "it is not yours\n"
        "at gene 'lr', path 'std'"
    )


def test_none_at_setup_names_strategy_hook_and_gene():
    assert told(lambda: ForgetfulAtSetup().setup_genome(GENOME), StrategyError) == (
        "handle_setup of strategy '0:ForgetfulAtSetup' returned None; return the allele, unchanged "
        "if it is not yours\n"
        "at gene 'lr'"
    )


# ---- Misspelt hooks: said when the class is made. Misspelt arguments: when the list is made ----


def misspelt():
    class Misspelt(AbstractMutationStrategy):
        def handle_mutate(self, allele):
            return allele


def marked_by_mistake():
    class MarkedByMistake(AbstractMutationStrategy):
        @hookimpl
        def shake(self, allele):
            return allele


@attrs.frozen
class Greedy(AbstractMutationStrategy):
    def handle_mutating(self, allele, temperature):
        return allele


def test_a_misspelt_hook_suggests_the_right_one():
    assert told(misspelt, StrategyError) == (
        "strategy 'Misspelt' defines handle_mutate, which is not a hook; did you mean "
        "handle_mutating? A method that is not a hook must start with an underscore"
    )


def test_a_marked_method_that_is_no_hook_shows_the_hooks():
    assert told(marked_by_mistake, StrategyError) == (
        "strategy 'MarkedByMistake' defines shake, which is not a hook; the hooks are "
        "handle_setup, select_ancestry, handle_crossbreeding, handle_mutating. A method that is "
        "not a hook must not have @hookimpl"
    )


def test_an_argument_that_the_hook_does_not_offer_shows_those_that_it_offers():
    assert told(lambda: Greedy().apply_strategy(GENOME), StrategyError) == (
        "handle_mutating of strategy '0:Greedy' takes 'temperature', which this hook does not "
        "offer; it offers allele, population_alleles, ancestry, my_genome, population_genomes, "
        "offspring_alleles, context, rng, shared_rng, draw, shared_draw"
    )


# ---- Unknown kinds ----


def _unknown_kind(kind, guess):
    return (
        f"$.alleles.lr.kind: no kind of allele is called {kind!r}{guess} Installed: angle, bool, "
        "float, int, lineage, log_float, logit_float, string, symlog_float, symlog_int. If a "
        "package offers it, pip install that package; ClanTune's own are in clantune-core"
    )


@pytest.mark.parametrize(
    ("kind", "guess"), [("angel", "; did you mean 'angle'?"), ("hypersphere", ".")]
)
def test_an_unknown_kind_says_which_what_is_installed_and_what_to_do(site, kind, guess):
    # In a process of its own: kinds that other tests register would be listed too.
    printed = site.run(
        f"""
        from clantune_core import DataError, Genome
        genes = {{"lr": {{"kind": {kind!r}, "value": 1}}}}
        uuid = "00000000-0000-4000-8000-000000000000"
        document = {{"clantune": "genome", "version": 1, "uuid": uuid, "alleles": genes}}
        try:
            Genome.deserialize(document)
        except DataError as error:
            print(error)
        """
    )
    assert printed == _unknown_kind(kind, guess)


# ---- Values out of their domain ----

NO_ZERO = (
    " is not possible for LogFloatAllele, which holds numbers above 0, from "
    "2.2250738585072014e-308 on; FloatAllele holds 0 too"
)
NO_ENDS = (
    " is not possible for LogitFloatAllele, which holds numbers between 0 and 1, from "
    "2.2250738585072014e-308 to 0.9999999999999999; FloatAllele holds 0 and 1 too"
)
OUT_OF_DOMAIN = {
    "above": (
        lambda: LogFloatAllele(5.0, (0.1, 1)),
        (
            "5.0 is outside the domain 0.1 .. 1 of this LogFloatAllele; give a value inside, "
            "or a wider domain"
        ),
    ),
    "zero on a logarithmic scale": (lambda: LogFloatAllele(0.0), f"0.0{NO_ZERO}"),
    "zero on a logarithmic scale, in the domain too": (
        lambda: LogFloatAllele(0.0, (0, 1)),
        f"the domain 0 .. 1{NO_ZERO}",
    ),
    "zero on a logarithmic scale, but not in the domain": (
        lambda: LogFloatAllele(0.0, (0.1, 1)),
        f"0.0{NO_ZERO}",
    ),
    "zero for a probability": (lambda: LogitFloatAllele(0.0), f"0.0{NO_ENDS}"),
    "one for a probability, which may be anything": (
        lambda: LogitFloatAllele(1.0, (0, 1)),
        f"1.0{NO_ENDS}",
    ),
    "too large for a probability": (
        lambda: LogitFloatAllele(0.95, (0.1, 0.9)),
        (
            "0.95 is outside the domain 0.1 .. 0.9 of this LogitFloatAllele; give a value inside, "
            "or a wider domain"
        ),
    ),
    "an integer below": (
        lambda: IntAllele(0, (1, 9)),
        "0 is outside the domain 1 .. 9 of this IntAllele; give a value inside, or a wider domain",
    ),
    "a fraction": (lambda: IntAllele(2.5), "2.5 is not a value of IntAllele; the nearest one is 2"),
    "not a number": (lambda: FloatAllele(math.nan), "FloatAllele holds a finite number; got nan"),
    "a text": (lambda: FloatAllele("0.1"), "FloatAllele holds a number; got '0.1'"),
    "not a choice": (
        lambda: StringAllele("step", ("cosine", "linear")),
        "'step' is not among the choices ['cosine', 'linear'] of this StringAllele",
    ),
    "one for True": (
        lambda: BoolAllele(1),
        "1 is not among the choices [False, True] of this BoolAllele",
    ),
}


@pytest.mark.parametrize(("make", "message"), OUT_OF_DOMAIN.values(), ids=OUT_OF_DOMAIN)
def test_a_value_out_of_its_domain_shows_value_domain_and_kind(make, message):
    assert told(make, AlleleError) == message


@attrs.frozen
class Reckless(AbstractMutationStrategy):
    def handle_mutating(self, allele):
        return type(allele)(1e9, allele.domain)


def test_out_of_its_domain_in_a_strategy_it_names_strategy_hook_and_gene():
    genome = Genome({"lr": LogFloatAllele(0.1, (0.001, 1.0))})
    assert told(lambda: Evolution([Reckless()]).mutate(genome), AlleleError) == (
        "1000000000.0 is outside the domain 0.001 .. 1 of this LogFloatAllele; give a value "
        "inside, or a wider domain\n"
        "in handle_mutating of strategy '0:Reckless'\n"
        "at gene 'lr'"
    )


def test_out_of_its_domain_in_a_document_it_names_the_path():
    uuid = "00000000-0000-4000-8000-000000000000"
    std = {"kind": "float", "value": 5, "domain": [0, 1]}
    genes = {"lr": {"kind": "float", "value": 1, "alleles": {"std": std}}}
    document = {"clantune": "genome", "version": 1, "uuid": uuid, "alleles": genes}
    assert told(lambda: Genome.deserialize(document), DataError) == (
        "$.alleles.lr.alleles.std.value: 5 is outside the domain 0 .. 1 of this FloatAllele; give "
        "a value inside, or a wider domain"
    )


# ---- Genomes of different schemas ----

SAME = (
    "give every genome the same genes of the same kinds, and set all of them up with the same "
    "strategies"
)
OTHER_SCHEMAS = {
    "a gene is missing": (
        {"lr": GENOME.alleles["lr"]},
        (
            "genome 0 and genome 1 have different genes: only genome 0 has 'depth'; give every "
            "genome the same genes"
        ),
    ),
    "a gene is misspelt": (
        {"lr": GENOME.alleles["lr"], "dept": GENOME.alleles["depth"]},
        (
            "genome 0 and genome 1 have different genes: only genome 0 has 'depth', only genome 1 "
            "has 'dept'; give every genome the same genes"
        ),
    ),
    "another kind": (
        {**GENOME.alleles, "depth": FloatAllele(3.0)},
        "gene 'depth': the genomes differ: genome 0 holds IntAllele, genome 1 holds FloatAllele; "
        + SAME,
    ),
    "another kind in metadata": (
        {**GENOME.alleles, "lr": LogFloatAllele(0.1, metadata={"std": LogFloatAllele(0.5)})},
        "gene 'lr', path 'std': the genomes differ: genome 0 holds FloatAllele, genome 1 holds "
        "LogFloatAllele; " + SAME,
    ),
    "other alleles in metadata": (
        {**GENOME.alleles, "lr": LogFloatAllele(0.1)},
        "gene 'lr': the genomes differ: genome 0 has the alleles 'std' in metadata, genome 1 has "
        "no alleles in metadata; " + SAME,
    ),
}


@pytest.mark.parametrize(("genes", "message"), OTHER_SCHEMAS.values(), ids=OTHER_SCHEMAS)
def test_a_genome_of_another_schema_names_gene_path_and_both_sides(genes, message):
    evolution = Evolution([load_strategy("gust")])
    population = [GENOME, Genome(genes)]
    assert (
        told(lambda: evolution.mutate(GENOME, population_genomes=population), TreeError) == message
    )
