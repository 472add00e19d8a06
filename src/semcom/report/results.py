"""Reads a study's results: tidy tables of every job that the report's entry names, checked for gaps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.params.reportentry import ReportEntry
from semcom.params.tasks import SCENE
from semcom.report import calibration
from semcom.report.checked import check_there, damaged, table

OF = ("study", "system", "method")
PLACE = (*OF, "link", "labels", "budget_epochs", "seed")
SWEEP = (*PLACE, "snr_db", "draw", "metric", "value")
COMMUNICATION = (
    *PLACE,
    "rounds",
    "uplink_uses",
    "downlink_uses",
    "uplink_bits",
    "downlink_bits",
    "pretrain_uses",
)
RETRIEVAL = (*OF, "seed", "modality", "neighbours", "frames", "accuracy", "bytes", "vectors", "dim")
UPLOAD = (
    "study", "link", "codec", "quality", "frames", "modalities", "payload_bytes", "file_bytes",
    "psnr_rgb_db", "psnr_depth_db", "snr_db", "payload_uses_capacity", "payload_uses_link",
    "file_uses_capacity", "file_uses_link", "scheme", "bler",
)  # fmt: skip
PRETRAINING = (*OF, "seed", "epoch", "metric", "value")
SHARES = (
    "accuracy",
    "balanced_accuracy",
    "ece",
    "retrieval_accuracy",
    "lost_blocks",
    "map",
    "macro_f1",
    "chance",
)
"""Metrics in 0..1."""

Place = Mapping[str, object]
"""Study, method, seed and, of trained links, link and labels of one job."""


@dataclass(frozen=True)
class Results:
    """All tables of one study, one row an observation."""

    sweep: pd.DataFrame
    """Of analog links."""
    digital: pd.DataFrame
    """Sweeps of digital links: budget 0 stands for encoders as pre-training left them."""
    communication: pd.DataFrame
    once: pd.DataFrame
    """What a digital link's training features cost, sent once beside the fine-tuning."""
    upload: pd.DataFrame
    """What sending all training images once takes, one row a digital link and quality."""
    retrieval: pd.DataFrame
    pretraining: pd.DataFrame
    calibration: pd.DataFrame
    """One row a check of a link's channel."""
    choices: pd.DataFrame
    """One row a (method, link that is tuned on, labels, budget): what tuning chose."""
    majority: float
    """Share of the most frequent scene class among the test frames."""
    chance: dict[str, float]
    """What knowing nothing scores, by analog link: of scenes the share of the most frequent class among the
    test frames, of another task what its sweeps say of it, if they do."""


def read(folder: Path, entry: ReportEntry, frames: Path) -> Results:
    """Read what the jobs of one study wrote.

    Args:
        folder: `results/STUDY`.
        entry: which methods, links, labels, budgets and seeds.
        frames: the prepared frames, for the share of the most frequent class.

    Raises:
        SemcomError: a file is missing, is not what its name says, or does not go with the others.
    """
    places = list(product(entry.methods, entry.links, entry.labels, entry.seeds))
    trained = [
        {"study": entry.study, "method": method, "link": link, "labels": labels, "seed": seed}
        for method, link, labels, seed in places
    ]
    stored, pretrained = (
        [{"study": entry.study, "method": method, "seed": seed} for method in methods for seed in entry.seeds]
        for methods in (entry.bases, entry.pretrained)
    )
    sweep = read_sweeps(folder, trained, entry.budgets)
    digital = [
        {"study": entry.study, "method": method, "link": name, "labels": labels, "seed": seed}
        for name, link in entry.digital.items()
        for method, labels, seed in product(link.methods or (), entry.labels, entry.seeds)
    ]
    once = _tables(folder / "evaluate", "communication.csv", digital, COMMUNICATION, ["budget_epochs"])
    costs = _tables(
        folder / "finetune", "communication.csv", trained, COMMUNICATION, ["budget_epochs"], entry.budgets
    )
    retrieval = _tables(folder / "knowledge", "retrieval.csv", stored, RETRIEVAL, ["modality"])
    key = ["epoch", "metric"]
    history = _tables(folder / "pretrain", "history.csv", pretrained, PRETRAINING, key, may_lack=True)
    return Results(
        sweep=sweep,
        digital=_of_budgets(read_sweeps(folder, digital, ()), entry),
        communication=_joined(costs, COMMUNICATION),
        once=_of_budgets(_joined(once, COMMUNICATION), entry),
        upload=_joined(_uploads(folder / "upload", entry), UPLOAD),
        retrieval=_joined(retrieval, RETRIEVAL),
        pretraining=_joined(history, PRETRAINING),
        calibration=calibration.read(
            {link: folder / f"calibration/{link}.csv" for link in entry.links}, entry.study
        ),
        choices=_choices(folder / "tune", entry),
        majority=(majority := _majority(frames)),
        chance=_chances(sweep, entry, majority),
    )


