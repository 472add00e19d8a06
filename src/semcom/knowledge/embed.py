"""Embeddings: every image of a prepared file through a mentor, once.

    prepared images ─► in an earlier file? ─► its rows ─────────────────────┐
                                └► mentor, in batches ─► kept as they come ─┴─► one HDF5

Images are known again by their pixels, so that of a data set that grew only what is new is embedded. Batches
are kept in the state folder: a killed job goes on there, and ends with the same bits.
"""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.frames.prepared import Prepared
from semcom.knowledge import shipped
from semcom.knowledge.batches import Images, embed
from semcom.models import MENTORS
from semcom.params.component import build
from semcom.params.shared import EmbedEntry
from semcom.progress import log
from semcom.quantise.about import mentor_sha256, named
from semcom.quantise.pieces import Pieces
from semcom.quantise.source import Positions
from semcom.quantise.store import Digests, Store, pixel_digests, write
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up
from semcom.training.state import state


def run(
    frames_file: Path,
    entry: EmbedEntry,
    *,
    output: Path,
    journal: Path,
    states: Path,
    earlier: Iterable[Path] = (),
) -> None:
    """Write the embeddings of all images.

    Args:
        frames_file: prepared images.
        entry: the mentor.
        output: the embeddings. A file that is there already counts among `earlier`.
        journal: events for the tracking server.
        states: folder of states.
        earlier: files of embeddings; images that they have, of the same mentor, are not embedded again.

    Raises:
        SemcomError: the prepared file is damaged, or the mentor's weights are not there or do not fit.
    """
    device = set_up(entry.compute)
    prepared = Prepared.open(frames_file)
    prepared.verify()
    mentor = build(MENTORS, entry.mentor).to(device)
    said = identity(mentor, entry)
    packed = shipped.give_int8(mentor) if entry.int8 else None
    pixels = pixel_digests(prepared.rgb)
    store = Store(mentor.dim)
    for path in dict.fromkeys([*earlier, *([output] if output.exists() else [])]):
        store.add_file(path, said)
    missing = _first_of_each(pixels, store.find(pixels) < 0)
    log.info("%s: %d images, %d of them to embed", named(said), len(prepared), len(missing))
    tags = {"study": entry.study, "system": entry.system, "method": entry.name, "stage": "embed"}
    with state(states, _state_name(said, entry, pixels[missing])) as held:
        pieces = Pieces(held.folder, dim=mentor.dim, total=len(missing), batch=entry.batch_size)
        with Journal.open(journal, tags, entry.model_dump(), fresh=not pieces.done) as events:
            begin, left = time.perf_counter(), len(missing) - pieces.done
            embed(mentor, Images(prepared.rgb, missing), pieces, held, entry)
            speed = left / (time.perf_counter() - begin)
            log.info("%d images embedded, %.1f a second", left, speed)
            events.metrics({"embed/images": left, "embed/images_per_s": speed}, step=0)
            store.add(pixels[missing], pieces.array())
            write(
                output,
                store.pieces(pixels),
                dim=mentor.dim,
                columns={"index": prepared.index, "train": prepared.train.astype(np.uint8), "pixels": pixels},
                mentor=said,
                data=str(prepared.attributes["sha256"]),
                network=shipped.facts(mentor, prepared.rgb[:1], shipped=packed),
            )


def identity(mentor: Any, entry: EmbedEntry) -> dict[str, Any]:
    """What decides a mentor's embeddings.

    Raises:
        SemcomError: the file of weights is another than when the run was planned.
    """
    weights = "random" if mentor.file is None else sha256(mentor.file)
    if entry.weights_sha256 not in (None, weights):
        raise SemcomError(f"{mentor.file} has changed since the run was planned; run the same command again")
    options = {key: value for key, value in entry.mentor.items() if key != "weights"}
    found = {**options, "weights": weights, "precision": entry.precision}
    return found | ({"int8": True} if entry.int8 else {})


def _first_of_each(pixels: Digests, wanted: NDArray[np.bool_]) -> Positions:
    """Positions where `wanted`; of equal images, the first alone."""
    (there,) = np.nonzero(wanted)
    _, first = np.unique(pixels[there], return_index=True)
    return there[np.sort(first)]


def _state_name(said: dict[str, Any], entry: EmbedEntry, missing: Digests) -> str:
    images = hashlib.sha256(missing.tobytes()).hexdigest()
    return digest("embed", mentor_sha256(said), entry.code, str(entry.batch_size), images)
