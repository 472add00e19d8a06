"""The networks that send images, as params describe them, and their files: weights, and the mean image."""

from pathlib import Path

import torch
from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.models import NETWORKS
from semcom.models.analog import Analog
from semcom.models.mapencoder import MapEncoder
from semcom.models.vqvae import VQVAE
from semcom.params.crlsc.imageentries import BorrowedEncoder
from semcom.params.crlsc.images import CHANNELS, DEEPJSCC, Codebook
from semcom.params.mapsize import map_size
from semcom.params.sections import Component
from semcom.training import forms, weights

Network = Analog | VQVAE


def made(
    size: tuple[int, int],
    vqvae: Codebook | None,
    channel_uses: int | None,
    encoder: BorrowedEncoder | None = None,
    *,
    network: Component | None = None,
) -> Network:
    """The network of a method, at random initialisation.

    Args:
        size: width and height of the images in pixels.
        vqvae: options of a VQ-VAE; None: an analog network.
        channel_uses: an analog network's, an image; a VQ-VAE has none.
        encoder: a local encoder in place of a VQ-VAE's own.
        network: the analog one; None: DeepJSCC.

    Raises:
        SemcomError: an analog network without channel uses or that cannot have them, or that encoder makes no
            map of the indices' size.
    """
    if vqvae is not None:
        lent = None
        if encoder is not None:
            maps, local = map_size(size, vqvae.halvings), encoder.network.encoder
            lent = MapEncoder(size, local, maps, vqvae.dim, frozen=encoder.frozen)
        return VQVAE(CHANNELS, size, **vqvae.model_dump(), encoder=lent)
    if channel_uses is None:
        raise SemcomError("an analog network is made for a link's channel uses; give the entry a link")
    analog: Analog = forms.module(NETWORKS, network or DEEPJSCC, CHANNELS, size, channel_uses)
    return analog


def save(path: Path, network: Network, mean: Tensor) -> None:
    """Write a trained network, and the mean (C, H, W) of its training images in 0…1, for lost images."""
    weights.save(path, {"network": network.state_dict(), "mean": mean.cpu()})


def load_into(network: Network, path: Path) -> Tensor:
    """Give `network` the saved weights; returns the mean image (C, H, W).

    Raises:
        SemcomError: the file is missing, damaged, or of another network.
    """
    weights.load_into(network, path, part="network")
    mean: Tensor = weights.load(path)["mean"]
    return mean.to(next(network.parameters()).device)


@torch.no_grad()
def latent(network: VQVAE, images: Tensor, *, batch_size: int = 256) -> Tensor:
    """Vectors (N, places, dim) of images (N, C, H, W), a batch at a time."""
    return torch.cat([network.latent(batch) for batch in images.split(batch_size)])
