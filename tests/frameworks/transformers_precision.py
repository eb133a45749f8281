"""Runs in other precisions, compiled, and judged in other ways."""

import torch
from transformers_parts import BagOfWords, WithScaler, Words
from transformers_trainings import ROUND, modes_of, run, summary, trainer_for


def bfloat16(folder):
    return run(folder, clan=ROUND, bf16=True, max_steps=16)


def scaled(folder):
    """Scale the loss by so much at first that the optimizer skips steps."""
    trainer, recorder, callback = trainer_for(
        folder,
        clan={**ROUND, "strategies": "factorial"},  # which begins with the given rate
        kind=WithScaler,
        max_grad_norm=0.0,
        max_steps=24,
    )
    trainer.train()
    return {
        **summary(trainer, recorder),
        "modes": modes_of(callback.clan, 24),
        "scale": trainer.accelerator.scaler.get_scale(),
    }


def compiled(folder):
    """Compile a model that is none of Transformers."""
    torch.manual_seed(0)
    return run(
        folder,
        clan=ROUND,
        model=BagOfWords(),
        torch_compile=True,
        torch_compile_backend="eager",
        save_strategy="steps",
        save_steps=10,
        max_steps=16,
    )


def twice(folder):
    """Train twice with one Trainer, by a function of the model."""
    words = Words(16, seed=3)
    ids, labels = words.words, (words.words[:, 0] > 15).long()

    def judge(model):
        return model(input_ids=ids, labels=labels).loss

    trainer, recorder, callback = trainer_for(
        folder, clan={"judge": judge, **ROUND}, eval_dataset=None, max_steps=8
    )
    trainer.train()
    first = callback.clan
    trainer.train()
    assert callback.clan is not first
    return summary(trainer, recorder)
