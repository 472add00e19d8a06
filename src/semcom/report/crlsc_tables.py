"""The second system's results, read and averaged over seeds."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.files import RAW
from semcom.params.crlsc.section import MENTOR
from semcom.report.checked import check_there, table
from semcom.report.tables import over_seeds

OF = ("study", "system", "method")
PROBE_KEY = ("target", "space", "head", "fraction", "metric")
PROBE = (*OF, "encoder", "seed", *PROBE_KEY, "labels", "value")
SPENT = (
    "images_seen", "multiply_adds", "forward_multiply_adds", "parameters", "seconds", "peak_bytes",
)  # fmt: skip
HISTORY = (*OF, "encoder", "seed", "epoch", "metric", "value")
SIZE = (*OF, "seed", "form", "trained", "vectors", "trained_on", "dim", "cosine", "bytes")
PAIR = ("space", "shared_images", "owner", "guest", "head", "metric")
CONSENSUS = (*OF, "seed", *PAIR, "exchanged_bytes", "value", "own_value")
SUMMARY = ["mean", "half_width", "seeds"]


def read(folder: Path, entry: CrlscReportEntry) -> dict[str, pd.DataFrame]:
    """`accuracy`, `training`, `bases` and `consensus`: a mean with its 95 % interval a row.

    Args:
        folder: `results/STUDY`.
        entry: what there is.

    Raises:
        SemcomError: a file is missing, or is not what its name says.
    """
    return {
        "accuracy": _accuracy(folder / "crlsc/probe", entry),
        "training": _training(folder / "crlsc/local", entry),
        "bases": _bases(folder / "crlsc/shared", entry),
        "consensus": _consensus(folder / "crlsc/consensus", entry),
    }


def trained(entry: CrlscReportEntry) -> list[tuple[str, str]]:
    """Method and encoder of every local training."""
    return [(name, encoder) for name, said in entry.methods.items() for encoder in said.encoders]


def _all(
    paths: Mapping[Path, Mapping[str, object]], columns: tuple[str, ...], key: tuple[str, ...]
) -> pd.DataFrame:
    """The rows of all files."""
    check_there(list(paths))
    found = [table(p, columns, place=place, key=key, may_lack=True) for p, place in paths.items()]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(columns))


def _places(
    entry: CrlscReportEntry, pairs: list[tuple[str, str]], folder: Path, file: str
) -> dict[Path, Mapping[str, object]]:
    return {
        folder / file.format(method=method, encoder=encoder, seed=seed): {
            "study": entry.study,
            "method": method,
            "encoder": encoder,
            "seed": seed,
        }
        for (method, encoder), seed in product(pairs, entry.seeds)
    }


def _accuracy(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    mentor = [(MENTOR, way) for way in (RAW, *entry.bases)]
    paths = _places(entry, [*trained(entry), *mentor], folder, "{method}/{encoder}/seed{seed}.csv")
    return over_seeds(_all(paths, PROBE, PROBE_KEY), ("method", "encoder", *PROBE_KEY))


def _training(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """What each training took, and the metrics of its last epoch."""
    pairs = trained(entry)
    spent = _all(
        _places(entry, pairs, folder, "{method}/{encoder}/seed{seed}/cost.csv"),
        (*OF, "encoder", "seed", *SPENT),
        ("seed",),
    ).melt(["method", "encoder", "seed"], SPENT, "metric", "value")
    history = _all(
        _places(entry, pairs, folder, "{method}/{encoder}/seed{seed}/history.csv"),
        HISTORY,
        ("epoch", "metric"),
    )
    last = history[history["epoch"] == history.groupby(["method", "encoder"])["epoch"].transform("max")]
    last = last[~last["metric"].isin(SPENT)]
    rows = pd.concat([spent, last[["method", "encoder", "seed", "metric", "value"]]], ignore_index=True)
    return over_seeds(rows, ("method", "encoder", "metric"))


def _bases(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """Bytes as shipped and mean cosine of each base."""
    paths = {
        folder / f"{base}/seed{seed}/size.csv": {"study": entry.study, "method": base, "seed": seed}
        for base, seed in product(entry.bases, entry.seeds)
    }
    rows = _all(paths, SIZE, ("seed",)).rename(columns={"method": "base"})
    long = rows.melt(["base", "form", "trained", "seed"], ["bytes", "vectors", "cosine"], "metric", "value")
    return over_seeds(long, ("base", "form", "trained", "metric"))


def _consensus(folder: Path, entry: CrlscReportEntry) -> pd.DataFrame:
    """The matrix of every method that has one; `difference` is to the guest's own head."""
    paths = {
        folder / f"{method}/seed{seed}.csv": {"study": entry.study, "method": method, "seed": seed}
        for method, seed in product(entry.consensus, entry.seeds)
    }
    rows = _all(paths, CONSENSUS, PAIR)
    by = ("method", *PAIR, "exchanged_bytes")
    if rows.empty:
        return pd.DataFrame(columns=[*by, *SUMMARY, "difference", "difference_half_width"])
    made = over_seeds(rows, by)
    apart = over_seeds(rows.assign(value=rows["value"] - rows["own_value"]), by)
    return made.assign(difference=apart["mean"], difference_half_width=apart["half_width"])
