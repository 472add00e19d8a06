"""Analog networks, DeepJSCC or another class of that form: over a channel, and whether they have the form.

images (N, C, H, W) ─► encoder ─► k symbols an image, of power 1 ─► channel ─► decoder ─► images
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn

from semcom.files.errors import SemcomError
from semcom.params.protocols import Channel
from semcom.training import forms
from semcom.training.forms import PAGE, name_of, said
from semcom.training.randomness import seeded

CHECKED = 8
"""Images that a network is checked on."""
POWER_OFF = 1e-3
"""Power of an image's symbols may differ from 1 by so much: 0.004 dB of Es/N0."""


class Analog(nn.Module):
    """The form of `semcom.params.protocols.Network` for types alone: its classes need not have this base."""

    encoder: nn.Module
    decoder: nn.Module


def over(
    network: Analog, images: Tensor, channel: Channel, n0: Tensor | float, generator: Generator | None = None
) -> Tensor:
    """Images (N, C, H, W) as received, fp32. The channel is in fp32 under autocast, too.

    Args:
        network: sends them.
        images: (N, C, H, W) in 0…1.
        channel: any of `semcom.channel`; it sees (N, k), so that fading is one gain an image.
        n0: noise variance a complex channel use, a number or (N, 1).
        generator: of all the channel's draws.
    """
    sent = network.encoder(images)
    with torch.autocast(images.device.type, enabled=False):
        arrived = forms.received(channel, sent, n0, generator)
    received: Tensor = network.decoder(arrived).float()
    return received


@torch.no_grad()
def check(network: Analog, images: Tensor, channel_uses: int) -> None:
    """See that a network has its form: Es/N0 is of symbols of power 1.

    Args:
        network: stays as it is.
        images: some, (N, C, H, W) in 0…1.
        channel_uses: k an image.

    Raises:
        SemcomError: naming the class and what it gave.
    """
    for part in ("encoder", "decoder"):
        if not isinstance(getattr(network, part, None), nn.Module):
            raise SemcomError(f"{name_of(network)} has no module {part}, which a network must have; {PAGE}")
    with seeded(0, "check"), evaluating(network):
        sent = network.encoder(images)
        _check_symbols(network, sent, (len(images), channel_uses))
        back = network.decoder(sent)
    if not isinstance(back, Tensor) or back.shape != images.shape or not back.is_floating_point():
        raise SemcomError(
            f"{name_of(network)}: the decoder gives {said(back)} for {len(images)} images; it must give "
            f"{tuple(images.shape)}, real values in 0…1; {PAGE}"
        )


def _check_symbols(network: Analog, sent: Tensor, shape: tuple[int, int]) -> None:
    """See that symbols are complex, of their shape (N, k) and of power 1."""
    if not isinstance(sent, Tensor) or sent.shape != shape or not sent.is_complex():
        raise SemcomError(
            f"{name_of(network)}: the encoder gives {said(sent)} for {shape[0]} images; it must give "
            f"{shape}, complex symbols for {shape[1]} channel uses an image; {PAGE}"
        )
    power = sent.abs().square().mean(1)
    if not (power - 1).abs().max() <= POWER_OFF:  # nor if it is no number
        raise SemcomError(
            f"{name_of(network)}: the encoder gives images' symbols an average power of {power.min():.4g} to "
            f"{power.max():.4g}; it must be 1 within {POWER_OFF} for each, or no Es/N0 is what it says; "
            f"end with semcom.channel.power.normalise, in fp32, and give no image only zeros; {PAGE}"
        )


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """All its modules in evaluation, and then each as it was."""
    before = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in before.items():
            module.training = training
