"""Test images as image files at every quality, encoded once: whatever a link has room for is then looked up.

    test images ─► mosaics, where asked for ─► files at each quality ─► their sizes and PSNR

A killed job goes on where it was.
"""

from pathlib import Path

import numpy as np
import torch

from semcom.codecs import stored
from semcom.codecs.images import Pixels
from semcom.codecs.ladder import Ladder
from semcom.codecs.mosaic import join
from semcom.files.errors import Stopped
from semcom.files.hashes import digest
from semcom.frames.images import DrawnParts
from semcom.params.crlsc.imageentries import EncodingEntry
from semcom.params.entries import to_json
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal
from semcom.training.state import State, state

AT_ONCE = 250_000
"""Pixels between looks at whether to stop: some seconds of AVIF, the slowest."""


def run(entry: EncodingEntry, *, frames: Path, files: Path, journal: Path, states: Path) -> None:
    """Encode all images of a part.

    Args:
        entry: which part, format and mosaic.
        frames: prepared images of the part's data set.
        files: output, see `codecs.stored`.
        journal: events for the tracking server; a step is a quality's number.
        states: folder of what is encoded so far.

    Raises:
        SemcomError: this Pillow lacks the format.
        Stopped: SIGTERM came; what is encoded is kept.
    """
    drawn = DrawnParts.open([frames], entry.parts, seed=entry.seed, device=torch.device("cpu"))
    images, part = drawn.of(entry.part)
    pictures = join(images.prepared.rgb[part.index], across=entry.mosaic, down=entry.mosaic)
    tags = {"study": entry.study, "system": entry.system, "method": entry.name, "seed": str(entry.seed)}
    with (
        state(states, digest("files", to_json(entry), images.content)) as held,
        Journal.open(
            journal, {**tags, "stage": "images_files"}, entry.model_dump(), fresh=not held.resumed
        ) as events,
    ):
        ladder = _encoded(entry, pictures, held)
        for rung, quality in enumerate(ladder.qualities):
            seen = {
                "quality": quality,
                "psnr_db": float(ladder.psnr_db[:, rung].mean()),
                "payload_bytes": float(ladder.payload_bytes[:, rung].mean()),
                "file_bytes": float(ladder.file_bytes[:, rung].mean()),
            }
            events.metrics({f"files/{key}": value for key, value in seen.items()}, step=rung)
        stored.write(files, ladder, pictures)


def _encoded(entry: EncodingEntry, pictures: Pixels, held: State) -> Ladder:
    """Some images at a time."""
    share = max(1, AT_ONCE // (pictures.shape[1] * pictures.shape[2]))
    starts = range(0, len(pictures), share)
    log.info("%d pictures of %d×%d pixels as %s", len(pictures), *pictures.shape[2:0:-1], entry.codec)
    progress = Progress(len(pictures))
    done: list[Ladder] = []
    for start in starts:
        name = f"pictures{start}"
        kept = held.load(name)
        if kept is not None:
            done.append(stored.unpacked({key: t.numpy() for key, t in kept.items()}, codec=entry.codec))
            continue
        if held.stop.asked:
            raise Stopped(f"SIGTERM: stopped after {start} pictures; run the same command again")
        done.append(Ladder.build(pictures[start : start + share], codec=entry.codec))
        tensors = {key: torch.from_numpy(np.array(a)) for key, a in stored.packed(done[-1]).items()}
        held.save(name, tensors)
        progress.step(start + len(done[-1].files), f"{start + len(done[-1].files)} pictures")
    return stored.joined(done)
