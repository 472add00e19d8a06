"""Reads what the runs of one (method, link, labels) answered to every test frame, all seeds together."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.report.checked import check_there, damaged
from semcom.report.compare_choice import Run
from semcom.report.results import path_of, read_sweeps

FRAMES = ("truth", "index", "scene")
NUMBERS = ("truth", "index", "group", "budgets", "snr_db")
ACCURACY = "accuracy"


@dataclass(frozen=True)
class Answers:
    """What each test frame adds to what the runs are judged by."""

    metric: str
    """What they are judged by."""
    title: str
    """The same in words."""
    credit: NDArray[np.float32]
    """(budgets, SNRs, seeds, N), whose mean over frames is `metric`: of accuracy the share of the channel
    draws with the right class, of another metric the like of `metrics.average_precision.frame_credit`."""
    truth: NDArray[np.integer]
    """What is true of every frame (N, …)."""
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
        metric=str(first["measure"]),
        title=str(first["title"]),
        credit=np.stack([job["credit"].mean(2, dtype=np.float32) for job in jobs], axis=2),
        truth=first["truth"],
        index=first["index"],
        scene=first["group"],
        budgets=first["budgets"].tolist(),
        snr_db=first["snr_db"].tolist(),
        files=paths,
    )


def check_frames(a: Answers, b: Answers) -> None:
    """Raises: SemcomError: the two have different tasks, or were not tested on the same frames."""
    if (a.metric, a.title) != (b.metric, b.title):
        raise SemcomError(
            f"{a.files[0]} is judged by {a.title}, but {b.files[0]} by {b.title}: compare runs of one task"
        )
    for name in FRAMES:
        _check_same(name, getattr(a, name), getattr(b, name), a.files[0], b.files[0])


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in NUMBERS}
            kept = ("predicted",) if "predicted" in file else ("credit", "measure", "title")
            return arrays | {name: file[name] for name in kept}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(path, f"cannot be read ({str(error).strip() or type(error).__name__})") from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file; `credit` (budgets, SNRs, draws, N), of draws that were averaged a single one."""
    arrays = _load(path)
    answers = arrays["predicted" if "predicted" in arrays else "credit"]
    frames, axes = arrays["index"].shape, (arrays["budgets"].size, arrays["snr_db"].size)
    shapes = {name: array.shape for name, array in arrays.items()}
    whole = all(arrays[name].dtype.kind in "iu" for name in NUMBERS)
    whole &= answers.dtype.kind in ("iu" if "predicted" in arrays else "f")
    fitting = (
        len(frames) == arrays["budgets"].ndim == arrays["snr_db"].ndim == 1
        and answers.size > 0
        and shapes["group"] == shapes["truth"][:1] == frames
    )
    if "predicted" in arrays:
        fitting &= answers.shape == (*axes, *answers.shape[2:3], *frames) and shapes["truth"] == frames
    else:
        fitting &= answers.shape == (*axes, *frames)
    if not (whole and fitting):
        kinds = "" if whole else "are of the wrong kind or "
        raise damaged(path, f"has arrays that {kinds}do not go together ({shapes})")
    numbers = {name: arrays[name].astype(np.int64) for name in NUMBERS}
    if "predicted" in arrays:
        named = {"measure": np.array(ACCURACY), "title": np.array(ACCURACY)}
        return numbers | named | {"credit": answers == numbers["truth"]}
    return numbers | {name: arrays[name] for name in ("measure", "title")} | {"credit": answers[:, :, None]}


def _check_sweep(
    job: Mapping[str, NDArray[Any]], folder: Path, place: Mapping[str, object], path: Path
) -> None:
    """The sweep of the same job must say what the predictions say."""
    sweep = path_of(folder / "evaluate", place, "sweep.csv")
    rows = read_sweeps(folder, [place], job["budgets"].tolist())
    metric = str(job["measure"])
    by = ["budget_epochs", "snr_db", "draw"][: 2 + (job["credit"].shape[2] > 1)]
    said = rows[rows["metric"] == metric].groupby(by)["value"].mean().to_numpy(dtype=float)
    order = np.ix_(np.argsort(job["budgets"]), np.argsort(job["snr_db"]))
    own = job["credit"].mean(-1, dtype=np.float64)[order].ravel()
    if own.shape != said.shape or not np.allclose(own, said, rtol=0, atol=1e-6):
        raise SemcomError(
            f"{path} and {sweep} do not say the same {metric}; remove both and run snakemake again"
        )


def _check_alike(
    job: Mapping[str, NDArray[Any]], path: Path, first: Mapping[str, NDArray[Any]], other: Path
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
