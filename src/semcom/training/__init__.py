"""The one training loop: device, precision, randomness, checkpoint, resume."""

OPTIMISERS = {
    "adamw": "semcom.training.optimisers:AdamW",
    "sgd": "semcom.training.optimisers:SGD",
}
