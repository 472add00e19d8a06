"""Losses for pre-training without labels, one file a loss; see `docs/methods.md` for their equations.

What a loss is called with and returns is written in `semcom.params.protocols.Loss`; for guides, the losses of
training under a knowledge base (`docs/guided.md`), in `Guide`.
"""

LOSSES = {
    "mmssl": "semcom.losses.mmssl:MMSSL",
    "shared_only": "semcom.losses.shared_only:SharedOnly",
    "intra": "semcom.losses.intra:Intra",
    "clip": "semcom.losses.clip:CLIP",
    "simclr": "semcom.losses.simclr:SimCLR",
}

GUIDES = {
    "infonce": "semcom.losses.infonce:InfoNCE",
    "cosine": "semcom.losses.distillation:Cosine",
    "mse": "semcom.losses.distillation:MSE",
    "prototypes": "semcom.losses.prototypes:Prototypes",
}
