"""The language model of `clantune demo` with Accelerate: plain data parallel training.

torchrun --nproc-per-node 4 docs/examples/accelerate_plain.py
"""

import sys

import torch
from accelerate import Accelerator
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from clantune.demo.character_lm import BATCH, Writer, loss_on, optimizer_of, ramp_of, texts

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 4

torch.set_num_threads(1)
torch.manual_seed(0)
letters, (train, validation, test) = texts()
accelerator = Accelerator(cpu=True)
model = Writer(letters)
optimizer = optimizer_of(model)
loader = DataLoader(train, batch_size=BATCH, shuffle=True)
scheduler = ramp_of(optimizer, EPOCHS * len(loader))
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)

for _ in range(EPOCHS):
    for inputs, targets in loader:
        loss = cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()

accelerator.print(f"loss on test data: {loss_on(model, test.some(1024)):.4f}")
accelerator.end_training()
