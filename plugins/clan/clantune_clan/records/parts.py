"""The parts of a round, by which a record names its seconds."""

PHASES = {"cooperative": "cooperation", "competitive": "competition"}
"""Parts in which the members train, by the phase that they are in."""

EVALUATION = "evaluation"
"""Part of a round from its last step until the user calls `clan.step`."""

FITNESS = "fitness"
"""Part of a round in which the clan judges its members."""

TURNOVER = "turnover"
"""Part of a round in which members select, inherit and breed; the clan also judges its centre."""
