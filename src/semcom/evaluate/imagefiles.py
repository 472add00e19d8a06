"""Image files over a digital link: the best that its code words have room for, lost if one of them is.

files at every quality ─► room at this Es/N0 ─► best file that fits ─► code words ─► image, or the mean one
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from semcom.channel.digital import bounds
from semcom.channel.digital.link import DigitalLink
from semcom.channel.digital.table import read_all
from semcom.codecs import stored
from semcom.codecs.ladder import NONE, Ladder
from semcom.codecs.mosaic import join, split
from semcom.evaluate.judge import Judge
from semcom.evaluate.transmission import Arrived, of_sheet
from semcom.files.errors import SemcomError
from semcom.metrics.reconstruction import Floats, Pixels, pixels
from semcom.params.crlsc.imageentries import ImagesTestEntry
from semcom.params.crlsc.images import ImageFiles


class Way(Protocol):
    """What carries files, each in so many channel uses."""

    def room(self, snr_db: float) -> int:
        """Bytes of a file at an Es/N0 in dB."""
        ...

    def lost(self, files: int, snr_db: float, draws: Generator) -> NDArray[np.bool_]:
        """Which of the files (files,) do not arrive."""
        ...


class OverLink:
    """Code words of one scheme, or of the best of a list at each Es/N0.

    Args:
        link: the error tables of the schemes.
        channel_uses: of a file; a whole number of each scheme's code words.
    """

    def __init__(self, link: DigitalLink, channel_uses: int) -> None:
        self.link, self.channel_uses = link, channel_uses

    def words(self, snr_db: float) -> int:
        """Code words of a file."""
        return self.channel_uses // self.link.choose(snr_db).curve.scheme.channel_uses

    def room(self, snr_db: float) -> int:
        """See `Way`."""
        return self.words(snr_db) * self.link.choose(snr_db).curve.scheme.payload_bits // 8

    def lost(self, files: int, snr_db: float, draws: Generator) -> NDArray[np.bool_]:
        """See `Way`: a file is lost with the first of its code words."""
        words = self.words(snr_db)
        gone = self.link.lost(files * words, snr_db=snr_db, generator=draws)
        any_gone: NDArray[np.bool_] = gone.view(files, words).any(1).numpy()
        return any_gone


class AtCapacity:
    """The bound: as many bits as the channel's capacity, none lost. Over fading it is the ergodic one.

    Args:
        channel: `awgn` or `rayleigh`.
        channel_uses: of a file.
    """

    def __init__(self, channel: str, channel_uses: int) -> None:
        self.rate = bounds.capacity if channel == "awgn" else bounds.ergodic_capacity
        self.channel_uses = channel_uses

    def room(self, snr_db: float) -> int:
        """See `Way`."""
        return int(self.channel_uses * float(self.rate(snr_db)) // 8)

    def lost(self, files: int, snr_db: float, draws: Generator) -> NDArray[np.bool_]:
        """See `Way`."""
        return np.zeros(files, bool)


def way_of(entry: ImagesTestEntry, error_tables: list[Path]) -> Way:
    """What carries the entry's files.

    Raises:
        SemcomError: an error table is missing, damaged or another one.
    """
    given = entry.files
    assert given is not None
    uses = entry.channel_uses * given.mosaic**2
    if entry.capacity:
        return AtCapacity(entry.channel["use"], uses)
    if not error_tables:
        raise SemcomError("image files over a link need the error tables of its schemes; give --error-table")
    curves = read_all(error_tables, entry.table)
    return OverLink(DigitalLink(curves, objective=given.objective, outside="bound"), uses)


class SentFiles:
    """Test images as files, over a link (`Transmission`).

    Args:
        ladder: of the images, or of their mosaics.
        way: what carries the files.
        given: mosaic and how bytes are counted.
        mean: (C, H, W) in 0…1, stands for an image that does not arrive.
        judge: knows the images.
    """

    device = torch.device("cpu")

    def __init__(self, ladder: Ladder, way: Way, given: ImageFiles, *, mean: Pixels, judge: Judge) -> None:
        self.ladder, self.way, self.given, self.judge = ladder, way, given, judge
        self.mean = mean
        self.places = given.mosaic**2
        self.file = np.arange(len(judge.sent)) // self.places
        """(N,) which file has each image."""
        # The last mosaic may have empty places: its file has the room of its images alone.
        self.share = np.bincount(self.file) / self.places
        self.instead = judge(np.repeat(mean[None], len(judge.sent), axis=0))
        self.known: dict[int, tuple[Pixels, dict[str, Floats]]] = {}

    def send(self, snr_db: float, draws: Generator) -> Arrived:
        """See `Transmission`."""
        room = self.way.room(snr_db)
        if room not in self.known:
            self.known[room] = self._whole(room)
        shown, whole = self.known[room]
        gone = self.way.lost(len(self.share), snr_db, draws)[self.file] | (whole["too_large"] > 0)
        values = {name: np.where(gone, self.instead[name], whole[name]) for name in self.instead}
        rest = {name: whole[name] for name in whole if name not in self.instead}
        sheet = np.where(gone[of_sheet(len(gone)), None, None, None], self.mean, shown)
        return Arrived(sheet, {**values, **rest, "lost": gone.astype(np.float64)})

    def _whole(self, room: int) -> tuple[Pixels, dict[str, Floats]]:
        """The images of the sheet as they are when nothing is lost, and what is measured of all."""
        rungs = self.ladder.best(np.floor(room * self.share), counted=self.given.counted)
        side = self.given.mosaic
        instead = join(np.repeat(self.mean[None], self.places, axis=0), across=side, down=side)[0]
        decoded = self.ladder.decoded(rungs, instead=instead)
        images = split(decoded, count=len(self.judge.sent), across=side, down=side)
        ladder = self.ladder
        sizes = ladder.payload_bytes if self.given.counted == "payload" else ladder.file_bytes
        taken = np.where(rungs == NONE, 0, sizes[np.arange(len(rungs)), rungs])
        measured = {
            **self.judge(images),
            "too_large": (rungs == NONE)[self.file].astype(np.float64),
            "room_bytes": np.full(len(self.file), room / self.places),
            "sent_bytes": (taken / np.bincount(self.file))[self.file],
        }
        return images[of_sheet(len(images))], measured


def sent_files(
    entry: ImagesTestEntry, judge: Judge, mean: Tensor, *, files: Path | None, error_tables: list[Path]
) -> SentFiles:
    """How the entry's image files go over its link.

    Args:
        entry: of a method that sends image files.
        judge: knows the images.
        mean: (C, H, W) in 0…1, of the training images.
        files: the images' files at every quality.
        error_tables: of the link's schemes; none at capacity.

    Raises:
        SemcomError: a file is missing, damaged, or of other images.
    """
    given = entry.files
    assert given is not None
    if files is None:
        raise SemcomError(f"{entry.method} sends image files; give --files")
    pictures = join(judge.sent, across=given.mosaic, down=given.mosaic)
    ladder = stored.read(files, pictures, codec=given.codec)
    way = way_of(entry, error_tables)
    return SentFiles(ladder, way, given, mean=pixels(mean[None])[0], judge=judge)
