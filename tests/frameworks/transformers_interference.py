"""Trainings in which a callback does what a clan could not notice later."""

import copy

import torch
from torch.optim.lr_scheduler import ExponentialLR
from transformers_callbacks import Do
from transformers_trainings import ROUND, modes_of, run, summary, trainer_for


def looking_at_data(folder):
    """Ask for a training loader in the middle of a training."""
    seen = []

    def look(state, **_):
        if state.global_step == 10:
            seen.extend(len(batch["labels"]) for batch in trainer.get_train_dataloader())

    trainer, recorder, callback = trainer_for(
        folder, clan=ROUND, max_steps=16, callbacks=[Do("on_step_end", look)]
    )
    trainer.train()
    return {
        **summary(trainer, recorder),
        "modes": modes_of(callback.clan, 16),
        "seen": seen,
        "rounds": callback.clan.run_state.round,
    }


def written_rate(folder):
    """Write the learning rate before each step."""

    def write(optimizer, **_):
        for group in optimizer.param_groups:
            group["lr"] = 1e-4

    return _disturbed(folder, Do("on_step_begin", write))


def second_scheduler(folder):
    """Step a scheduler that Trainer does not know."""
    made = []

    def step(optimizer, **_):
        if not made:
            made.append(ExponentialLR(optimizer.optimizer, 0.5))
        made[0].step()

    return _disturbed(folder, Do("on_step_end", step), lr_scheduler_type="constant")


def replaced_optimizer(folder):
    """Replace the optimizer when the training has begun."""

    def replace(model, **_):
        trainer.optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)

    trainer, recorder, _ = trainer_for(
        folder, clan=ROUND, callbacks=[Do("on_train_begin", replace)]
    )
    return _trained(trainer, recorder)


def recreated_optimizer(folder):
    """Call `create_optimizer` again when the training has begun."""

    def recreate(**_):
        trainer.optimizer = None
        trainer.create_optimizer()

    trainer, recorder, _ = trainer_for(
        folder, clan=ROUND, callbacks=[Do("on_train_begin", recreate)]
    )
    return _trained(trainer, recorder)


def replaced_scheduler(folder):
    """Replace the scheduler when the training has begun."""

    def replace(optimizer, **_):
        trainer.lr_scheduler = ExponentialLR(optimizer.optimizer, 0.9)

    trainer, recorder, _ = trainer_for(
        folder, clan=ROUND, callbacks=[Do("on_train_begin", replace)]
    )
    return _trained(trainer, recorder)


def loaded_optimizer(folder):
    """Load an old state of the optimizer, in which genes have other values."""
    saved = []

    def load(optimizer, state, **_):
        if state.global_step == 1:
            saved.append(copy.deepcopy(optimizer.state_dict()))
        if state.global_step == 9:
            optimizer.load_state_dict(saved[0])

    return _disturbed(
        folder, Do("on_step_begin", load), lr_scheduler_type="constant", weight_decay=0.1
    )


def _disturbed(folder, callback, **settings):
    return run(folder, clan=ROUND, callbacks=[callback], **settings)


def _trained(trainer, recorder):
    trainer.train()
    return summary(trainer, recorder)
