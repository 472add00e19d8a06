"""Do the local encoders of a method understand each other? Heads and bases of one on features of another.

    encoders ─► a target's images ─┬► in the base's space: heads of each owner ─► test features of each guest
                                   └► through ridge maps, fitted on n shared images

Encoders that learnt under one base, or from one mentor, meet in its space without a map. Beside it stand
maps from space to space, and from features to features, which encoders without a base have, too. Each is
centred by its own mean over the target's training images, whose labels that does not take.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from semcom.evaluate.frozen import by_encoder, split
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.metrics.consensus import Maps, Party, cross_heads, cross_retrieval, join
from semcom.metrics.heads import Head
from semcom.metrics.outcomes import Outcomes, across, write
from semcom.models import local
from semcom.params.crlsc.entries import ConsensusEntry
from semcom.progress import Progress
from semcom.quantise.party import FEATURES, SPACE, Seen
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up

Row = dict[str, object]
Heads = Mapping[str, Mapping[str, Head]]
"""By party and kind."""


def run(
    entry: ConsensusEntry,
    *,
    frames: list[Path],
    encoders: list[Path],
    table: Path,
    outcomes: Path,
    journal: Path,
) -> None:
    """Measure each encoder of a method with each.

    Args:
        entry: encoders, target, shared images.
        frames: prepared images of each data set, in the parts' order.
        encoders: a file for each of the entry's networks, in their order.
        table: output, one row a space, owner, guest, number of shared images, head and metric: `value`, and
            beside it `own_value`, what the guest gets from its own.
        outcomes: output, which test images heads are right about.
        journal: events for the tracking server.

    Raises:
        SemcomError: a file is damaged or missing, or there are fewer shared images than a map wants.
    """
    device = set_up(entry.compute)
    if len(encoders) != len(entry.networks):
        raise SemcomError(
            f"{len(encoders)} files for the encoders {', '.join(entry.networks)}: give one for each, in order"
        )
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    size = next(iter(drawn.images.values())).size
    seen: dict[str, dict[str, Seen]] = {}
    for (name, given), path in zip(entry.networks.items(), encoders, strict=True):
        net = local.read(path, size=size, encoder=given.encoder, hidden=entry.hidden, device=device)
        look = by_encoder(net, drawn, path)
        seen[name] = {part: look(part) for part in (entry.target.train, entry.target.test, entry.shared)}
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    with Journal.open(journal, {**tags, "stage": "consensus"}, entry.model_dump()) as events:
        rows = list(_rows(entry, drawn, seen))
        events.metrics({f"consensus/{name}": value for name, value in _means(rows).items()}, step=0)
        right = {_asked(row): np.asarray(row["right"], bool) for row in rows if "right" in row}
        test = drawn.parts[entry.target.test]
        assert test.group is not None  # only public parts have none
        index = drawn.images[test.data].prepared.index[test.index]
        write(outcomes, {entry.consensus.target: Outcomes(index, test.group, right)})
        write_rows(table, [{**tags, **_without(row)} for row in rows])


def _asked(row: Row) -> str:
    return across(*(str(row[name]) for name in ("space", "shared_images", "owner", "guest", "head")))


def _without(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "right"}


def _rows(entry: ConsensusEntry, drawn: DrawnParts, seen: Mapping[str, Mapping[str, Seen]]) -> Iterator[Row]:
    """All spaces that every encoder has, without a map where they are one, and through maps."""
    spaces = [s for s in (SPACE, FEATURES) if all(s in of[entry.shared] for of in seen.values())]
    progress = Progress(len(spaces) * (1 + len(entry.consensus.maps)))
    done = 0
    for space in spaces:
        parties = {name: _party(entry, drawn, of, space) for name, of in seen.items()}
        heads = {name: party.heads(neighbours=entry.neighbours) for name, party in parties.items()}
        # Features of two encoders have nothing in common, so that there each is measured with itself alone.
        together = [parties] if space == SPACE else [{name: party} for name, party in parties.items()]
        for some in together:
            yield from _compare(entry, space, some, heads)
        progress.step(done := done + 1, f"{space}: without maps")
        for count in entry.consensus.maps:
            maps = join(parties, images=count, seed=entry.seed)
            found = _compare(entry, space, parties, heads, maps)
            yield from (row for row in found if row["owner"] != row["guest"])
            progress.step(done := done + 1, f"{space}: maps of {count} shared images")


def _party(entry: ConsensusEntry, drawn: DrawnParts, of: Mapping[str, Seen], space: str) -> Party:
    """One encoder's features in one space, of the target and of shared images."""
    train, test, shared = (of[p][space] for p in (entry.target.train, entry.target.test, entry.shared))
    parts = drawn.parts
    cut = split(parts[entry.target.train], train, parts[entry.target.test], test, seed=entry.seed)
    # The same images for all parties, in a random order: files may stand class by class.
    order = np.random.default_rng([entry.seed, 4]).permutation(len(shared))
    return Party.of(
        train=cut.train, validation=cut.validation, test=cut.test, shared=shared[order], unlabelled=train
    )


def _compare(
    entry: ConsensusEntry, space: str, parties: Mapping[str, Party], heads: Heads, maps: Maps | None = None
) -> Iterator[Row]:
    """The matrix of heads and of retrieval."""
    for row in cross_heads(parties, {name: heads[name] for name in parties}, maps=maps):
        yield _row(space, row, str(row["head"]), "accuracy") | {"right": row["right"]}
    k = min(entry.neighbours, *(len(party.train.classes) for party in parties.values()))
    for row in cross_retrieval(parties, k=k, maps=maps):
        yield _row(space, row, "retrieval", "precision")


def _row(space: str, found: Row, head: str, metric: str) -> Row:
    return {
        "space": space,
        **{name: found[name] for name in ("shared_images", "owner", "guest", "exchanged_bytes")},
        "head": head,
        "metric": metric,
        "value": found[metric],
        "own_value": found[f"own_{metric}"],
    }


def _means(rows: list[Row]) -> dict[str, float]:
    """Mean accuracy of linear heads: own ones, and across encoders by space and number of shared images."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row["head"] == "linear":
            own = row["owner"] == row["guest"]
            name = f"{row['space']}_{'own' if own else row['shared_images']}"
            found.setdefault(name, []).append(float(str(row["value"])))
    return {name: float(np.mean(values)) for name, values in found.items()}
