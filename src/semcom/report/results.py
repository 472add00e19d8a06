"""Reads a study's results: tidy tables of every job that the report's entry names, checked for gaps."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.params.entries import ReportEntry

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
PRETRAINING = (*OF, "seed", "epoch", "metric", "value")

TEXTS = ("study", "system", "method", "link", "labels", "split", "metric", "modality")
"""Columns of names, which stay text even where a name looks like a number."""


@dataclass(frozen=True)
class Results:
    """All tables of one study, one row an observation."""

    sweep: pd.DataFrame
    communication: pd.DataFrame
    retrieval: pd.DataFrame
    pretraining: pd.DataFrame
    choices: pd.DataFrame
    """One row a (method, labels, budget): what tuning chose."""
    chance: float
    """Share of the most frequent class among the test frames."""


def read(folder: Path, entry: ReportEntry, frames: Path) -> Results:
    """Read what the jobs of one study wrote.

    Args:
        folder: `results/STUDY`.
        entry: which methods, links, labels, budgets and seeds.
        frames: the prepared frames, for the share of the most frequent class.

    Raises:
        SemcomError: a file is missing, or is not what its name says.
    """
    seeds = [f"seed{seed}" for seed in entry.seeds]
    links = [f"{link}/{labels}" for link in entry.links for labels in entry.labels]
    trained = [f"{method}/{link}/{seed}" for method in entry.methods for link in links for seed in seeds]
    bases = [*entry.pretrained, "random"] if entry.pretrained else []
    stored = [f"{method}/{seed}" for method in bases for seed in seeds]
    pretrained = [f"{method}/{seed}" for method in entry.pretrained for seed in seeds]
    sweep = _tables([folder / "evaluate" / job / "sweep.csv" for job in trained], SWEEP, entry.budgets)
    costs = [folder / "finetune" / job / "communication.csv" for job in trained]
    return Results(
        sweep=sweep,
        communication=_tables(costs, COMMUNICATION, entry.budgets),
        retrieval=_tables([folder / "knowledge" / job / "retrieval.csv" for job in stored], RETRIEVAL),
        pretraining=_tables([folder / "pretrain" / job / "history.csv" for job in pretrained], PRETRAINING),
        choices=_choices(folder / "tune", entry),
        chance=_chance(frames),
    )


def _tables(paths: Sequence[Path], columns: Sequence[str], budgets: Sequence[int] = ()) -> pd.DataFrame:
    """All of `paths` below one another; the rows of `budgets` where any are given."""
    _check_there(paths)
    tables = [_table(path, columns, budgets) for path in paths]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(columns))


def _table(path: Path, columns: Sequence[str], budgets: Sequence[int]) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values={"value": ["nan", ""]}
        )
    except (ValueError, OSError) as error:
        raise SemcomError(f"{path} is not a table ({error}); remove it and run snakemake again") from error
    lacking = set(columns) - set(table)
    if lacking or table.empty:
        what = f"lacks the columns {', '.join(sorted(lacking))}" if lacking else "has no rows"
        raise SemcomError(f"{path} {what}; remove it and run snakemake again")
    if not budgets:
        return table
    absent = set(budgets) - set(table["budget_epochs"])
    if absent:
        text = ", ".join(map(str, sorted(absent)))
        raise SemcomError(f"{path} lacks the budgets of {text} epochs; remove it and run snakemake again")
    return table[table["budget_epochs"].isin(budgets)]


def _choices(folder: Path, entry: ReportEntry) -> pd.DataFrame:
    places = [(method, labels) for method in entry.methods for labels in entry.labels]
    _check_there([folder / method / labels / "choice.json" for method, labels in places])
    rows = []
    for method, labels in places:
        path = folder / method / labels / "choice.json"
        try:
            choice = json.loads(path.read_text(encoding="utf-8"))
            for budget in entry.budgets:
                options = dict(choice["optimisers"][str(budget)])
                rows.append(
                    {
                        "study": entry.study,
                        "method": method,
                        "labels": labels,
                        "budget_epochs": budget,
                        "optimiser": options.pop("use"),
                        "learning_rate": options.pop("lr"),
                        "validation_accuracy": choice["validation_accuracy"][str(budget)],
                        "options": json.dumps(options, sort_keys=True),
                    }
                )
        except (ValueError, KeyError) as error:
            message = (
                f"{path} names no optimiser for every budget ({error}); remove it and run snakemake again"
            )
            raise SemcomError(message) from error
    return pd.DataFrame(rows)


def _check_there(paths: Sequence[Path]) -> None:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        many = f", and {len(missing) - 1} more of {len(paths)}" if len(missing) > 1 else ""
        raise SemcomError(f"{missing[0]} is missing{many}; run snakemake, which makes what is missing")


def _chance(frames: Path) -> float:
    prepared = Prepared.open(frames)
    test = prepared.scene[~prepared.train]
    if not len(test):
        raise SemcomError(f"{frames} has no test frames; prepare a data set with a test split")
    return float(np.bincount(test).max() / len(test))