def read_sweeps(folder: Path, places: Sequence[Place], budgets: Sequence[int]) -> pd.DataFrame:
    """The sweeps of several jobs below one another.

    Args:
        folder: `results/STUDY`.
        places: study, method, link, labels and seed of every job.
        budgets: those whose rows are wanted; none: all.

    Raises:
        SemcomError: a file is missing or damaged, or jobs of one link swept different Es/N0 or draws.
    """
    key = ["budget_epochs", "snr_db", "draw", "metric"]
    tables = _tables(folder / "evaluate", "sweep.csv", places, SWEEP, key, budgets)
    first: dict[object, tuple[Path, set[object]]] = {}
    for place, rows in zip(places, tables, strict=True):
        path = path_of(folder / "evaluate", place, "sweep.csv")
        share = rows.loc[rows["metric"].isin(SHARES), "value"]
        if (outside := share[~share.between(0, 1)]).size:
            raise damaged(path, f"has a share of {outside.iloc[0]:g}")
        swept = set(rows[["snr_db", "draw"]].drop_duplicates().itertuples(index=False, name=None))
        other, same = first.setdefault(place["link"], (path, swept))
        if swept != same:
            raise damaged(path, f"and {other} sweep different Es/N0 or numbers of draws")
    return _joined(tables, SWEEP)


def path_of(folder: Path, place: Place, name: str) -> Path:
    """Where a job's file is below the folder of its stage."""
    names = [str(place[part]) for part in ("method", "link", "labels") if part in place]
    return folder.joinpath(*names, f"seed{place['seed']}", name)


def _tables(
    folder: Path,
    name: str,
    places: Sequence[Place],
    columns: Sequence[str],
    key: Sequence[str],
    budgets: Sequence[int] = (),
    *,
    may_lack: bool = False,
) -> list[pd.DataFrame]:
    """The file `name` of each of `places`; the rows of `budgets` where any are given."""
    paths = [path_of(folder, place, name) for place in places]
    check_there(paths)
    return [
        table(path, columns, place=place, key=key, budgets=budgets, may_lack=may_lack)
        for path, place in zip(paths, places, strict=True)
    ]


def _of_budgets(rows: pd.DataFrame, entry: ReportEntry) -> pd.DataFrame:
    """Rows of a digital link whose budgets the report covers; 0 is not among its own."""
    return rows[rows["budget_epochs"].isin((0, *entry.budgets))]


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """All tables below one another, in the order in which they are given."""
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(columns))


def _uploads(folder: Path, entry: ReportEntry) -> list[pd.DataFrame]:
    chosen = {name: link.upload for name, link in entry.digital.items() if link.upload}
    check_there([folder / f"{name}.csv" for name in chosen])
    tables = []
    for name, upload in chosen.items():
        path = folder / f"{name}.csv"
        place = {"study": entry.study, "link": name, "codec": upload.codec}
        tables.append(table(path, UPLOAD, place=place, key=["quality"])[list(UPLOAD)])
        if (found := tables[-1]["quality"].tolist()) != list(upload.quality):
            raise damaged(path, f"has the qualities {found}, not {list(upload.quality)}")
    return tables


def _choices(folder: Path, entry: ReportEntry) -> pd.DataFrame:
    links = [link for link in entry.links if link not in entry.tuned_on]
    places = list(product(entry.methods, links, entry.labels))
    check_there([folder.joinpath(*place, "choice.json") for place in places])
    rows = []
    for method, link, labels in places:
        path = folder / method / link / labels / "choice.json"
        metric = entry.measure(link).metric
        try:
            choice = json.loads(path.read_text(encoding="utf-8"))
            for budget in entry.budgets:
                options = dict(choice["optimisers"][str(budget)])
                rows.append(
                    {
                        "study": entry.study,
                        "method": method,
                        "link": link,
                        "labels": labels,
                        "budget_epochs": budget,
                        "optimiser": options.pop("use"),
                        "learning_rate": options.pop("lr"),
                        "metric": metric,
                        "validation": choice[f"validation_{metric}"][str(budget)],
                        "options": json.dumps(options, sort_keys=True),
                    }
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(path, f"names no optimiser for every budget ({error})") from error
    return pd.DataFrame(rows)


def _chances(sweep: pd.DataFrame, entry: ReportEntry, majority: float) -> dict[str, float]:
    said = sweep[sweep["metric"] == "chance"].groupby("link")["value"].mean()
    scenes = [link for link, settings in entry.links.items() if settings.task.get("use") == SCENE]
    return {str(link): float(value) for link, value in said.items()} | dict.fromkeys(scenes, majority)


def _majority(frames: Path) -> float:
    prepared = Prepared.open(frames)
    test = prepared.scene[~prepared.train]
    if not len(test):
        raise SemcomError(f"{frames} has no test frames; prepare a data set with a test split")
    return float(np.bincount(test).max() / len(test))
