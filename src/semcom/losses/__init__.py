"""Losses for pre-training without labels, one file a loss; see `docs/methods.md` for their equations.

A loss is called `loss(views)` with `views` = {"rgb": (z, z'), "depth": (z, z')}: two (N, D) embeddings
of two augmented views for each modality, not standardised. It returns the scalar to minimise and
the terms to log (detached scalars).
"""

LOSSES = {
    "mmssl": "semcom.losses.mmssl:MMSSL",
    "shared_only": "semcom.losses.shared_only:SharedOnly",
    "intra": "semcom.losses.intra:Intra",
    "clip": "semcom.losses.clip:CLIP",
    "simclr": "semcom.losses.simclr:SimCLR",
}
