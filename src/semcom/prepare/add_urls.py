"""Register files of NYU Depth V2 from their public addresses, by `dvc import-url`.

data/NAME/dataset.json                     ours, in git
data/NAME/nyu_depth_v2_labeled.mat.dvc     address and md5, in git; the file itself is DVC's
data/NAME/splits.mat                       small files given beside an address, in git
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare import dvc
from semcom.prepare.claim import claimed
from semcom.prepare.description import Description, write
from semcom.prepare.identify import MAT, SPLITS, Depth, identify
from semcom.prepare.source import open_files
from semcom.prepare.survey import survey
from semcom.progress import log

SCHEMES = ("http", "https", "ftp", "s3", "gs", "ssh")
SMALL = 2**20
"""Bytes of a local file that git may keep."""


def is_url(text: str) -> bool:
    """Whether `text` is an address rather than a path."""
    return "://" in text and urlsplit(text).scheme in SCHEMES


def add_urls(
    root: Path, sources: Sequence[str], *, name: str, depth: Depth = "filled", check_up: bool = True
) -> None:
    """Download, check every frame, and register data/`name` with the addresses it came from.

    Args:
        root: the repository.
        sources: addresses; and paths of small files that go with them, such as splits.mat.
        name: the folder in data/.
        depth: of the .mat, its holes filled in or not.
        check_up: False trusts the frames' orientation.

    Raises:
        SemcomError: the name is taken; DVC cannot get an address; or the files are not what they should be.
    """
    with claimed(root, name):
        _fill(root, sources, root / "data" / name, depth, check_up)
        version = data_version(root, name)
    log.info(
        "data/%s is registered with its addresses, version %s. Use it: `data: %s` in a params file. "
        "Keep the version: git add data/%s. A new version at the source: dvc update data/%s/*.dvc",
        *(name, version, name, name, name),
    )


def _fill(root: Path, sources: Sequence[str], folder: Path, depth: Depth, check_up: bool) -> None:
    """Get and check everything beside the place; git must not ignore it, or DVC refuses its .dvc files."""
    new = folder.with_name(f".{folder.name}.urls.{os.getpid()}")
    try:
        new.mkdir(parents=True)
        for source in sources:
            _get(root, source, new)
        _describe(new, depth, check_up)
        if folder.exists():
            folder.rmdir()
        new.rename(folder)
    except OSError as error:
        raise SemcomError(f"cannot write {folder}: {error}; nothing was added") from None
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _get(root: Path, source: str, folder: Path) -> None:
    file = Path(urlsplit(source).path if is_url(source) else source).name
    target = folder / file
    if not file or target.exists():
        raise SemcomError(f"{source}: {'no file is named' if not file else 'a second file of that name'}")
    if not is_url(source):
        path = Path(source)
        if not path.is_file() or path.stat().st_size > SMALL:
            fault = "too large for git" if path.is_file() else "no file"
            raise SemcomError(
                f"{source} is {fault}: beside an address, paths "
                f"are for small files such as {SPLITS}; give its address too, or paths alone"
            )
        shutil.copyfile(path, target)
        return
    log.info("getting %s", source)
    done = dvc.call(root, "import-url", source, target.relative_to(root).as_posix())
    if done.returncode:
        raise SemcomError(
            f"DVC cannot get {source}: {dvc.fault(done)}; nothing was added. If the server cannot be "
            f"reached from here, bring the file by other means and add it by its path"
        )


def _describe(folder: Path, depth: Depth, check_up: bool) -> None:
    files, description = identify([folder], depth=depth)
    names = {key: path.name for key, path in files.items()}
    if description.format == "nyuv2_mat":
        changes = {"mat": names[MAT], "splits": names[SPLITS]}
        if description.objects:
            changes["objects"] = names[description.objects]
        description = Description.model_validate(description.model_dump() | changes)
    paths = {name: folder / name for name in description.files()}
    log.info("reading every frame")
    with open_files(paths, description) as source:
        seen = survey(source)
    if check_up:
        seen.check_orientation()
    write(folder, description.model_copy(update={"crop": seen.crop()}))
