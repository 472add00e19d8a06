"""Classification over a link: each encoder's receiver on what each encoder sends, over Es/N0.

    guest's test images ─► guest's encoder ─► sending end ─► link at each Es/N0, draw by draw ─► owner's head

The sending end is a sender, or codebooks. Of two unlike encoders it is the owner's, given to the guest with
the receiver, as far as the guest's vectors have its width; and the guest's own, which trained with another
head. The codebooks of a shared base are nobody's: everyone has them. An encoder that trained on came with its
receiver, as it was after that. Nothing is trained here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.channel import CHANNELS
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read_all
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.metrics.heads import Vectors
from semcom.models import local
from semcom.models.classify import Ends, Receiver, looked, scaled, trained_on, width
from semcom.models.classify import read as read_receiver
from semcom.params.component import build
from semcom.params.crlsc.classify import share
from semcom.params.crlsc.classifyentries import ClassifyTestEntry
from semcom.params.protocols import Channel
from semcom.progress import Progress
from semcom.quantise.codes import BaseCodes
from semcom.quantise.index import use_threads
from semcom.quantise.product import ProductQuantiser
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up
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


def run(
    entry: ClassifyTestEntry,
    *,
    frames: Path,
    encoders: list[Path],
    receivers: list[Path],
    base: Path | None,
    error_table: Path | None,
    table: Path,
    journal: Path,
) -> None:
    """Sweep the Es/N0 for each pair of a method's encoders.

    Args:
        entry: encoders, way, Es/N0, draws.
        frames: prepared images of the target's test part.
        encoders: a file for each of the entry's networks, in their order.
        receivers: likewise, of their trainings over this way.
        base: the shared base whose codebooks make bits, if they do.
        error_table: of the scheme of bits.
        table: output, one row an owner, guest, sending end, Es/N0, draw and metric.
        journal: events for the tracking server.

    Raises:
        SemcomError: a file is missing, damaged or another job's, or bits do not fit into a block.
    """
    device = set_up(entry.compute)
    use_threads(entry.compute.threads)
    drawn = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=device)
    images, part = drawn.of(entry.target.test)
    if not len(encoders) == len(receivers) == len(entry.networks):
        names = ", ".join(entry.networks)
        raise SemcomError(
            f"{len(encoders)} encoders and {len(receivers)} receivers for {names}: give one of each, in order"
        )
    parties: dict[str, Party] = {}
    for (name, given), file, trained in zip(entry.networks.items(), encoders, receivers, strict=True):
        net = local.read(file, size=images.size, encoder=given.encoder, hidden=entry.hidden, device=device)
        if entry.tuned:
            trained_on(net, trained)
        ends = Ends(
            width(net), len(part.class_names),
            channel_uses=entry.channel_uses, sender=entry.sender, head=entry.head,
        ).to(device)  # fmt: skip
        receiver = read_receiver(trained, ends.eval())
        parties[name] = Party(receiver, receiver.own(looked(net, images, part.index)))
    classes = torch.from_numpy(np.asarray(part.labels, np.int64)).to(device)
    shared = BaseCodes.load(base) if entry.indices == "shared" else None
    sweep = Sweep(entry, classes, device, shared, _link(entry, error_table))
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "link": entry.link_name}
    labels = share(entry.labels)
    named = {**tags, "seed": str(entry.seed), "stage": "classify_test"}
    named |= {"labels": f"{entry.target_name} {labels}"}
    tags |= {"target": entry.target_name, "labels": labels}
    with Journal.open(journal, named, entry.model_dump()) as events:
        rows = list(_rows(sweep, parties))
        for snr_db in entry.snr_db:
            at = [row for row in rows if row["snr_db"] == snr_db]
            events.metrics({f"test/{name}": value for name, value in _means(at).items()}, step=snr_db)
        write_rows(table, [{**tags, "seed": entry.seed, **row} for row in rows])


def _link(entry: ClassifyTestEntry, error_table: Path | None) -> DigitalLink | None:
    """The link of bits, if bits are sent."""
    if entry.scheme is None:
        return None
    if error_table is None:
        raise SemcomError(f"{entry.scheme} needs its error table; give --error-table")
    return DigitalLink(read_all([error_table], entry.table), outside="bound")


def _rows(sweep: Sweep, parties: Mapping[str, Party]) -> Iterator[Row]:
    """Each party with each, itself too."""
    progress, done = Progress(len(parties) ** 2), 0
    for owner, own in parties.items():
        for guest, other in parties.items():
            said = []
            for whose in ends_between(sweep.entry, own, other, same=owner == guest):
                rows = list(_pair(sweep, own, other, whose))
                yield from ({"owner": owner, "guest": guest, "sender": whose, **row} for row in rows)
                top = [row for row in rows if row["snr_db"] == sweep.entry.snr_db[-1]]
                said.append(f"{whose} {_mean_of(top):.3f}")
            progress.step(done := done + 1, f"{owner} on {guest}, at most: {', '.join(said) or 'no way'}")


def ends_between(entry: ClassifyTestEntry, own: Party, other: Party, *, same: bool) -> tuple[str, ...]:
    """Whose sending ends a guest can use for an owner's receiver."""
    fits = own.vectors.shape[1] == other.vectors.shape[1]
    nobodys = entry.indices == "shared" or (entry.indices is None and entry.channel is None)
    if nobodys:
        return (NOBODY,) if fits else ()
    if same:
        return (OWNER,)
    return (OWNER, GUEST) if fits else (GUEST,)


def _pair(sweep: Sweep, own: Party, other: Party, whose: str) -> Iterator[Row]:
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
            value = _accuracy(sweep, own.receiver.ends, channel(symbols, n0, draws))
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


def _means(rows: list[Row]) -> dict[str, float]:
    """Mean accuracy of receivers on their own encoder, and across encoders by sending end."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["metric"] == "accuracy":
            name = "accuracy" if row["owner"] == row["guest"] else f"across_{row['sender']}"
            found.setdefault(name, []).append(float(str(row["value"])))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _mean_of(rows: list[Row]) -> float:
    return float(np.mean([float(str(row["value"])) for row in rows if row["metric"] == "accuracy"]))
