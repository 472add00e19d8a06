"""Take a user's copy of NYU Depth V2 into data/ and register it with DVC."""

import dataclasses
import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from semcom.files.errors import SemcomError
from semcom.params.component import load
from semcom.params.dataversion import data_version
from semcom.params.source import is_reference
from semcom.prepare import dvc, images
from semcom.prepare.claim import claimed
from semcom.prepare.convert import FILES, describe, said, store
from semcom.prepare.convert_images import ColourPicture, collect
from semcom.prepare.description import Description, write
from semcom.prepare.identify import Depth, identify
from semcom.prepare.image_options import Options, check_options
from semcom.prepare.images_store import PictureSet
from semcom.prepare.source import open_files
from semcom.prepare.survey import Survey, survey
from semcom.progress import log

KINDS = ("nyuv2",)


def add(
    root: Path,
    kind: str,
    paths: Sequence[Path],
    *,
    name: str,
    depth: Depth = "filled",
    replace: bool = False,
    check_up: bool = True,
) -> None:
    """Check the raw files, copy them to `root`/data/`name`, and register the folder as data/`name`.dvc.

    The source is only read. Everything is checked before anything is written; if a later step fails, what
    was in data/ before is put back. `check_up` False trusts the frames' orientation; `depth` is the .mat's
    with its holes filled in, or as the sensor gave it.

    Raises:
        SemcomError: unknown kind, bad name, files missing or damaged, depth not in metres, a split that
            does not fit, frames turned or mirrored, or the name is taken and `replace` is False.
    """
    if kind not in KINDS:
        raise SemcomError(
            f"no kind of data set {kind!r}: known are {', '.join((*KINDS, 'rgbd', *images.KINDS))}"
        )
    with claimed(root, name, replace=replace):
        _add(root, *identify(paths, depth=depth), name=name, check_up=check_up, crops=True)


def add_converted(
    root: Path,
    function: str,
    paths: Sequence[Path],
    *,
    name: str,
    replace: bool = False,
    check_up: bool = True,
    options: Options | None = None,
) -> None:
    """As `add`, of what a function of the user's own gives (`semcom.prepare.convert`); nothing is cropped.

    Args:
        root: the repository.
        function: `package.module:function`, called with the list of paths.
        paths: what it is to read.
        name: the folder in data/.
        replace: a set of this name.
        check_up: False trusts the frames' orientation.
        options: for images without depth.

    Raises:
        SemcomError: as `add`; the function cannot be imported, or gives something else.
    """
    if not is_reference(function):
        raise SemcomError(f"--with {function!r}: write package.module:function, such as mylab.data:pictures")
    for path in paths:
        if not path.exists():
            raise SemcomError(f"there is no {path}")
    convert = load(function)
    with (
        claimed(root, name, replace=replace),
        TemporaryDirectory(prefix=f".{name}.converted.", dir=root / "data") as folder,
    ):
        log.info("converting with %s", function)
        pictures = iter(convert(list(paths)))
        first = next(pictures, None)
        if isinstance(first, ColourPicture):
            given = collect(chain([first], pictures), Path(folder, "given.zip"), where=function)
            _add_colour(root, given, convert, name=name, options=options or Options())
            return
        pictures = chain([first] if first is not None else [], pictures)
        classes = store(pictures, Path(folder), where=function)
        files = {file: Path(folder, file) for file in FILES}
        _add(root, files, describe(convert, classes, name=name), name=name, check_up=check_up, crops=False)


def _add_colour(root: Path, given: PictureSet, convert: object, *, name: str, options: Options) -> None:
    """A set without depth, and what the module of `convert` says of it."""
    from semcom.prepare.add_images import add_pictures  # which imports this module

    check_options("--with", options)
    title, licence, citation = said(convert)
    named = dataclasses.replace(given, title=title or name, licence=licence, citation=citation)
    add_pictures(root, named, name=name, options=options)


def _add(
    root: Path, files: Mapping[str, Path], description: Description, *, name: str, check_up: bool, crops: bool
) -> None:
    """Look at every frame, then copy and register."""
    log.info("reading every frame of %s", next(iter(files.values())).parent)
    with open_files(files, description) as source:
        seen, rows = survey(source), source.rows
    if check_up:
        seen.check_orientation()
    description = description.model_copy(update={"crop": seen.crop() if crops else None})
    place(root, name, files, description)
    train = sum(row.split == "train" for row in rows)
    log.info(
        "data/%s: %d frames (%d train, %d test) of %dx%d pixels, %d groups, depth in metres; %s",
        *(name, len(rows), train, len(rows) - train, *seen.size),
        *(len({row.group for row in rows}), _border_text(seen) if crops else "nothing is cropped"),
    )
    log.info(
        "registered as data/%s.dvc, version %s. Use it: `data: %s` in a params file. "
        "Keep the version: git add data/%s.dvc data/.gitignore",
        *(name, data_version(root, name), name, name),
    )


def place(root: Path, name: str, files: Mapping[str, Path], description: Description) -> None:
    """Copy beside the place, then swap folders and register."""
    folder = root / "data" / name
    new = folder.with_name(f".{name}.new.{os.getpid()}")
    try:
        new.mkdir(parents=True)
        for file, path in files.items():
            shutil.copyfile(path, new / file)  # content only: a read-only source gives a writable copy
        write(new, description)
        _swap(root, name, new)
    except OSError as error:
        raise SemcomError(f"cannot copy to {folder}: {error}; nothing was added") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _swap(root: Path, name: str, new: Path) -> None:
    """Put `new` in the place of data/`name` and `dvc add` it; on any failure all is put back."""
    folder, entry = root / "data" / name, root / "data" / f"{name}.dvc"
    old = folder.with_name(f".{name}.old.{os.getpid()}")
    known = entry.read_bytes() if entry.exists() else None
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
        done = dvc.call(root, "add", f"data/{name}")
        if done.returncode:
            raise SemcomError(f"`dvc add data/{name}` failed: {dvc.fault(done)}; nothing was added")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if old.exists():
            old.rename(folder)
        if known is None:
            entry.unlink(missing_ok=True)
        else:
            entry.write_bytes(known)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _border_text(seen: Survey) -> str:
    if seen.border is None:
        return "no white border, so nothing is cropped"
    width = ", ".join(f"{side} {pixels:.1f}" for side, pixels in seen.border.items())
    return f"white border ({width} px) cropped"
