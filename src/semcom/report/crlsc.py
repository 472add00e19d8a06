"""The second system's part of a report: tables, figures and a page, from the files of its jobs.

results/STUDY/crlsc/…/*.csv ─► tables (means, 95 % intervals) ─► CSV, PDF, PNG ─► crlsc.md
"""

from pathlib import Path

from semcom.files.atomic import write_text
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.progress import log
from semcom.report import (
    calibration,
    crlsc_bytes,
    crlsc_claims,
    crlsc_classify,
    crlsc_classify_figures,
    crlsc_computing,
    crlsc_figures,
    crlsc_generalisation,
    crlsc_images,
    crlsc_images_best,
    crlsc_images_training,
    crlsc_needs,
    crlsc_page,
    crlsc_tables,
    figures,
)
from semcom.report.crlsc_results import read, read_links
from semcom.report.stamp import Stamp, write_provenance, write_table


def run(results: Path, entry: CrlscReportEntry, output: Path) -> None:
    """Write the second system's part of a report.

    Args:
        results: the study's folder, `results/STUDY`.
        entry: what it covers.
        output: folder of the report.

    Raises:
        SemcomError: a result is missing or damaged, a link is out of tolerance, or `output` cannot be
            written.
    """
    entry = crlsc_tables.by_kind(entry)
    found, stamp = read(results, entry), Stamp.of(entry)
    measured = calibration.calibration(read_links(results, entry))
    calibration.check(measured)
    images = crlsc_images.by_seed(results, entry)
    made = {
        "accuracy": crlsc_tables.accuracy(found),
        "differences": crlsc_tables.differences(found, entry),
        "bases": crlsc_tables.bases(found, entry),
        "training": crlsc_tables.training(found),
        "labels": crlsc_needs.labels(found, entry),
        "computing": crlsc_computing.computing(found, entry),
        "consensus": crlsc_tables.consensus(found),
        "exchange": crlsc_bytes.exchange(found, entry),
        "joining": crlsc_bytes.joins(found, entry),
        "images": crlsc_images.swept(images),
        "images_best": crlsc_images_best.best(images, entry.images),
        "images_training": crlsc_images_training.last(results, entry),
        "calibration": measured,
    }
    classified = crlsc_classify.drawn(results, entry)
    made["classify"] = crlsc_classify.by_pair(classified)
    made["classify_means"] = crlsc_classify.by_group(classified)
    made["generalisation"] = crlsc_generalisation.generalisation(classified, entry)
    made["claims"] = crlsc_claims.claims(
        results,
        entry,
        found,
        labels=made["labels"],
        computing=made["computing"],
        images=images,
        classified=classified,
    )
    for name, table in made.items():
        write_table(output / f"crlsc_{name}.csv", table, stamp)
    foot = stamp.line()
    drawn = {}
    if entry.targets:
        drawn["accuracy"] = crlsc_figures.accuracy(made["accuracy"], entry, foot=foot)
    if entry.bases and entry.targets:
        drawn["bases"] = crlsc_figures.bytes_accuracy(made["bases"], entry, foot=foot)
    if entry.consensus:
        drawn["consensus"] = crlsc_figures.across(made["consensus"], entry, foot=foot)
    drawn |= crlsc_images.figures_of(made["images"], entry, foot=foot)
    drawn |= crlsc_classify_figures.drawn_of(classified, entry, foot=foot)
    for name, figure in drawn.items():
        figures.save(figure, output / f"crlsc_{name}", stamp.text())
    write_provenance(output / "crlsc_provenance.json", entry, stamp)
    write_text(output / "crlsc.md", crlsc_page.page(made, entry, stamp=stamp))
    log.info("report: %s", output / "crlsc.md")
