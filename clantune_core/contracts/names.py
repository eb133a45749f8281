"""Names in entry points, in metadata, and of roles."""

from __future__ import annotations

from typing import Literal

STRATEGIES = "clantune.strategies"
"""The group of entry points for classes derived from `AbstractStrategy`."""

ALLELES = "clantune.alleles"
"""The group of entry points for kinds of alleles, named by their tags."""

RECIPES = "clantune.recipes"
"""The group of entry points for functions without required arguments that return a recipe."""

PRESETS = "clantune.presets"
"""The group of entry points for functions of a model and an optimizer that return alleles."""

COMMANDS = "clantune.commands"
"""The group of entry points for functions `main(arguments, program) -> int`."""

CENTRE_FITNESS = "centre_fitness"
"""The entry of a genome's metadata that holds the fitness of the clan's centre, if measured."""

HIGHEST_RATES = "highest_rates"
"""The entry of a genome's metadata with limits of learning rates by gene, after going back.

It is there while genomes are bred after a clan has gone back to its best weights, see
`RecipeSettings`. A strategy that moves learning rates moves them below these.
"""

EXPRESSION = "expression"
"""The entry of an allele's metadata that says where and when its gene is expressed."""

Role = Literal["gradient_accumulation", "data_path"]
"""A property of a gene that a clan treats specially."""

GRADIENT_ACCUMULATION: Role = "gradient_accumulation"
"""The role of a gene that sets the number of backward passes in an optimizer step."""
DATA_PATH: Role = "data_path"
"""The role of a gene that changes the data or the loss, such as dropout."""
