"""Do local encoders of one method understand each other? Heads and bases of one on another's features.

In the base's space nothing lies between them. Beside it stand ridge maps, fitted on shared images: from
space to space, and from features to features, which encoders without a base have, too.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from semcom.evaluate.frozen import FEATURES, SPACE, Spaces, by_encoder, of_target
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.metrics.consensus import Party, cross_heads, cross_retrieval, join
from semcom.metrics.heads import centre, centred
from semcom.models import local
from semcom.params.crlsc.entries import ConsensusEntry
from semcom.progress import Progress
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up

Row = dict[str, object]


def run(
    entry: ConsensusEntry, *, frames: list[Path], encoders: list[Path], table: Path, journal: Path
) -> None:
    """Measure every pair of a method's encoders.

    Args:
        entry: encoders, target, shared images.
        frames: prepared images, a file for each data set of the entry's parts in their order.
        encoders: trained encoders, in the order of the entry.
        table: output, one row a space, owner, guest, number of shared images and head.
        journal: events for the tracking server.
    """
    device = set_up(entry.compute)
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    if len(encoders) != len(entry.networks):
        raise SemcomError(f"{len(encoders)} encoders for {', '.join(entry.networks)}: give one for each")
    seen: dict[str, dict[str, Spaces]] = {}
    progress = Progress(len(encoders) + 1)
    for done, (name, file) in enumerate(zip(entry.networks, encoders, strict=True), start=1):
        seen[name] = _look(entry, drawn, name, file, device)
        progress.step(done, f"features of {name}")
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    with Journal.open(journal, {**tags, "stage": "consensus"}, entry.model_dump()) as events:
        rows = list(_rows(entry, drawn, seen))
        crossed = [float(str(r["value"])) for r in rows if r["owner"] != r["guest"] and r["head"] == "linear"]
        events.metrics({"consensus/linear_across": float(np.mean(crossed))}, step=0)
        write_rows(table, [{**tags, **row} for row in rows])


def _look(
    entry: ConsensusEntry, drawn: DrawnParts, name: str, file: Path, device: torch.device
) -> dict[str, Spaces]:
    """Features of one encoder, by part."""
    size = next(iter(drawn.images.values())).size
    network = local.read(
        file, size=size, encoder=entry.networks[name].encoder, hidden=entry.hidden, device=device
    )
    look = by_encoder(network, drawn)
    return {part: look(part) for part in (entry.target.train, entry.target.test, entry.shared)}


def _rows(entry: ConsensusEntry, drawn: DrawnParts, seen: dict[str, dict[str, Spaces]]) -> Iterator[Row]:
    everywhere = [
        space for space in (SPACE, FEATURES) if all(space in s[entry.shared] for s in seen.values())
    ]
    for space in everywhere:
        parties = {name: _party(entry, drawn, of, space) for name, of in seen.items()}
        if space == SPACE:
            yield from _compare(entry, space, parties, shared=0)
        for count in entry.consensus.maps:
            if count <= len(drawn.parts[entry.shared]):
                yield from _compare(entry, space, parties, shared=count)


def _party(entry: ConsensusEntry, drawn: DrawnParts, of: Mapping[str, Spaces], space: str) -> Party:
    """One encoder's features in one space; centred by the mean of the target's training images."""
    there = of_target(entry.target, drawn, of, space=space, seed=entry.seed)
    mean = centre(of[entry.target.train][space])
    # The same images for all parties, in a random order: files may be sorted by class.
    order = np.random.default_rng([entry.seed, 4]).permutation(len(of[entry.shared][space]))
    return Party(*there, shared=centred(of[entry.shared][space][order], mean))


def _compare(
    entry: ConsensusEntry, space: str, parties: Mapping[str, Party], *, shared: int
) -> Iterator[Row]:
    """The matrix of heads and of retrieval, through maps on `shared` images if there are any."""
    maps = join(parties, images=shared, seed=entry.seed) if shared else None
    heads = {name: party.heads(neighbours=entry.neighbours) for name, party in parties.items()}
    for row in cross_heads(parties, heads, maps=maps):
        yield _row(space, row, shared, str(row["head"]), "accuracy")
    smallest = min(len(party.train.classes) for party in parties.values())
    for row in cross_retrieval(parties, k=min(entry.neighbours, smallest), maps=maps):
        yield _row(space, row, shared, "retrieval", "precision")


def _row(space: str, row: Row, shared: int, head: str, metric: str) -> Row:
    return {
        "space": space,
        "shared_images": shared,
        "owner": row["owner"],
        "guest": row["guest"],
        "exchanged_bytes": row["exchanged_bytes"],
        "head": head,
        "metric": metric,
        "value": row[metric],
        "own_value": row[f"own_{metric}"],
    }
