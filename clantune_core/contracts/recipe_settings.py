"""How the members of a clan are trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import attrs

from clantune_core.contracts.plain import entries, is_a_count, is_a_flag, is_a_share, is_one_of
from clantune_core.errors import DataError

Inheritance = Literal["sampled", "dominant", "mean"]
"""How weights are inherited, see `RecipeSettings`."""

Evaluate = Literal["weights", "ema"]
"""Which weights are evaluated, see `RecipeSettings`."""


@attrs.frozen(kw_only=True)
class RecipeSettings:
    """The settings of a recipe besides its strategies: how the members of a clan are trained.

    Attributes:
        inheritance: How weights are inherited: `"sampled"`, from one parent, drawn with its
            probability in the ancestry; `"dominant"`, from the parent with the largest
            probability; or `"mean"`, the weighted mean of all parents.
        evaluate: What is evaluated: the `"weights"` of a member, or their running average, `"ema"`.
        duty_cycle: Share of a round in which members compete, 0 to 1.
        rounds: Number of rounds in a run of known length, 1 or more.
        calibrate: Whether the run begins with a search for the learning rate.
        go_back_until: Progress up to which a clan whose centre is clearly worse than the best one
            before goes back to those weights, and asks for half of the learning rate that it had
            there; 0 for never. It needs `inheritance="mean"`, a run of known length, and a gene
            that sets a learning rate.
        half_clans: Whether a gene with the role `"data_path"` splits the clan into two halves, and
            members share gradients within their half only.
    """

    inheritance: Inheritance = attrs.field(
        default="sampled", validator=is_one_of(*get_args(Inheritance))
    )
    evaluate: Evaluate = attrs.field(default="weights", validator=is_one_of(*get_args(Evaluate)))
    duty_cycle: float = attrs.field(default=0.15, validator=is_a_share)
    rounds: int = attrs.field(default=20, validator=is_a_count)
    calibrate: bool = attrs.field(default=False, validator=is_a_flag)
    go_back_until: float = attrs.field(default=0.0, validator=is_a_share)
    half_clans: bool = attrs.field(default=False, validator=is_a_flag)

    @classmethod
    def of(cls, settings: RecipeSettings | Mapping[str, Any]) -> RecipeSettings:
        """Return settings from a mapping. A setting that is missing has its default.

        Raises:
            DataError: A setting is unknown, or its value is not allowed.
        """
        if isinstance(settings, RecipeSettings):
            return settings
        try:
            return cls(**entries(cls, settings))
        except DataError as error:
            raise error.below("settings") from None
