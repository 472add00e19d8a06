"""Reads what the runs of one (method, link, labels) answered to every test frame, all seeds together."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.metrics.classification import accuracy
from semcom.report.checked import check_there, damaged
from semcom.report.compare_choice import Run
from semcom.report.results import path_of, read_sweeps

FRAMES = ("truth", "index", "scene")
ARRAYS = ("predicted", "truth", "index", "group", "budgets", "snr_db")


@dataclass(frozen=True)
class Answers:
    """Which test frames were named right."""

    right: NDArray[np.float32]
    """Share of the channel draws with the right class (budgets, SNRs, seeds, N)."""
    truth: NDArray[np.integer]
    """Class of every frame (N,)."""
    index: NDArray[np.integer]
    """Number of every frame in its data set (N,)."""
    scene: NDArray[np.integer]
    """Scene (group) of every frame (N,)."""
    budgets: list[int]
    snr_db: list[int]
    files: list[Path]


def read(folder: Path, study: str, run: Run, seeds: Sequence[int]) -> Answers:
    """The answers of all seeds, checked against the accuracies of the same jobs' sweeps.

    Args:
        folder: `results/STUDY`.
        study: its name.
        run: method, link and labels.
        seeds: the seeds, in the order in which they are wanted.

    Raises:
        SemcomError: a file is missing or damaged, or seeds differ in frames, budgets, Es/N0 or draws.
    """
    places = [{"study": study, **run._asdict(), "seed": seed} for seed in seeds]
    paths = [path_of(folder / "evaluate", place, "predictions.npz") for place in places]
    check_there(paths)
    jobs = [_arrays(path) for path in paths]
    for job, place, path in zip(jobs, places, paths, strict=True):
        _check_sweep(job, folder, place, path)
        _check_alike(job, path, jobs[0], paths[0])
    first = jobs[0]
    return Answers(
        right=np.stack(
            [(job["predicted"] == job["truth"]).mean(2, dtype=np.float32) for job in jobs], axis=2
        ),
        truth=first["truth"],
        index=first["index"],
        scene=first["group"],
        budgets=first["budgets"].tolist(),
        snr_db=first["snr_db"].tolist(),
        files=paths,
    )


def check_frames(a: Answers, b: Answers) -> None:
    """Raises: SemcomError: the two were not tested on the same frames."""
    for name in FRAMES:
        _check_same(name, getattr(a, name), getattr(b, name), a.files[0], b.files[0])


def _arrays(path: Path) -> dict[str, NDArray[np.integer]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, f"cannot be read ({str(error).strip() or type(error).__name__})") from error
    frames = arrays["truth"].shape
    shapes = {name: array.shape for name, array in arrays.items()}
    whole = all(array.dtype.kind in "iu" for array in arrays.values())
    fitting = (
        len(frames) == 1
        and arrays["predicted"].ndim == 4
        and arrays["predicted"].size > 0
        and shapes["index"] == shapes["group"] == frames
        and shapes["predicted"] == (*shapes["budgets"], *shapes["snr_db"], shapes["predicted"][2], *frames)
    )
    if not (whole and fitting):
        kinds = "" if whole else "are no whole numbers or "
        raise damaged(path, f"has arrays that {kinds}do not go together ({shapes})")
    return {name: array if name == "predicted" else array.astype(np.int64) for name, array in arrays.items()}


def _check_sweep(
    job: Mapping[str, NDArray[np.integer]], folder: Path, place: Mapping[str, object], path: Path
) -> None:
    """The sweep of the same job must say what the predictions say."""
    sweep = path_of(folder / "evaluate", place, "sweep.csv")
    rows = read_sweeps(folder, [place], job["budgets"].tolist())
    rows = rows[rows["metric"] == "accuracy"].sort_values(["budget_epochs", "snr_db", "draw"])
    order = np.ix_(np.argsort(job["budgets"]), np.argsort(job["snr_db"]))
    own = accuracy(job["predicted"], job["truth"])[order].ravel()
    said = rows["value"].to_numpy(dtype=float)
    if own.shape != said.shape or not np.allclose(own, said, rtol=0, atol=1e-6):
        raise SemcomError(
            f"{path} and {sweep} do not say the same accuracies; remove both and run snakemake again"
        )


def _check_alike(
    job: Mapping[str, NDArray[np.integer]], path: Path, first: Mapping[str, NDArray[np.integer]], other: Path
) -> None:
    for name, array in zip(FRAMES, ("truth", "index", "group"), strict=True):
        _check_same(name, job[array], first[array], path, other)
    for name in ("budgets", "snr_db"):
        if not np.array_equal(job[name], first[name]):
            raise SemcomError(
                f"{path} has {name} {job[name].tolist()}, but {other} {first[name].tolist()}; "
                "remove the one that is not as the params file says, and run snakemake again"
            )


def _check_same(name: str, a: NDArray[np.integer], b: NDArray[np.integer], path: Path, other: Path) -> None:
    if not np.array_equal(a, b):
        counts = f"{len(a)} and {len(b)} frames" if len(a) != len(b) else f"the {name} of frames differs"
        raise SemcomError(
            f"{path} and {other} were not tested on the same frames ({counts}): they cannot be paired; run "
            "snakemake, which evaluates anew what belongs to another version of the data"
        )
