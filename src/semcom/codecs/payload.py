"""How many bytes of an image file a receiver could not have known: what is left without container headers.

A link that sends many images of one size at one quality need not repeat what all files share. Counted is

- AVIF: the `mdat` box's content, the AV1 bitstream (of 337 bytes of 32×32 pixels, 275 are container);
- WebP: the content of the VP8 or VP8L chunk (and of an alpha chunk);
- JPEG: the entropy-coded data behind the scan header (the tables follow from the quality);
- JPEG 2000: the tile-parts' data behind their headers.

Left out besides are lengths and end markers: the link knows how long a message is.
"""

import struct
from collections.abc import Iterator

from semcom.files.errors import SemcomError


def count(data: bytes) -> int:
    """Bytes of an image file without its headers.

    Raises:
        SemcomError: it is none of the four formats, or cut short.
    """
    return sum(stop - start for start, stop in spans(data))


def spans(data: bytes) -> list[tuple[int, int]]:
    """Where in the file the counted bytes lie, as (start, stop).

    Raises:
        SemcomError: it is none of the four formats, or cut short.
    """
    kinds = {b"ftyp": _avif, b"WEBP": _webp}
    try:
        if data[:3] == b"\xff\xd8\xff":
            found = list(_jpeg(data))
        elif data[:4] == b"\xff\x4f\xff\x51":
            found = list(_jpeg2000(data))
        elif (kind := kinds.get(data[4:8]) or kinds.get(data[8:12])) is not None:
            found = list(kind(data))
        else:
            raise SemcomError(
                f"{len(data)} bytes that start with {data[:12]!r} are no AVIF, WebP, JPEG or JPEG 2000"
            )
    except (struct.error, IndexError) as error:
        raise SemcomError(f"an image file of {len(data)} bytes is cut short") from error
    if not found or found[-1][1] > len(data):
        raise SemcomError(f"an image file of {len(data)} bytes is cut short: its image data is missing")
    return found


def _avif(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        stop = at + size if size else len(data)
        if kind == b"mdat":
            yield at + head, stop
        at = max(stop, at + head)


def _webp(data: bytes) -> Iterator[tuple[int, int]]:
    at = 12
    while at < len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            yield at + 8, at + 8 + size
        at += 8 + size + size % 2


def _jpeg(data: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while data[at + 1] != 0xD9:
        scan = data[at + 1] == 0xDA
        (size,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + size
        if scan:
            stop = at
            # In entropy-coded data 0xFF is followed by 0 or a restart marker; anything else ends it.
            while data[stop] != 0xFF or data[stop + 1] == 0 or 0xD0 <= data[stop + 1] <= 0xD7:
                stop += 1
            yield at, stop
            at = stop


def _jpeg2000(data: bytes) -> Iterator[tuple[int, int]]:
    at = 2
    while data[at : at + 2] != b"\xff\xd9":
        marker, size = struct.unpack_from(">HH", data, at)
        if marker != 0xFF90:  # a main header's segment, not a tile-part
            at += 2 + size
            continue
        (length,) = struct.unpack_from(">I", data, at + 6)
        stop = at + length if length else len(data) - 2
        inner = at + 2 + size
        while data[inner : inner + 2] != b"\xff\x93":
            inner += 2 + struct.unpack_from(">H", data, inner + 2)[0]
        yield inner + 2, stop
        at = stop
