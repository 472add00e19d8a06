"""The report of a study: figures, tables and a page of text, from the files of its jobs and nothing else.

results/STUDY/…/*.csv, *.json ─► tables (means, 95 % intervals) ─► CSV, PDF, PNG ─► report.md
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from semcom.files.atomic import write_text
from semcom.params.reportentry import ReportEntry
from semcom.progress import log
from semcom.report import (
    calibration,
    changing,
    changing_figure,
    claims,
    conditions,
    conditions_figure,
    figures,
    learnt,
    tables,
    text,
)
from semcom.report.results import Results, read
from semcom.report.stamp import Stamp, write_provenance, write_table


def run(results: Path, entry: ReportEntry, frames: Path, output: Path) -> None:
    """Write the report of a study.

    Args:
        results: the study's folder, `results/STUDY`.
        entry: what the report covers.
        frames: the prepared frames.
        output: folder of the report.

    Raises:
        SemcomError: a result is missing or damaged, a link is out of tolerance, or `output` cannot
            be written.
    """
    found = read(results, entry, frames)
    stamp = Stamp.of(entry)
    made = {
        "accuracy_snr": tables.accuracy_snr(found, entry),
        "accuracy_uses": tables.accuracy_uses(found, entry),
        "summary": tables.summary(found, entry),
        "cost": tables.cost(found, entry),
        "digital": tables.digital(found, entry),
        "upload": found.upload,
        "retrieval": tables.retrieval(found),
        "pretraining": tables.pretraining(found),
        "calibration": calibration.calibration(found.calibration, found.sweep),
        "optimisers": found.choices,
    }
    made["conditions"] = conditions.summary(conditions.read(results, entry, found.sweep), found.sweep, entry)
    made |= changing.tables(results, entry, found)
    made["learnt"] = learnt.learnt(results, entry)
    made["claims"] = claims.claims(results, entry, made["cost"])
    calibration.check(made["calibration"])
    for name, table in made.items():
        if name != "learnt" or entry.learnt:
            write_table(output / f"{name}.csv", table, stamp)
    _draw(made, entry, output, found=found, stamp=stamp)
    write_provenance(output / "provenance.json", entry, stamp)
    page = text.page(made, entry, chance=found.chance, majority=found.majority, stamp=stamp)
    write_text(output / "report.md", page)
    log.info("report: %s", output / "report.md")


def _draw(
    made: Mapping[str, pd.DataFrame], entry: ReportEntry, output: Path, *, found: Results, stamp: Stamp
) -> None:
    """Write the figures of the tables."""
    foot, chance = stamp.line(), found.chance
    snr = figures.accuracy_snr(made["accuracy_snr"], entry, chance=chance, foot=foot)
    figures.save(snr, output / "accuracy_snr", stamp.text())
    uses = figures.accuracy_uses(
        made["accuracy_uses"], entry, uploads=made["upload"], chance=chance, foot=foot
    )
    figures.save(uses, output / "accuracy_uses", stamp.text())
    if entry.conditions_of:
        drawn = conditions_figure.draw(
            made["conditions"], made["accuracy_snr"], entry, chance=chance, foot=foot
        )
        figures.save(drawn, output / "conditions_snr", stamp.text())
    if entry.learnt:
        drawn = learnt.figure(made["learnt"], entry, chance=found.majority, foot=foot)
        figures.save(drawn, output / "learnt", stamp.text())
    for name in entry.changing:
        total = changing_figure.running_total(made["regain"], name, entry, foot=foot)
        figures.save(total, output / f"changing_{name}", stamp.text())
