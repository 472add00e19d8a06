"""Reads the second system's results: tidy tables of every job that the report names, one row a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.linkjobs import channels
from semcom.params.crlsc.section import INT8, MENTOR, RAW
from semcom.report import calibration
from semcom.report.checked import check_there, table

OF = ("study", "system", "method")
PROBE_KEY = ("target", "space", "head", "fraction", "metric")
PROBE = (*OF, "encoder", "seed", *PROBE_KEY, "labels", "value")
SPENT = (
    "images_seen", "multiply_adds", "forward_multiply_adds", "parameters", "seconds", "peak_bytes",
)  # fmt: skip
COST = (*OF, "encoder", "seed", *SPENT)
HISTORY = (*OF, "encoder", "seed", "epoch", "metric", "value")
SIZE = (
    *OF,
    "seed",
    "form",
    "trained",
    "vectors",
    "trained_on",
    "dim",
    "cosine",
    "bytes",
    "bytes_codes",
    "image_bytes",
)
PAIR = ("space", "shared_images", "owner", "guest", "head", "metric")
CONSENSUS = (*OF, "seed", *PAIR, "exchanged_bytes", "value", "own_value")
Places = Mapping[Path, Mapping[str, object]]
"""What each file's rows must say of the job that wrote it."""


@dataclass(frozen=True)
class CrlscResults:
    """All tables of one study, one row an observation."""

    probe: pd.DataFrame
    """Accuracies and other measures of frozen encoders and of the mentor; `labels` is how many there were."""
    cost: pd.DataFrame
    """What each training took."""
    history: pd.DataFrame
    """What each training logged at its last epoch."""
    sizes: pd.DataFrame
    """Of the shared bases, by part."""
    consensus: pd.DataFrame


def trained(entry: CrlscReportEntry) -> list[tuple[str, str]]:
    """Method and encoder of every local training."""
    return [(name, encoder) for name, said in entry.methods.items() for encoder in said.encoders]


def probed(entry: CrlscReportEntry) -> list[tuple[str, str]]:
    """Method and encoder of all that was probed, the mentor's rows at the end."""
    if not entry.targets:
        return []
    ways = [RAW, *([INT8] if entry.mentor_int8 else []), *entry.bases]
    return [*trained(entry), *((MENTOR, way) for way in ways)]


def read(folder: Path, entry: CrlscReportEntry) -> CrlscResults:
    """Read what the jobs of one study wrote.

    Args:
        folder: `results/STUDY`.
        entry: which methods, encoders, bases and seeds there are.

    Raises:
        SemcomError: a file is missing, or is not what its name says.
    """
    below, file = folder / "crlsc", "{method}/{encoder}/seed{seed}"
    local, pairs = below / "local", trained(entry)
    probe = _all(_places(entry, probed(entry), below / "probe", file + ".csv"), PROBE, PROBE_KEY)
    history = _all(_places(entry, pairs, local, file + "/history.csv"), HISTORY, ("epoch", "metric"))
    by = ["method", "encoder", "seed", "metric"]
    last = history.groupby(by)["epoch"].transform("max")
    sizes = {
        below / f"shared/{base}/seed{seed}/size.csv": _place(entry, base, seed)
        for base, seed in product(entry.bases, entry.seeds)
    }
    consensus = {
        below / f"consensus/{method}/seed{seed}.csv": _place(entry, method, seed)
        for method, seed in product(entry.consensus, entry.seeds)
    }
    return CrlscResults(
        probe=probe.assign(labels=probe["labels"].astype(float)),  # a name of labels in the first system
        cost=_all(_places(entry, pairs, local, file + "/cost.csv"), COST, ("seed",)),
        history=history[history["epoch"] == last],
        sizes=_all(sizes, SIZE, ("seed",)).rename(columns={"method": "base"}),
        consensus=_all(consensus, CONSENSUS, PAIR),
    )


def read_links(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Read what the calibrations of all links measured, one row a check.

    Args:
        folder: `results/STUDY`.
        entry: which links there are.

    Raises:
        SemcomError: a file is missing, or is not what its name says.
    """
    places = channels(entry.images, entry.classify)
    return calibration.read({place.key: folder / place.file for place in places}, entry.study)


def _place(entry: CrlscReportEntry, method: str, seed: int) -> Mapping[str, object]:
    return {"study": entry.study, "method": method, "seed": seed}


def _places(entry: CrlscReportEntry, pairs: list[tuple[str, str]], folder: Path, file: str) -> Places:
    return {
        folder / file.format(method=method, encoder=encoder, seed=seed): {
            **_place(entry, method, seed),
            "encoder": encoder,
        }
        for (method, encoder), seed in product(pairs, entry.seeds)
    }


def _all(paths: Places, columns: tuple[str, ...], key: tuple[str, ...]) -> pd.DataFrame:
    """The rows of all files below one another."""
    check_there(list(paths))
    found = [table(path, columns, place=place, key=key, may_lack=True) for path, place in paths.items()]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns))
