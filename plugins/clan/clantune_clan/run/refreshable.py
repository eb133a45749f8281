"""Changes of the model and the param groups between two rounds of a run."""

from __future__ import annotations

from clantune_clan.errors import ClanError
from clantune_clan.member.refreshing import refresh, with_paths
from clantune_clan.run.resumable import Resumable
from clantune_clan.run.training import Training


class Refreshable(Resumable):
    """Methods of a clan whose model or param groups change between two rounds."""

    def refresh(self) -> None:
        """Announce changes of the model or of param groups. All ranks call this together.

        Call it between two rounds, after `clan.step(loss)`, if you have added param groups, frozen
        or unfrozen parameters, or added or replaced modules. Make the same changes on all ranks.

        A gene of all param groups of an optimizer also sets its new groups: they keep the ratio
        that their value has now to the other groups. New parameters start from those of rank 0, and
        join the running average and the best weights.

        Raises:
            ClanError: It is not between two rounds, the ranks have made different changes, or a
                change is not possible.
        """
        self._require_open("refresh")
        training = self.communicator.attempt("clan.refresh()", self._between_rounds)
        state, best = training.state, self.run_state.best
        changes = refresh(state, self.communicator)
        genome = None if best.genome is None else with_paths(best.genome, changes.paths)
        self.run_state.best = best.covering(state, changes.tensors, genome)

    def _between_rounds(self) -> Training:
        """Return the run if a refresh is possible now."""
        training = self._training
        if training is None or training.run.is_in_round:
            raise ClanError(
                "clan.refresh() comes between two rounds, after clan.step(loss) and before the "
                "next clan.round(); before the first round change the model first, and then make "
                "the clan"
            )
        if training.run.calibration is not None:
            raise ClanError(
                "calibrate=True goes back to the first weights several times, and they do not fit "
                "a changed model: call clan.refresh() after the search for the learning rate, "
                "when clan.run_state.calibration is None"
            )
        has_new_groups = training.state.announced.new_groups(training.state.optimizers)
        if has_new_groups and self._setup.schedulers.given:
            raise ClanError(
                f"{has_new_groups[0]} was added, and a scheduler of torch sets only the param "
                "groups that it was made with: make all groups before the scheduler, or leave out "
                "scheduler="
            )
        return training
