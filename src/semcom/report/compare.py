"""Compares two methods (or links) of a finished study, from the files of its evaluate jobs.

predictions.npz of A and B ─► difference by frame and seed ─► intervals, Holm, power ─► CSV, figure, words
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semcom.files.atomic import write_text
from semcom.files.errors import SemcomError
from semcom.files.hashes import digest, sha256
from semcom.files.provenance import commit
from semcom.report import compare_figure, compare_text, figures
from semcom.report.compare_choice import chosen, find, pair, seeds_of
from semcom.report.compare_read import check_frames, read
from semcom.report.compare_table import Comparison, nearest, rows, trained_at


def run(
    results: Path,
    study: str,
    a: str,
    b: str,
    *,
    budgets: Sequence[int] = (),
    snr_db: Sequence[int] | None = (),
    seeds: Sequence[int] = (),
    output: Path | None = None,
) -> tuple[str, Path]:
    """Compare, and write `difference.csv`, `.png`, `.pdf` and `compare.md`.

    Args:
        results: folder of all studies.
        study: one of them.
        a: what is compared: a method, a link, or METHOD/LINK/LABELS (`compare_choice.pair`).
        b: its rival.
        budgets: budgets in epochs; none: all that both have.
        snr_db: Es/N0 in dB of the family of comparisons; none: the swept ones nearest to those of training;
            None: all.
        seeds: only these; none: all, which both must have.
        output: folder; None: `results/STUDY/compare/A_vs_B`, and what was chosen behind it, so that another
            choice does not take the place of this one.

    Returns:
        The text of compare.md, and the folder.

    Raises:
        SemcomError: a name is unknown, runs do not pair, there is one seed only, a file is damaged, or the
            folder cannot be written.
    """
    made = compare(results, study, a, b, budgets=budgets, snr_db=snr_db, seeds=seeds)
    choice = {"budget": budgets, "snr": ("all",) if snr_db is None else snr_db, "seed": seeds}
    said = "".join(f"_{name}" + "_".join(map(str, values)) for name, values in choice.items() if values)
    folder = output or results / study / "compare" / f"{'.'.join(made.a)}_vs_{'.'.join(made.b)}{said}"
    text = compare_text.page(made)
    _write(made, folder, text)
    return text, folder


def _write(made: Comparison, folder: Path, text: str) -> None:
    seeds = " ".join(map(str, made.seeds))
    about = {"study": made.study, "a": made.a, "b": made.b, "seeds": seeds, "made of": made.origin}
    head = "".join(f"# {key}: {value}\n" for key, value in about.items())
    table = made.table.to_csv(index=False, float_format="%.10g", lineterminator="\n")
    write_text(folder / "difference.csv", head + table)
    description = "; ".join(f"{key}: {value}" for key, value in about.items())
    figures.save(compare_figure.draw(made), folder / "difference", description)
    write_text(folder / "compare.md", text)


def compare(
    results: Path,
    study: str,
    a: str,
    b: str,
    *,
    budgets: Sequence[int] = (),
    snr_db: Sequence[int] | None = (),
    seeds: Sequence[int] = (),
    trained_db: Sequence[float] = (),
) -> Comparison:
    """The comparison without its files; arguments and errors as for `run`.

    `trained_db` are the Es/N0 of training, where they are known; none: as the study's reports say.
    """
    found = find(results, study)
    run_a, run_b = pair(found, a, b)
    paired = seeds_of(found, run_a, run_b, seeds)
    try:
        own, other = (read(results / study, study, one, paired) for one in (run_a, run_b))
    except SemcomError as error:
        # Snakemake does not miss what only a finished report was made of.
        hint = "if it finds nothing to do, give it the file's path as target"
        raise SemcomError(f"{error} ({hint})") from error
    check_frames(own, other)
    swept = chosen("Es/N0", (), own.snr_db, other.snr_db)
    training: tuple[int, ...] = ()
    if snr_db is not None and not snr_db:
        links = {run_a.link, run_b.link}
        training = nearest(trained_db, swept) or trained_at(results / study, links, swept)
    family = chosen("Es/N0", snr_db or training, own.snr_db, other.snr_db)
    at = "Es/N0 as asked." if snr_db else "All swept Es/N0."
    if training:
        at = "The Es/N0 is the swept one nearest to that of training."
    elif snr_db is not None and not snr_db:
        at = "All swept Es/N0, as no report of this study says at which it trained."
    table = rows(own, other, chosen("budget", budgets, own.budgets, other.budgets), family)
    scenes = len(np.unique(own.scene))
    counts = {"seeds": len(paired), "frames": len(own.truth), "scenes": scenes}
    names = {"study": study, "a": str(run_a), "b": str(run_b), "metric": own.metric}
    for place, (name, value) in enumerate((names | counts).items()):
        table.insert(place, name, value)
    return Comparison(
        study=study,
        metric=own.metric,
        title=own.title,
        a=run_a,
        b=run_b,
        seeds=paired,
        frames=len(own.truth),
        scenes=scenes,
        table=table,
        origin=f"predictions of digest {digest(*map(sha256, own.files + other.files))}, commit {commit()}",
        at=at,
    )
