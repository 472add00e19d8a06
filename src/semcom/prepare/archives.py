"""Archives of files. They are never unpacked: members are read one by one.

A member whose name leads out of its archive, or that is a link, a device or encrypted, refuses the archive
as a whole, wanted or not.
"""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from semcom.files.errors import SemcomError

LARGEST = 2**30
"""Bytes of one member, as its header says: a small archive may claim to hold any number of them."""
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)


class ZipTree:
    """A zip archive.

    Raises:
        SemcomError: it is damaged, or a member leads out of it.
    """

    def __init__(self, where: Path) -> None:
        self.where = where
        try:
            self._archive = zipfile.ZipFile(where)
        except DAMAGED as error:
            raise _damaged(where, error) from None
        infos = self._archive.infolist()
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR) and not info.flag_bits & 1
            _check_member(where, info.filename, plain=plain, size=info.file_size)
        _check_once(where, [info.filename for info in infos])
        self.names = _sorted(info.filename for info in infos if not info.is_dir())
        self.folders = _folders(self.names, (info.filename for info in infos if info.is_dir()))

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """As `Tree.read`."""
        wanted = set(names)
        for info in self._archive.infolist():
            name = _plain(info.filename)
            if name in wanted:
                try:
                    content = self._archive.read(info)
                except (*DAMAGED, NotImplementedError) as error:
                    raise _damaged(self.where, error, name) from None
                yield name, content

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


class TarTree:
    """A tar archive, compressed or not.

    Raises:
        SemcomError: it is damaged or cut off, or a member leads out of it.
    """

    def __init__(self, where: Path) -> None:
        self.where = where
        try:
            self._archive = tarfile.open(where, "r:*")
            self._members = list(self._archive)
            # A tar that is cut off between two members reads like a whole one, but for its end mark.
            file = self._archive.fileobj
            assert file is not None, "open"
            file.seek(self._archive.offset)
            if file.read(512) != bytes(512):
                raise EOFError("its end is missing")
        except DAMAGED as error:
            raise _damaged(where, error) from None
        for member in self._members:
            _check_member(where, member.name, plain=member.isreg() or member.isdir(), size=member.size)
        _check_once(where, [member.name for member in self._members if member.isreg()])
        self.names = _sorted(member.name for member in self._members if member.isreg())
        self.folders = _folders(self.names, (m.name for m in self._members if m.isdir()))

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """As `Tree.read`."""
        wanted = set(names)
        for member in self._members:
            name = _plain(member.name)
            if member.isreg() and name in wanted:
                try:
                    file = self._archive.extractfile(member)
                    assert file is not None, "a regular member"
                    content = file.read()
                except DAMAGED as error:
                    raise _damaged(self.where, error, name) from None
                yield name, content

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def shown(name: str) -> bool:
    """Whether a file or folder of this name counts: hidden ones do not."""
    return not name.startswith(".") and name != "__MACOSX"


def _check_member(where: Path, name: str, *, plain: bool, size: int) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    outside = ".." in parts or name.startswith(("/", "\\")) or (parts and parts[0].endswith(":"))
    if outside or not plain or size > LARGEST:
        fault = f"claims {size} bytes, over {LARGEST}"
        if outside or not plain:
            fault = "leads out of its folder" if outside else "is a link, a device or encrypted"
        raise SemcomError(
            f"{where}: the member {name!r} {fault}; nothing of such an archive is read: get another copy, "
            "or unpack it where you trust it and give the folder"
        )


def _check_once(where: Path, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(map(_plain, names)).items() if count > 1]
    if twice:
        raise SemcomError(f"{where} has {len(twice)} members twice, {twice[0]!r} first: get another copy")


def _damaged(where: Path, error: Exception, member: str = "") -> SemcomError:
    inside = f" at {member}" if member else ""
    return SemcomError(f"{where} is truncated or damaged{inside} ({error}): copy it again")


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _sorted(names: Iterator[str]) -> tuple[str, ...]:
    plain = map(_plain, names)
    return tuple(sorted(name for name in plain if all(map(shown, name.split("/")))))


def _folders(names: Sequence[str], marked: Iterator[str]) -> tuple[str, ...]:
    """Folders that are members, and those on the way to a file."""
    found = {str(place) for name in names for place in PurePosixPath(name).parents}
    found |= {_plain(name).rstrip("/") for name in marked}
    return _sorted(iter(found - {".", ""}))
