"""Calibration of a study's link: what its channel delivers, whatever is sent."""

from pathlib import Path
from typing import Any

from semcom.channel.checks import Row
from semcom.channel.distortion import STATED
from semcom.channel.tolerance import found, out_of_tolerance
from semcom.evaluate.calibrate import link
from semcom.files.atomic import write_text
from semcom.files.tables import write_rows
from semcom.params.entries import CalibrationEntry
from semcom.params.sections import Component, Compute
from semcom.progress import log
from semcom.training.compute import set_up

SNR_DB = (0.0, 10.0, 20.0)
"""Es/N0 in dB at which the channel is measured."""
COLUMNS = ("snr_db", "check", "value", "expected", "tolerance", "draws", "z", "note")


def run(entry: CalibrationEntry, *, table: Path, mark: Path | None = None) -> None:
    """Calibrate one link of a study, on the CPU.

    Args:
        entry: the link's channel.
        table: output, one row a check that applies (`semcom.channel.calibration`), all in tolerance; or, of
            an unchecked channel, figures with an infinite tolerance.
        mark: output, the link's name, which trainings wait for; None: none.

    Raises:
        SemcomError: the link is out of tolerance, so that nothing is to be trained over it.
    """
    set_up(Compute(threads=entry.threads))
    rows = [row for row in _measured(entry.channel) if row["ok"] is not None]
    _check(entry.link_name, rows)
    place: Row = {"study": entry.study, "link": entry.link_name}
    write_rows(table, [{**place, **{name: row[name] for name in COLUMNS}} for row in rows])
    if mark is not None:
        write_text(mark, f"{entry.link_name}\n")
    stated = sum(row["ok"] == STATED for row in rows)
    log.info("%d figures stated, not checked" if stated else "%d checks passed", len(rows))


def _check(link: str, rows: list[Row]) -> None:
    """Refuse a link that is out of tolerance, naming the worst row of each check."""
    bad: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if not row["ok"]:
            bad.setdefault(str(row["check"]), []).append(row)
    lines = [
        found(
            f"link {link}",
            max(some, key=lambda row: abs(row["value"] - row["expected"])),
            others=len(some) - 1,
        )
        for some in bad.values()
    ]
    if lines:
        raise out_of_tolerance([link], "nothing is trained over it", lines)


def _measured(channel: Component) -> list[Row]:
    """The rows of a channel's calibration; what is out of tolerance is measured again, with other draws.

    A right channel fails one check of some forty by chance once in 400 calibrations, and the same draws would
    fail it each time; a wrong one fails twice.
    """
    rows = link(channel, snr_db=SNR_DB)
    if all(row["ok"] is not False for row in rows):
        return rows
    again = link(channel, snr_db=SNR_DB, seed=1)
    return [
        {**second, "note": f"measured twice, at first {first['value']:.4g}"}
        if first["ok"] is False
        else first
        for first, second in zip(rows, again, strict=True)
    ]
