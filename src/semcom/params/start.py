"""What the Snakefile does before Snakemake makes its table of jobs: check params, data version, folders."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import claims, keys
from semcom.params.dataversion import data_version
from semcom.params.jobs import Jobs
from semcom.params.schema import load


def start(config: Mapping[str, Any], *, files: Sequence[str | Path], root: Path) -> Jobs:
    """The jobs of the study that `config`, the content of `files`, describes.

    Args:
        config: Snakemake's config.
        files: the params files that it came from; named in the report.
        root: the repository, where `data.dvc` is.

    Raises:
        SemcomError: a key that stands twice, faults in the params, or a data set that is not registered.
    """
    names = [os.path.relpath(file, root) for file in files]
    for file, name in zip(files, names, strict=True):
        keys.check_once(Path(file), str(file) if name.startswith("..") else name)
    study = load(config)
    version = data_version(root, study.data)
    return Jobs(
        study,
        version,
        ", ".join(n for n in names if not n.startswith("..")),
        claims.load(root / f"params/claims/{study.claims}.yaml") if study.claims else {},
    )


def check_writable(folders: Sequence[Path]) -> None:
    """Check that each of `folders` is or can be made a folder that can be written. Makes nothing.

    Raises:
        SemcomError: naming the folder that is in the way.
    """
    for folder in folders:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            raise SemcomError(f"results go to {folder}/, but {there} is a file; move it out of the way")
        if not os.access(there, os.W_OK | os.X_OK):
            raise SemcomError(
                f"results go to {folder}/, but the folder {there} cannot be written; change its owner or "
                "permissions (or make results/ a link to a folder of yours), then run the same command again"
            )
