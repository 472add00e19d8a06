"""Classification over a link: each encoder's receiver on what each encoder sends, over Es/N0.

    guest's test images ─► guest's encoder ─► sending end ─► link at each Es/N0, draw by draw ─► owner's head

The sending end is a sender, or codebooks. Of two unlike encoders it is the owner's, given to the guest with
the receiver, as far as the guest's vectors have its width; and the guest's own, which trained with another
head. The codebooks of a shared base are nobody's: everyone has them. An encoder that trained on came with its
receiver, as it was after that. Nothing is trained here.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read_all
from semcom.evaluate.classifypair import GUEST, NOBODY, OWNER, Party, Row, Sweep, pair
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.models import local
from semcom.models.classify import Ends, looked, trained_on, width
from semcom.models.classify import read as read_receiver
from semcom.params.crlsc.classify import share
from semcom.params.crlsc.classifyentries import ClassifyTestEntry
from semcom.progress import Progress
from semcom.quantise.codes import BaseCodes
from semcom.quantise.index import use_threads
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up


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
                rows = list(pair(sweep, own, other, whose))
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
