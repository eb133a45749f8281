"""Models, data and Trainers of the runs, with and without a clan."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, IterableDataset
from transformers import BertConfig, BertForSequenceClassification, Trainer

from clantune import clan_loader
from clantune_frameworks.epochs import Epochs
from clantune_frameworks.transformers.data import ClanBatches, ClanDataLoader


class Words(Dataset):
    """Sequences of words, of which the first says the class."""

    def __init__(self, count, seed):
        drawn = torch.Generator().manual_seed(seed)
        self.words = torch.randint(0, 32, (count, 6), generator=drawn)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, place):
        words = self.words[place]
        return {"input_ids": words, "labels": int(words[0] > 15)}


class Stream(IterableDataset):
    """Words without a length."""

    def __iter__(self):
        return iter(Words(96, seed=1)[place] for place in range(96))


def tiny_model(dropout=0.0):
    torch.manual_seed(0)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=32,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=8,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            attn_implementation="eager",
        )
    )


class BagOfWords(nn.Module):
    """A model that is none of Transformers, and compiles fast."""

    def __init__(self):
        super().__init__()
        self.words, self.classes = nn.EmbeddingBag(32, 8), nn.Linear(8, 2)

    def forward(self, input_ids, labels):
        logits = self.classes(self.words(input_ids))
        return {"loss": cross_entropy(logits, labels), "logits": logits}


class GivenBatches(Trainer):
    """A Trainer without a clan, with the batches that a clan would have."""

    def get_train_dataloader(self):
        loader = clan_loader(
            self.train_dataset,
            batch_size=self.args.train_batch_size,
            collate_fn=self.data_collator,
            round_length=6,
            duty_cycle=0.0,
            seed=self.args.seed,
        )
        return ClanDataLoader(ClanBatches(Epochs(loader, len(loader)), len(self.train_dataset)))


class WithScaler(Trainer):
    """A Trainer that scales the loss, as one with fp16=True on a GPU does."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.accelerator.scaler = torch.amp.GradScaler(
            "cpu", init_scale=2.0**120, backoff_factor=2.0**-40
        )


class WithDeepSpeed(Trainer):
    """A Trainer that believes that DeepSpeed is installed and configured."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.is_deepspeed_enabled = True


class WithShards(Trainer):
    """A Trainer that believes that its model was loaded in shards."""

    def _validate_args(self):
        super()._validate_args()
        self.is_distributed_loading_by_transformers = True


class WithTwoDevices(Trainer):
    """A Trainer that believes that its process has two GPUs."""

    def create_accelerator_and_postprocess(self):
        super().create_accelerator_and_postprocess()
        self.args._n_gpu = 2


def accuracy(prediction):
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}


def weights_of(model):
    return [p.detach().double().sum().item() for p in model.parameters()]
