"""What the Snakefile does before Snakemake makes its table of jobs: check params, data version, folders."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semcom.files.errors import SemcomError
from semcom.params import claims, datafacts, faults, keys, tasks
from semcom.params.dataversion import data_version
from semcom.params.jobs import Jobs
from semcom.params.schema import Study, load, own_classes


def start(config: Mapping[str, Any], *, files: Sequence[str | Path], root: Path) -> Jobs:
    """The jobs of the study that `config`, the content of `files`, describes.

    Args:
        config: Snakemake's config.
        files: the params files that it came from; named in the report.
        root: the repository, where `data.dvc` is.

    Raises:
        SemcomError: a key that stands twice, faults in the params, or a data set that is not registered
            or lacks what a method needs.
    """
    names = named_once(files, root)
    study = load(config)
    version = data_version(root, study.data)
    faults.refuse(datafacts.lacking(study, root))
    claimed = {}
    if study.claims:
        path = root / f"params/claims/{study.claims}.yaml"
        claimed = claims.load(path)
        tasks.check_claims(claimed, study.links, path.relative_to(root))
    return Jobs(study, version, names, claimed)


def named_once(files: Sequence[str | Path], root: Path) -> str:
    """Names of the params files below `root`, none of which has a key twice.

    Raises:
        SemcomError: naming file, line and key.
    """
    names = [os.path.relpath(file, root) for file in files]
    for file, name in zip(files, names, strict=True):
        keys.check_once(Path(file), str(file) if name.startswith("..") else name)
    return ", ".join(n for n in names if not n.startswith(".."))


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


def check_own_classes(study: Study) -> None:
    """Import the classes of users' own packages that a study names, so that no job finds out after hours.

    Raises:
        SemcomError: as `check_classes`.
    """
    check_classes(own_classes(study))


def check_classes(named: Mapping[str, str]) -> None:
    """Import classes, `package.module:Class` by their place in the params file.

    In a process of its own, as a module may import torch; a study without such classes costs nothing.

    Raises:
        SemcomError: naming the place in the params file, the module's own error and its line.
    """
    if not named:
        return
    command = [sys.executable, "-m", "semcom.params.imports", *sorted(set(named.values()))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing was said"]
        raise SemcomError(
            f"importing {', '.join(sorted(set(named.values())))} ended Python with exit code "
            f"{done.returncode} ({said[0]}); a module must only define things when it is imported"
        )
    wrong = json.loads(done.stdout.splitlines()[-1])
    lines = [f"{place}: {wrong[use]}" for place, use in named.items() if use in wrong]
    if lines:
        raise SemcomError("\n  ".join([f"{len(lines)} fault{'s' * (len(lines) > 1)} in the params:", *lines]))
