"""Runs in new processes: from checkpoints that `lightning_runs` has saved, and with errors."""

from lightning_task import Classifier, Witness, a_clan, trainer_of, weights_of
from torch.nn.functional import cross_entropy

from clantune import Clan, ClanError


def resumed(folder, step):
    """Go on after a step: in a round, and in the middle or at the end of an epoch."""
    clan = a_clan(reduction="exact")
    witness, module = Witness(clan), Classifier(dropout=0.2)
    trainer = trainer_of(folder, clan, witness, max_epochs=3)
    trainer.fit(module, ckpt_path=folder / "saved" / f"step={step}.ckpt", weights_only=True)
    return {
        "losses": witness.losses,
        "weights": weights_of(module),
        "rounds": [r.round for r in clan.clan.history],
        "global_steps": witness.global_steps,
    }


class WrongOptimizer(Classifier):
    """Makes a clan itself, with an optimizer that the Trainer does not step."""

    def on_fit_start(self):
        optimizer = self.configure_optimizers()
        self.clan = Clan(model=self.net, optimizer=optimizer, total_steps=12)
        self.member = self.clan.round()

    def on_train_batch_end(self, outputs, batch, batch_idx):
        self.member.step()
        if self.member.done:
            inputs, targets = batch
            self.clan.step(lambda model: cross_entropy(model(inputs), targets))
            self.member = self.clan.round()


def wrong_optimizer(folder):
    """The error of a clan whose optimizer makes no step."""
    module = WrongOptimizer()
    try:
        trainer_of(folder).fit(module)
    except ClanError as error:
        module.clan.close()
        return str(error)


class Failing(Classifier):
    def training_step(self, batch, batch_idx):
        if self.global_rank == 1 and batch_idx == 2:
            raise ValueError("the data is damaged")
        return super().training_step(batch, batch_idx)


def failing(folder):
    """A run in which one rank fails; what each rank reads."""
    module = Failing()
    try:
        trainer_of(folder, a_clan()).fit(module)
    except Exception as error:  # noqa: BLE001  (its message is what the test is about)
        return f"{type(error).__name__}: {error}"


def resumes(folder):
    """Return what each run has seen on this rank. The failing one is last: it breaks the group."""
    seen = {step: resumed(folder, step) for step in (3, 6, 9)}
    return {**seen, "wrong_optimizer": wrong_optimizer(folder), "failing": failing(folder)}
