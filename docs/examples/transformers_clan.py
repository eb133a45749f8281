"""The language model of `clantune demo` with the Trainer of Hugging Face: a clan of four members.

torchrun --nproc-per-node 4 docs/examples/transformers_clan.py
"""

import sys

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import Trainer, TrainingArguments

from clantune.demo.character_lm import BATCH, Writer, loss_on, optimizer_of, texts
from clantune.transformers import ClanCallback

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 4

torch.set_num_threads(1)
torch.manual_seed(0)
letters, (train, validation, test) = texts()


class Language(nn.Module):
    """Learns to continue a text."""

    def __init__(self) -> None:
        super().__init__()
        self.writer = Writer(letters)

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.writer(inputs)
        return {"loss": cross_entropy(logits.flatten(0, 1), labels.flatten()), "logits": logits}


def collate(samples: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    inputs, labels = zip(*samples, strict=True)
    return {"inputs": torch.stack(inputs), "labels": torch.stack(labels)}


model = Language()
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        use_cpu=True,
        per_device_train_batch_size=BATCH,
        num_train_epochs=EPOCHS,
        ddp_find_unused_parameters=False,
        save_strategy="no",
        report_to="none",
    ),
    data_collator=collate,
    train_dataset=train,
    eval_dataset=validation,
    optimizers=(optimizer_of(model), None),
    callbacks=[ClanCallback(judge="eval_loss", strategies="cautious")],
)
trainer.train()

if trainer.is_world_process_zero():
    print(f"loss on test data: {loss_on(model.writer, test.some(1024)):.4f}")
