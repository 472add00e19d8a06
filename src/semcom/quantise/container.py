"""One file of named sections, streamed out and in, with a checksum over all of it.

magic | section | section | … | description (JSON) | its length, 8 bytes | SHA-256 of all before, 32 bytes
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError

MAGIC = b"semcom knowledge base 1\n"
PIECE = 2**20
TAIL = 8 + hashlib.sha256().digest_size

Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Content:
    """A file that was read and found whole.

    Attributes:
        path: of it.
        about: what it says of itself.
        places: offset and length in bytes of each section.
    """

    path: Path
    about: dict[str, Any]
    places: dict[str, tuple[int, int]]

    def read(self, name: str, use: Callable[[Callable[[int], bytes]], Any]) -> Any:
        """What `use` makes of a section; it is given a function that reads the next n bytes."""
        offset, length = self.places[name]
        with open(self.path, "rb") as file:
            file.seek(offset)
            return use(lambda count: file.read(min(count, offset + length - file.tell())))

    def bytes(self, name: str) -> bytes:
        """A section as it is."""
        whole: bytes = self.read(name, lambda take: take(self.places[name][1]))
        return whole


def write(path: Path, sections: Mapping[str, Callable[[Write], object]], about: Mapping[str, Any]) -> None:
    """Write sections, each by a function that is given one to write bytes with, atomically."""
    with atomic(path) as temporary, open(temporary, "wb") as file:
        checksum = hashlib.sha256()

        def put(piece: bytes) -> None:
            checksum.update(piece)
            file.write(piece)

        put(MAGIC)
        lengths = {}
        for name, section in sections.items():
            begin = file.tell()
            section(put)
            lengths[name] = file.tell() - begin
        text = _description(about, lengths)
        put(text)
        put(len(text).to_bytes(8, "little"))
        file.write(checksum.digest())


def overhead(about: Mapping[str, Any], lengths: Mapping[str, int]) -> int:
    """Bytes of a file beside its sections."""
    return len(MAGIC) + len(_description(about, lengths)) + TAIL


def _description(about: Mapping[str, Any], lengths: Mapping[str, int]) -> bytes:
    said = {"about": about, "sections": list(lengths.items())}  # a list: sections have an order
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def read(path: Path) -> Content:
    """Look through a file and compare its checksum.

    Raises:
        SemcomError: it is missing, truncated, damaged, or no knowledge base of this version.
    """
    try:
        with open(path, "rb") as file:
            return _read(path, file)
    except OSError as error:
        raise SemcomError(f"cannot read the knowledge base {path} ({error.strerror}); run its job") from error


def _read(path: Path, file: IO[bytes]) -> Content:
    size = path.stat().st_size
    if file.read(len(MAGIC)) != MAGIC:
        raise SemcomError(
            f"{path} is no knowledge base that this version wrote; give another file, or run its job again"
        )
    file.seek(0)
    checksum, left = hashlib.sha256(), size - hashlib.sha256().digest_size
    while left > 0 and (piece := file.read(min(PIECE, left))):
        checksum.update(piece)
        left -= len(piece)
    if left or file.read() != checksum.digest():
        raise SemcomError(
            f"the knowledge base {path} is truncated or damaged: its checksum does not fit its content; get "
            "it anew, or remove it and run its job again"
        )
    file.seek(size - TAIL)
    length = int.from_bytes(file.read(8), "little")
    file.seek(size - TAIL - length)
    said = json.loads(file.read(length))
    places, offset = {}, len(MAGIC)
    for name, count in said["sections"]:
        places[name] = (offset, count)
        offset += count
    return Content(path, said["about"], places)
