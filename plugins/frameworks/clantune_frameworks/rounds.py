"""The rounds of a clan inside a loop that another package runs."""

from __future__ import annotations

from clantune_clan import Clan, Individual, Judge


class Rounds:
    """Begins and ends the rounds of a clan, batch by batch.

    Attributes:
        clan: The clan.
        member: This rank's member in the current round.
    """

    def __init__(self, clan: Clan, judge: Judge) -> None:
        """Begin the first round, or go on with the one that the clan has resumed.

        Args:
            clan: Clan, ready for its first round.
            judge: Function that returns the loss or score of the model at the end of a round.
        """
        self.clan, self._judge = clan, judge
        self.member: Individual = clan.round()

    @property
    def are_over(self) -> bool:
        """Whether all steps of the run are done."""
        return self.clan.finished

    def after_batch(self) -> None:
        """Make the step of a batch, and end the round if it was the last one."""
        self.member.step()
        if self.member.done:
            self.clan.step(self._judge)
            if not self.clan.finished:
                self.member = self.clan.round()
