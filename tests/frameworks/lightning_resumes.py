"""A run that goes on, in new processes, from a checkpoint that `lightning_runs` has saved."""

import sys

from lightning_ranks import on_ranks
from lightning_task import Classifier, Witness, a_clan, trainer_of, weights_of


def resumed(folder):
    """Go on in a new process in the middle of a run that another one has saved."""
    clan = a_clan(reduction="exact")
    witness, module = Witness(clan), Classifier(dropout=0.2)
    path = next((folder / "saved").glob("*=9.ckpt"))
    trainer = trainer_of(folder, clan, witness, max_epochs=3)
    trainer.fit(module, ckpt_path=path, weights_only=True)
    return {
        "losses": witness.losses,
        "weights": weights_of(module),
        "rounds": [r.round for r in clan.clan.history],
        "global_steps": witness.global_steps,
    }


if __name__ == "__main__":
    on_ranks(resumed, sys.argv[1], "resumed")
