"""What every figure and table of a report says of its origin: data version, params, seeds, commit."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from semcom.files.atomic import write_text
from semcom.files.hashes import digest
from semcom.files.provenance import commit, machine
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.reportentry import ReportEntry


@dataclass(frozen=True)
class Stamp:
    """The origin of a report."""

    study: str
    report: str
    data: str
    """Name and content version; of several sets `name:version`, one after the other."""
    params: str
    """The params file and a digest of what it says."""
    seeds: str
    commit: str

    @classmethod
    def of(cls, entry: ReportEntry | CrlscReportEntry) -> "Stamp":
        """Of the entry, and of the checkout in the working folder."""
        content = digest(json.dumps(entry.params, sort_keys=True))[:8]
        return cls(
            study=entry.study,
            report=entry.report,
            data=entry.data if isinstance(entry, CrlscReportEntry) else f"{entry.data_name} {entry.data}",
            params=f"{entry.params_file or 'given by hand'}, digest {content}",
            seeds=" ".join(map(str, entry.seeds)),
            commit=commit(),
        )

    def line(self) -> str:
        """One line for the foot of a figure."""
        sets = self.data.split() if ":" in self.data else [self.data.replace(" ", ":")]
        digits = 12 if len(sets) == 1 else 8
        named = [f"{name} {version[:digits]}" for name, _, version in (one.partition(":") for one in sets)]
        return " · ".join(
            [
                f"study {self.study}",
                f"data {', '.join(named)}",
                f"params {self.params}",
                f"seeds {self.seeds}",
                f"commit {self.commit}",
            ]
        )

    def comment(self) -> str:
        """`# key: value` lines for the head of a CSV (pandas: `read_csv(…, comment="#")`)."""
        return "".join(f"# {key}: {value}\n" for key, value in asdict(self).items())

    def text(self) -> str:
        """`key: value; …` for a picture's metadata."""
        return "; ".join(f"{key}: {value}" for key, value in asdict(self).items())


def write_table(path: Path, table: pd.DataFrame, stamp: Stamp) -> None:
    """Write a CSV of ten significant digits under the stamp's comment lines, atomically."""
    write_text(path, stamp.comment() + table.to_csv(index=False, float_format="%.10g", lineterminator="\n"))


def write_provenance(path: Path, entry: ReportEntry | CrlscReportEntry, stamp: Stamp) -> None:
    """Write everything that is known of the report's origin as JSON, atomically."""
    content = {
        **asdict(stamp),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "entry": entry.model_dump(mode="json"),
    }
    write_text(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
