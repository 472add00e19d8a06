"""One guest's vectors over a way to one owner's receiver, at each Es/N0 and draw."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.channel import CHANNELS
from semcom.channel.digital.link import DigitalLink
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError
from semcom.metrics.heads import Vectors
from semcom.models.classify import Ends, Receiver, scaled
from semcom.params.component import build
from semcom.params.crlsc.classifyentries import ClassifyTestEntry
from semcom.params.protocols import Channel
from semcom.quantise.codes import BaseCodes
from semcom.quantise.product import ProductQuantiser
from semcom.training import forms
from semcom.training.randomness import generator

OWNER, GUEST, NOBODY = "owner", "guest", "nobody"
"""Whose the sending end is."""
Row = dict[str, object]
Codebooks = ProductQuantiser | BaseCodes


@dataclass(frozen=True, eq=False)
class Party:
    """One encoder: its receiver, and its vectors (N, D) of the test images, centred by its own mean."""

    receiver: Receiver
    vectors: Vectors


@dataclass(frozen=True, eq=False)
class Sweep:
    """What all pairs of parties share.

    Attributes:
        entry: Es/N0, draws and the seed.
        classes: (N,) of the test images.
        device: of networks.
        shared: codebooks that everyone has, if indices are in them.
        link: of bits.
    """

    entry: ClassifyTestEntry
    classes: Tensor
    device: torch.device
    shared: BaseCodes | None = None
    link: DigitalLink | None = None


def pair(sweep: Sweep, own: Party, other: Party, whose: str) -> Iterator[Row]:
    """Rows of one owner, guest and sending end."""
    if sweep.link is not None:
        yield from _digital(sweep, own, other, whose)
    elif sweep.entry.channel is not None:
        yield from _analog(sweep, own, other, whose, build(CHANNELS, sweep.entry.channel))
    else:
        value = _accuracy(sweep, own.receiver.ends, scaled(other.vectors, sweep.device))
        for snr_db in sweep.entry.snr_db:
            yield {"snr_db": snr_db, "draw": 0, "metric": "accuracy", "value": value}


@torch.no_grad()
def _accuracy(sweep: Sweep, ends: Ends, received: Tensor) -> float:
    return float((ends.decide(received).argmax(-1) == sweep.classes).double().mean())


@torch.no_grad()
def _analog(sweep: Sweep, own: Party, other: Party, whose: str, channel: Channel) -> Iterator[Row]:
    """The guest's vectors as symbols; the same draws for every method, pair and Es/N0."""
    entry = sweep.entry
    sender = (other if whose == GUEST else own).receiver.ends
    vectors = scaled(other.vectors, sweep.device)
    draws = generator(entry.seed, "classify", entry.link_name, device=sweep.device)
    first = draws.get_state()
    for snr_db in entry.snr_db:
        draws.set_state(first)
        n0 = n0_from_db(float(snr_db))
        asked = torch.tensor(float(snr_db), device=sweep.device)
        symbols = sender.encode(vectors, asked if sender.needs_snr else None)
        for draw in range(entry.draws):
            arrived = forms.received(channel, symbols, n0, draws)
            value = _accuracy(sweep, own.receiver.ends, arrived)
            yield {"snr_db": snr_db, "draw": draw, "metric": "accuracy", "value": value}


@torch.no_grad()
def _digital(sweep: Sweep, own: Party, other: Party, whose: str) -> Iterator[Row]:
    """The guest's vectors as indices; a block arrives whole, or the owner's mean vector stands for it."""
    entry, link = sweep.entry, sweep.link
    assert link is not None
    sends = _codebooks(sweep, other if whose == GUEST else own)
    bits = sends.encode(other.vectors)
    right, instead = right_if(sweep, own, bits)
    sent = torch.from_numpy(bits)
    draws = generator(entry.seed, "classify", entry.link_name)
    first = draws.get_state()
    for snr_db in entry.snr_db:
        draws.set_state(first)
        for draw in range(entry.draws):
            delivered = link.send(sent, snr_db=snr_db, generator=draws, exact=entry.exact)
            lost = delivered.lost.numpy()
            values = {
                "accuracy": float(np.where(lost, instead, right).mean()),
                "lost_blocks": float(lost.mean()),
                "payload_bits": float(bits.shape[1]),
            }
            for metric, value in values.items():
                yield {"snr_db": snr_db, "draw": draw, "metric": metric, "value": value}


def right_if(
    sweep: Sweep, own: Party, bits: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the owner's head is right (N,) about bits (N, B) that arrived, and about lost ones."""
    receiver = own.receiver
    if receiver.lost is None:
        raise SemcomError("a receiver of bits has no mean vector; remove it and run its training again")
    arrived = scaled(_codebooks(sweep, own).decode(bits), sweep.device)
    lost = torch.from_numpy(receiver.lost).to(sweep.device).expand_as(arrived)
    found = (receiver.ends.decide(x).argmax(-1) == sweep.classes for x in (arrived, lost))
    right, instead = (x.cpu().numpy() for x in found)
    return right, instead


def _codebooks(sweep: Sweep, party: Party) -> Codebooks:
    """Those that everyone has, or a party's own."""
    books = sweep.shared or party.receiver.codebooks
    if books is None:
        raise SemcomError("a receiver has no codebooks of its own; remove it and run its training again")
    return books
