"""The second system's part of a report: tables, a figure and a page, from the files of its jobs."""

from pathlib import Path

from semcom.files.atomic import write_text
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.progress import log
from semcom.report import crlsc_figure, crlsc_tables, crlsc_text, figures
from semcom.report.stamp import Stamp, write_provenance, write_table


def run(results: Path, entry: CrlscReportEntry, output: Path) -> None:
    """Write the second system's part of a report.

    Args:
        results: the study's folder, `results/STUDY`.
        entry: what it covers.
        output: folder of the report.

    Raises:
        SemcomError: a result is missing or damaged, or `output` cannot be written.
    """
    stamp = Stamp.of(entry)
    made = crlsc_tables.read(results, entry)
    for name, table in made.items():
        write_table(output / f"crlsc_{name}.csv", table, stamp)
    drawn = crlsc_figure.draw(made["accuracy"], entry, foot=stamp.line())
    figures.save(drawn, output / "crlsc_accuracy", stamp.text())
    write_provenance(output / "crlsc_provenance.json", entry, stamp)
    write_text(output / "crlsc.md", crlsc_text.page(made, entry, stamp=stamp))
    log.info("report: %s", output / "crlsc.md")
