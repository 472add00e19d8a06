"""The private knowledge base of a party's local encoder: a target's training images, with ids and labels.

target's training images ─► encoder ─► unit vectors ─► base ─► one file, which stays with the party
          test images ─► encoder ─► k nearest, also of the shared base ─► accuracy, precision

Where the encoder learnt under a shared base it is in that base's space, as probes have it (`quantise.party`).
"""

from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts
from semcom.frames.parts import check_classes
from semcom.metrics.heads import Labelled
from semcom.models import local
from semcom.models.local import LocalEncoder
from semcom.params.crlsc.entries import PrivateEntry
from semcom.progress import log
from semcom.quantise.index import use_threads
from semcom.quantise.party import Seen, base_of, retrieved, space_of, through
from semcom.quantise.private import Owner, PrivateBase
from semcom.quantise.shared import SharedBase
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up


def run(
    entry: PrivateEntry,
    *,
    frames: list[Path],
    encoder: Path,
    shared: Path | None,
    base: Path,
    retrieval: Path,
    journal: Path,
) -> None:
    """Build the base, and measure retrieval from it on the target's test images.

    Args:
        entry: target, form, neighbours.
        frames: prepared images of each data set, in the parts' order.
        encoder: a trained local encoder.
        shared: the base that it learnt under, to be searched together with its own; None: is not.
        base: output, the base.
        retrieval: output, one row.
        journal: events for the tracking server.

    Raises:
        SemcomError: a file is damaged or does not belong to the others, the target's part is public or has
            other classes than its test, the form does not fit, or a shared base is in the output's place.
    """
    _keep_shared(base)
    device = set_up(entry.compute)
    use_threads(entry.compute.threads)
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    check_classes(*(drawn.of(part)[1] for part in (entry.target.train, entry.target.test)))
    network = local.read(
        encoder,
        size=next(iter(drawn.images.values())).size,
        encoder=entry.network.encoder,
        hidden=entry.hidden,
        device=device,
    )
    public = _public(shared, network, encoder)
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "seed": str(entry.seed)}
    named = {**tags, "method": f"{entry.method} {entry.encoder}", "stage": "private"}
    with Journal.open(journal, named, entry.model_dump()) as events:
        stored = through(network, drawn, entry.target.train, file=encoder)
        built = _built(entry, drawn, stored, _owner(entry, drawn, encoder, public))
        asked = through(network, drawn, entry.target.test, file=encoder)[space_of(stored)]
        queries = Labelled(asked, drawn.parts[entry.target.test].labels)
        values = retrieved(built, queries, entry.neighbours, public).values
        built.save(base)
        row: dict[str, object] = {
            **_row(entry, built, space_of(stored)),
            "test_images": len(asked),
            **values["private"],
            **{f"both_{metric}": value for metric, value in values.get("both", {}).items()},
        }
        log.info(
            "%s: %d vectors in %d bytes, retrieval accuracy %.3f",
            entry.name, len(built), row["file_bytes"], row["accuracy"],
        )  # fmt: skip
        measured = {key: float(str(row[key])) for key in ("accuracy", "precision", "bytes", "file_bytes")}
        events.metrics({f"private/{entry.name}/{key}": value for key, value in measured.items()}, step=0)
        write_rows(retrieval, [{**tags, "encoder": entry.encoder, **row}])


def _keep_shared(base: Path) -> None:
    """Refuse to take the place of a shared base.

    Raises:
        SemcomError: the path of the output holds one.
    """
    if not base.is_file():
        return
    try:
        SharedBase.load(base)
    except SemcomError:
        return  # a private base of before, or none
    raise SemcomError(
        f"{base} is a shared knowledge base, whose place the private one would take; name another --base"
    )


def _public(shared: Path | None, network: LocalEncoder, encoder: Path) -> SharedBase | None:
    """The shared base.

    Raises:
        SemcomError: the encoder is in no base's space, or in one of other dimensions.
    """
    if shared is None:
        return None
    if not network.dim:
        raise SemcomError(
            f"{encoder} learnt under no base, so that {shared} has nothing to do with it; leave out --shared"
        )
    public = SharedBase.load(shared)
    public.about.check_dim(network.dim)
    return public


def _owner(entry: PrivateEntry, drawn: DrawnParts, encoder: Path, public: SharedBase | None) -> Owner:
    images, part = drawn.of(entry.target.train)
    return Owner(
        encoder={
            "method": entry.method,
            "encoder": entry.encoder,
            "network": entry.network.model_dump(mode="json"),
            "hidden": list(entry.hidden),
            "seed": entry.seed,
            "sha256": sha256(encoder),
        },
        mentor=public.about.mentor if public else {},
        data={"name": part.data, "part": part.name, "sha256": images.content},
        classes=part.class_names,
    )


def _built(entry: PrivateEntry, drawn: DrawnParts, stored: Seen, owner: Owner) -> PrivateBase:
    images, part = drawn.of(entry.target.train)
    bank = Labelled(stored[space_of(stored)], part.labels)
    return base_of(bank, images.prepared.index[part.index], form=entry.form, seed=entry.seed, owner=owner)


def _row(entry: PrivateEntry, built: PrivateBase, space: str) -> dict[str, object]:
    """What is known of a base without asking it anything."""
    sizes = built.sizes()
    return {
        "target": entry.name,
        "space": space,
        "form": entry.form,
        "trained": built.base.about.form,
        "neighbours": min(entry.neighbours, len(built)),
        "vectors": len(built),
        "dim": built.base.about.dim,
        "file_bytes": sum(sizes.values()),
        **{f"bytes_{part}": count for part, count in sizes.items()},
    }
