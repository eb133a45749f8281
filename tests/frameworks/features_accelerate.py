"""The features of Accelerate in a clan. The functions that try them have the same names."""

from feature import Feature

FEATURES = (
    Feature("`accumulate(model)`"),
    Feature("`mixed_precision='bf16'`"),
    Feature("`dynamo_backend`"),
    Feature("`split_batches`"),
    Feature("save_state: the best weights"),
    Feature("save_state after the last round"),
    Feature(
        "a gene for accumulation",
        refusal="the gene 'num_grad_accum' would do nothing, since Accelerate counts the batches of a step of the optimizer: leave it out, and set gradient_accumulation_steps of the accelerator",
    ),
    Feature(
        "a stream that is divided",
        refusal="the prepared loader reads a part of the stream on each rank, and members that compete need the same samples: give accelerate_clan the loader before accelerator.prepare",
    ),
    Feature(
        "FSDP",
        refusal="the accelerator trains by FSDP, and a clan shards each member over its own ranks: use Accelerator() with plain data parallel training",
    ),
    Feature(
        "DeepSpeed",
        refusal="the accelerator trains by DeepSpeed, which averages gradients itself: use Accelerator() with plain data parallel training",
    ),
)
