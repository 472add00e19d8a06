"""Folders and archives of files, read alike, one or several."""

import os
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from semcom.files.errors import SemcomError
from semcom.prepare.archives import TarTree, ZipTree, shown
from semcom.prepare.decode import SUFFIXES

ARCHIVES = (".zip", ".tar", ".tgz", ".txz", ".tar.gz", ".tar.xz", ".tar.bz2")


class Tree(Protocol):
    """Files below one place."""

    where: Path
    names: tuple[str, ...]
    """Files, by their paths within, sorted; hidden ones left out."""
    folders: tuple[str, ...]
    """Folders, likewise."""

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each of `names`, in the order in which they are stored."""
        ...

    def close(self) -> None:
        """Close the archive."""
        ...


class FolderTree:
    """A folder, links within it followed: it is the user's own."""

    def __init__(self, where: Path, *, prefix: str = "") -> None:
        self.where, self._prefix = where, prefix
        names, folders, seen = [], [], set()
        for folder, inside, files in os.walk(where, followlinks=True):
            real = os.path.realpath(folder)
            inside[:] = [] if real in seen else sorted(name for name in inside if shown(name))
            seen.add(real)
            place = Path(folder).relative_to(where)
            names += [(place / name).as_posix() for name in files if shown(name)]
            folders += [(place / name).as_posix() for name in inside]
        self.names, self.folders = (tuple(sorted(prefix + name for name in n)) for n in (names, folders))

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """As `Tree.read`."""
        for name in sorted(names):
            path = self.where / name.removeprefix(self._prefix)
            try:
                yield name, path.read_bytes()
            except OSError as error:
                raise SemcomError(f"cannot read {path}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing is open."""


class Forest:
    """Several trees as one.

    Raises:
        SemcomError: two of them have a file of the same name.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        self.where, self._trees = trees[0].where, trees
        names = [name for tree in trees for name in tree.names]
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise SemcomError(
                f"{', '.join(str(tree.where) for tree in trees)} have {len(twice)} files of the same name, "
                f"{twice[0]} among them: give one folder that holds them in folders of their own"
            )
        self.names = tuple(sorted(names))
        self.folders = tuple(sorted({folder for tree in trees for folder in tree.folders}))

    def read(self, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """As `Tree.read`."""
        wanted = set(names)
        for tree in self._trees:
            yield from tree.read(wanted.intersection(tree.names))

    def close(self) -> None:
        """Close all."""
        for tree in self._trees:
            tree.close()


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by the end of its name."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def open_trees(paths: Sequence[Path]) -> Tree:
    """Folders and archives as one tree; a folder without pictures but with archives stands for these.

    Of several folders each keeps its name.

    Raises:
        SemcomError: a path is neither, or an archive is damaged or leads out of itself.
    """
    trees: list[Tree] = []
    for path in paths:
        if path.is_dir():
            tree = FolderTree(path, prefix=f"{path.resolve().name}/" if len(paths) > 1 else "")
            archives = [Path(path, n) for n in os.listdir(path) if n.lower().endswith(ARCHIVES)]
            pictures = any(map(is_picture, tree.names))
            trees += [tree] if pictures or not archives else map(_archive, sorted(archives))
        else:
            trees.append(_archive(path))
    return trees[0] if len(trees) == 1 else Forest(trees)


def _archive(path: Path) -> Tree:
    if not path.is_file():
        raise SemcomError(f"there is no {path}")
    if zipfile.is_zipfile(path):
        return ZipTree(path)
    if path.suffix.lower() == ".zip" or not path.name.lower().endswith(ARCHIVES):
        raise SemcomError(
            f"{path} is no folder and no whole archive ({', '.join(ARCHIVES)}): copy it again, or give the "
            "folder that it lies in"
        )
    return TarTree(path)
