"""Images over a link, from test images to PSNR, SSIM and what a classifier tells of them over Es/N0.

A table, and a sheet to look at.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from semcom.evaluate.imagefiles import sent_files
from semcom.evaluate.judge import Judge
from semcom.evaluate.transmission import Transmission, of_sheet, transmission
from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError
from semcom.files.tables import write_rows
from semcom.frames.images import DrawnParts, mean_image
from semcom.metrics.reconstruction import Pixels
from semcom.models import images as networks
from semcom.params.crlsc.imageentries import ImagesTestEntry
from semcom.params.crlsc.images import low_middle_high
from semcom.progress import Progress
from semcom.tracking.journal import Journal
from semcom.training.compute import set_up
from semcom.training.randomness import generator

Row = dict[str, object]


def run(
    entry: ImagesTestEntry,
    *,
    frames: list[Path],
    table: Path,
    sheet: Path,
    journal: Path,
    network: Path | None = None,
    files: Path | None = None,
    error_tables: Sequence[Path] = (),
    classifier: Path | None = None,
) -> None:
    """Sweep the Es/N0 over the test images.

    Args:
        entry: network, link, Es/N0 and draws.
        frames: prepared images of the parts' data sets, in their order.
        table: output, one row an Es/N0, draw and metric: means over the images.
        sheet: output, PNG: odd rows reconstructed, even rows original, at the lowest, a middle and the
            highest Es/N0.
        journal: events for the tracking server.
        network: the trained network, of a method that has one.
        files: the test images as image files at every quality, of a method that sends them.
        error_tables: of the schemes that have a code.
        classifier: the trained classifier, if the entry has one.

    Raises:
        SemcomError: a file is missing, damaged or another job's.
    """
    device = set_up(entry.compute)
    drawn = DrawnParts.open(frames, entry.parts, seed=entry.seed, device=device)
    judge = Judge.of(entry, *drawn.of(entry.part), classifier=classifier)
    way = _way(entry, drawn, judge, network=network, files=files, error_tables=list(error_tables))
    tags = {"study": entry.study, "system": entry.system, "method": entry.method, "link": entry.link_name}
    named = {**tags, "seed": str(entry.seed), "stage": "images_test"}
    with Journal.open(journal, named, entry.model_dump()) as events:
        rows: list[Row] = []
        shown: dict[int, Pixels] = {}
        progress = Progress(len(entry.snr_db))
        for number, snr_db in enumerate(entry.snr_db, start=1):
            new, shown[snr_db] = at_one_snr(entry, way, snr_db)
            means = {f"test/{metric}": mean_of(new, metric) for metric in metrics_of(new)}
            events.metrics(means, step=snr_db)
            progress.step(number, f"{snr_db} dB: PSNR {means['test/psnr_db']:.2f} dB")
            rows += [{**tags, "seed": entry.seed, **row} for row in new]
    write_rows(table, rows)
    sent = judge.sent[of_sheet(len(judge.sent))]
    write_sheet(sheet, sent, [shown[snr_db] for snr_db in low_middle_high(entry.snr_db)])


def _way(
    entry: ImagesTestEntry,
    drawn: DrawnParts,
    judge: Judge,
    *,
    network: Path | None,
    files: Path | None,
    error_tables: list[Path],
) -> Transmission:
    """How the entry's images go over its link."""
    if (network if entry.files else files) is not None:
        what = "image files" if entry.files else "images by a network"
        raise SemcomError(
            f"{entry.method} sends {what}; leave {'--network' if entry.files else '--files'} out"
        )
    if len(error_tables) > len(entry.table):
        raise SemcomError(
            f"{len(error_tables)} error tables for {len(entry.table)} schemes with a code of {entry.method}; "
            "give one --error-table for each"
        )
    if entry.files is not None:
        images, part = drawn.of(str(entry.mean_of))
        mean = mean_image(images, torch.from_numpy(part.index).to(images.rgb.device))
        return sent_files(entry, judge, mean, files=files, error_tables=error_tables)
    if network is None:
        raise SemcomError(f"{entry.method} sends images by a network; give --network")
    images, part = drawn.of(entry.part)
    index = torch.from_numpy(part.index).to(images.rgb.device)
    of = (entry.size, entry.vqvae, entry.channel_uses, entry.encoder)
    trained = networks.made(*of, network=entry.network).to(index.device)
    mean = networks.load_into(trained, network)
    table = error_tables[0] if error_tables else None
    return transmission(entry, trained.eval(), images, index, mean=mean, error_table=table, judge=judge)


def at_one_snr(entry: ImagesTestEntry, way: Transmission, snr_db: int) -> tuple[list[Row], Pixels]:
    """Means over the images, a row a draw and metric; and what the first draw shows."""
    # The same draws for every method and Es/N0.
    draws = generator(entry.seed, "images", entry.link_name, device=way.device)
    rows: list[Row] = []
    first: Pixels | None = None
    for draw in range(entry.draws):
        arrived = way.send(snr_db, draws)
        first = arrived.images if first is None else first
        for metric, values in arrived.measures.items():
            rows.append({"snr_db": snr_db, "draw": draw, "metric": metric, "value": float(values.mean())})
    assert first is not None
    return rows, first


def metrics_of(rows: list[Row]) -> list[str]:
    """Each once."""
    return list(dict.fromkeys(str(row["metric"]) for row in rows))


def mean_of(rows: list[Row], metric: str) -> float:
    """Over draws."""
    return float(np.mean([float(str(row["value"])) for row in rows if row["metric"] == metric]))


def write_sheet(path: Path, sent: Pixels, received: list[Pixels]) -> None:
    """A PNG: odd rows reconstructed, even rows original.

    Args:
        path: output.
        sent: (n, H, W, 3) images.
        received: of each pair of rows, the same as they arrived.
    """
    original = np.concatenate(list(sent), axis=1)
    rows = [row for found in received for row in (np.concatenate(list(found), axis=1), original)]
    with atomic(path) as temporary:
        Image.fromarray(np.concatenate(rows)).save(temporary, "PNG")
