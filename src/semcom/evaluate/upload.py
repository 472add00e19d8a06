"""Upload once: all training images sent as image files, instead of training over the link.

    training frames ─► codec, at each quality ─► bytes ─► channel uses at capacity, and over the real link
                                              └► decoded image ─► PSNR

What all files share, container headers, need not be sent: channel uses are those of the bytes without them;
those with headers stand beside them. Depth goes as an 8-bit grey image: finer depth costs more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from semcom.channel.digital.adaptive import choose
from semcom.channel.digital.table import Curve, read_all
from semcom.codecs.budget import at_quality
from semcom.codecs.images import Pixels, decode
from semcom.codecs.upload import at_capacity, over_link
from semcom.files.tables import write_rows
from semcom.frames.prepared import Prepared
from semcom.metrics.images import psnr_db
from semcom.params.entries import UploadEntry
from semcom.params.sections import Modality
from semcom.progress import Progress, log
from semcom.tracking.journal import Journal

Row = dict[str, object]
TRACKED = (
    "payload_bytes",
    "file_bytes",
    "psnr_rgb_db",
    "psnr_depth_db",
    "payload_uses_capacity",
    "payload_uses_link",
)
"""What goes to the tracking server."""
DEPTH_MM = 10_000
"""The depth of the brightest grey, 255; what lies farther has it too, and 0 stays `not measured`."""


def run(frames_file: Path, entry: UploadEntry, *, tables: list[Path], output: Path, journal: Path) -> None:
    """Measure all qualities of one digital link.

    Args:
        frames_file: prepared frames; all of the official training part are sent.
        entry: codec, qualities, modalities, channel and Es/N0.
        tables: error tables of the schemes, in their order.
        output: one row a quality: bytes and channel uses of all images together, mean PSNR of each modality.
        journal: events for the tracking server; a step is a quality.

    Raises:
        SemcomError: frames or a table cannot be read, or this Pillow lacks the codec.
    """
    frames = Prepared.open(frames_file)
    (which,) = np.nonzero(frames.train)
    curves = read_all(tables, entry.tables)
    tags = {"study": entry.study, "stage": "upload", "link": entry.link_name}
    progress = Progress(len(entry.upload.quality))
    rows: list[Row] = []
    with Journal.open(journal, tags, entry.model_dump()) as events:
        for done, quality in enumerate(entry.upload.quality, start=1):
            sent: dict[str, _Sent] = {
                modality: _Sent.of(_images(frames, which, modality), entry.upload.codec, quality)
                for modality in entry.modalities
            }
            uses = _uses(entry, sent, curves)
            rows.append(_place(entry, quality, len(which)) | _sizes(sent) | {"snr_db": entry.snr_db} | uses)
            values = {f"upload/{name}": rows[-1][name] for name in TRACKED}
            events.metrics({k: float(str(v)) for k, v in values.items() if v != ""}, step=quality)
            progress.step(done, f"{entry.upload.codec} {quality}: {rows[-1]['payload_bytes']} bytes")
    if rows[-1]["bler"] == 1:
        log.info("at %g dB no block of any scheme arrives: no channel uses over the link", entry.snr_db)
    write_rows(output, rows)


@dataclass(frozen=True)
class _Sent:
    """All images of one modality at one quality.

    Attributes:
        file_bytes: of all files.
        payload_bytes: of them without container headers.
        psnr_db: mean over images of the PSNR in dB.
    """

    file_bytes: int
    payload_bytes: int
    psnr_db: float

    @classmethod
    def of(cls, images: Iterable[Pixels], codec: str, quality: int) -> "_Sent":
        file_bytes, payload_bytes, psnrs = 0, 0, []
        for image in images:
            fitted = at_quality(image, codec=codec, quality=quality)
            file_bytes += fitted.file_bytes
            payload_bytes += fitted.payload_bytes
            psnrs.append(psnr_db(image, decode(fitted.data)))
        return cls(file_bytes, payload_bytes, float(np.mean(psnrs)))


def _images(frames: Prepared, which: NDArray[np.intp], modality: str) -> Iterator[Pixels]:
    for number in which:
        yield frames.rgb[number] if modality == "rgb" else grey(frames.depth[number])


def grey(depth_mm: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Depth as 8-bit grey: 0 to 10 m in 255 steps of 39 mm, each rounded to the nearest.

    Args:
        depth_mm: (height, width) in millimetres.
    """
    steps = np.rint(np.minimum(depth_mm, DEPTH_MM).astype(np.float64) * (255 / DEPTH_MM))
    return steps.astype(np.uint8)


def _place(entry: UploadEntry, quality: int, frames: int) -> Row:
    return {
        "study": entry.study,
        "link": entry.link_name,
        "codec": entry.upload.codec,
        "quality": quality,
        "frames": frames,
        "modalities": "+".join(entry.modalities),
    }


def _sizes(sent: Mapping[str, _Sent]) -> Row:
    """Bytes of all modalities together, and mean PSNR of each; empty for one that is not sent."""
    return {
        "payload_bytes": sum(part.payload_bytes for part in sent.values()),
        "file_bytes": sum(part.file_bytes for part in sent.values()),
        **{f"psnr_{name}_db": sent[name].psnr_db if name in sent else "" for name in get_args(Modality)},
    }


def _uses(entry: UploadEntry, sent: Mapping[str, _Sent], curves: Sequence[Curve]) -> Row:
    """Channel uses without container headers and with them; empty over a link that nothing passes."""
    choice = choose(curves, entry.snr_db, outside="bound")
    arrives = choice.goodput > 0
    uses: Row = {}
    for name in ("payload", "file"):
        size = sum(getattr(part, f"{name}_bytes") for part in sent.values())
        least = at_capacity(size, snr_db=entry.snr_db, channel=entry.channel)
        uses[f"{name}_uses_capacity"] = least.uses
        uses[f"{name}_uses_link"] = (
            over_link(size, curves=curves, snr_db=entry.snr_db, outside="bound").uses if arrives else ""
        )
    return uses | {"scheme": choice.curve.scheme.name, "bler": choice.bler}
