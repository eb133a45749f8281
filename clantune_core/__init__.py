"""The genetics under ClanTune: alleles, genomes, four hooks, and an evolution that calls them."""

from clantune_core.alleles import (
    AbstractAllele,
    BoolAllele,
    ContinuousAllele,
    DiscreteAllele,
    FloatAllele,
    IntAllele,
    LogFloatAllele,
    LogitFloatAllele,
    Range,
    RoundedAllele,
    StringAllele,
    allele_kind,
)
from clantune_core.ancestry import Ancestry, Parent
from clantune_core.context import Context
from clantune_core.data.documents import deserialize, from_json, serialize, to_json
from clantune_core.errors import (
    AlleleError,
    AncestryError,
    ClanTuneError,
    DataError,
    PluginError,
    StrategyError,
    TreeError,
)
from clantune_core.evolution import Evolution
from clantune_core.genome import Genome, synthesize_genomes, walk_genomes
from clantune_core.hooks.dispatch import HookCall, Observer
from clantune_core.hooks.turn import Turn
from clantune_core.hookspecs import hookimpl
from clantune_core.plugins import (
    InstalledStrategy,
    Preset,
    Recipe,
    load_preset,
    load_recipe,
    load_strategy,
    strategies,
)
from clantune_core.population import Population
from clantune_core.rng import Draws, member_rng, shared_rng
from clantune_core.strategies import (
    AbstractCrossbreedingStrategy,
    AbstractMutationStrategy,
    AbstractStrategy,
)
from clantune_core.trees import (
    can_crossbreed,
    can_mutate,
    is_hyperparameter,
    synthesize_trees,
    walk_trees,
)
from clantune_core.wrapping import call_hook, hook_takes

__version__ = "0.1.0"

__all__ = [
    "AbstractAllele",
    "AbstractCrossbreedingStrategy",
    "AbstractMutationStrategy",
    "AbstractStrategy",
    "AlleleError",
    "Ancestry",
    "AncestryError",
    "BoolAllele",
    "ClanTuneError",
    "Context",
    "ContinuousAllele",
    "DataError",
    "DiscreteAllele",
    "Draws",
    "Evolution",
    "FloatAllele",
    "Genome",
    "HookCall",
    "InstalledStrategy",
    "IntAllele",
    "LogFloatAllele",
    "LogitFloatAllele",
    "Observer",
    "Parent",
    "PluginError",
    "Population",
    "Preset",
    "Range",
    "Recipe",
    "RoundedAllele",
    "StrategyError",
    "StringAllele",
    "TreeError",
    "Turn",
    "allele_kind",
    "call_hook",
    "can_crossbreed",
    "can_mutate",
    "deserialize",
    "from_json",
    "hook_takes",
    "hookimpl",
    "is_hyperparameter",
    "load_preset",
    "load_recipe",
    "load_strategy",
    "member_rng",
    "serialize",
    "shared_rng",
    "strategies",
    "synthesize_genomes",
    "synthesize_trees",
    "to_json",
    "walk_genomes",
    "walk_trees",
]
