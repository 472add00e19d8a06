"""The shared knowledge base: a mentor's embeddings of public images, compressed, into one file to ship.

embeddings ─► sample ─► trained form ─┐
          └─────────────► all coded ──┴─► base, its size by parts, how much of the directions is left
"""

import time
import zipfile
from pathlib import Path

import numpy as np

from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.parts import draw
from semcom.frames.prepared import Prepared
from semcom.params.shared import SharedEntry
from semcom.progress import log
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.index import use_threads
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import unit
from semcom.tracking.journal import Journal

LOOKED_AT = 4096
"""Vectors whose decoded directions are compared with their own."""


def run(
    embeddings_file: Path,
    entry: SharedEntry,
    *,
    base: Path,
    table: Path,
    journal: Path,
    extends: Path | None = None,
    frames: Path | None = None,
    pictures: Path | None = None,
) -> None:
    """Build the base, or add to an earlier one what it does not have, and measure it.

    Args:
        embeddings_file: of the public images.
        entry: form and seed.
        base: output, the base.
        table: output, one row: bytes by part, and how well directions are kept.
        journal: events for the tracking server.
        extends: an earlier base of the same form, seed and mentor; its codebooks and vectors stay.
        frames: the prepared images, where the entry names a public part of them.
        pictures: archive of the images' files, by their numbers; if it is there, what a file takes is said.

    Raises:
        SemcomError: a file is damaged, the form does not fit, or the earlier base is another one.
    """
    use_threads(entry.compute.threads)
    every = Embeddings.open(embeddings_file)
    every.verify()
    public = _public(every, entry, frames)
    tags = {"study": entry.study, "system": entry.system, "method": entry.name, "seed": str(entry.seed)}
    with Journal.open(journal, {**tags, "stage": "shared"}, entry.model_dump()) as events:
        begin = time.perf_counter()
        built = _extended(extends, public, entry) if extends else _built(public, entry)
        seconds = time.perf_counter() - begin
        sizes = built.sizes()
        whole, cosine = sum(sizes.values()), _cosine(built, public)
        log.info("%s: %d vectors in %d bytes, mean cosine %.3f", built.about.form, len(built), whole, cosine)
        events.metrics({"shared/bytes": whole, "shared/cosine": cosine, "shared/seconds": seconds}, step=0)
        built.save(base)
        about = {
            "form": entry.form,
            "trained": built.about.form,
            "vectors": len(built),
            "trained_on": built.about.sample,
            "dim": public.dim,
            "cosine": cosine,
            "bytes": whole,
            "image_bytes": _image_bytes(pictures, built),
        }
        parts = {f"bytes_{part}": count for part, count in sizes.items()}
        write_rows(table, [{**tags, **about, **parts}])


def _public(every: Embeddings, entry: SharedEntry, frames: Path | None) -> Embeddings:
    """The embeddings of the images that the base is to hold.

    Raises:
        SemcomError: a public part is named without the prepared images, or they are not those embedded.
    """
    if entry.public is None:
        return every if entry.part == "all" else every.take(every.train == (entry.part == "train"))
    if frames is None:
        raise SemcomError(
            f"the part {entry.public.name} is drawn from prepared images; give them as --frames"
        )
    prepared = Prepared.open(frames)
    if prepared.attributes["sha256"] != every.data:
        raise SemcomError(f"{every.path} holds embeddings of other images than {frames}; run its job again")
    parts = dict(entry.public.parts)
    part = draw(parts, {parts[entry.public.name].data: prepared}, seed=entry.seed)[entry.public.name]
    return every.take(part.index)


def _image_bytes(pictures: Path | None, base: SharedBase) -> float | str:
    """Of the picture files of a base's images, on average; empty where there are none.

    Raises:
        SemcomError: the archive is damaged, or lacks one of them.
    """
    if pictures is None or not pictures.is_file():
        return ""
    try:
        with zipfile.ZipFile(pictures) as archive:
            size = {int(member.filename): member.file_size for member in archive.infolist()}
        return float(np.mean([size[number] for number in base.ids.tolist()]))
    except (OSError, zipfile.BadZipFile, ValueError, KeyError) as error:
        raise SemcomError(
            f"{pictures} is damaged, or has other images than the base ({error}): get the data again"
        ) from None


def _built(public: Embeddings, entry: SharedEntry) -> SharedBase:
    return SharedBase.build(
        public, form=entry.form, seed=entry.seed, sample=entry.sample, too_few=entry.too_few
    )


def _extended(earlier: Path, public: Embeddings, entry: SharedEntry) -> SharedBase:
    """The earlier base, and what it does not have."""
    base = SharedBase.load(earlier)
    if (base.about.asked, base.about.seed) != (entry.form, entry.seed):
        raise SemcomError(
            f"{earlier} is a base of the form {base.about.asked} and seed {base.about.seed} and cannot go on "
            f"as one of {entry.form} and seed {entry.seed}; build it anew"
        )
    new = base.positions(public.ids) < 0
    log.info("%s has %d vectors; %d are added", earlier, len(base), int(new.sum()))
    base.add(public.take(new))
    return base


def _cosine(base: SharedBase, public: Embeddings) -> float:
    """Mean cosine between vectors and what the base decodes for them, over some of them, evenly chosen."""
    places = np.unique(np.linspace(0, len(public) - 1, LOOKED_AT).astype(np.int64))
    own = unit(np.concatenate(list(public.chunks(places))), "vector")
    decoded = base.decode(base.positions(public.ids[places]))
    return float((own * decoded).sum(axis=1).mean())
