"""What is said of links that are out of tolerance: by their calibration, and once more by the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from semcom.files.errors import SemcomError

WAY_OUT = (
    "mend its channel or power constraint (docs/channels.md); if its channel is meant to distort the signal "
    '(erasures, phase noise, clipping, interference), let its class say `law = "unchecked"` (there, Other '
    "laws); then run snakemake again"
)


def found(where: str, row: Mapping[str, Any], *, others: int = 0) -> str:
    """One check that failed.

    Args:
        where: the link, and the run if it is one's.
        row: `check`, `snr_db`, `value`, `expected` and `tolerance` of the worst one.
        others: how many more rows of the check failed.
    """
    more = f" (and {others} more)" if others else ""
    value, expected = (round(float(row[name]), 6) + 0.0 for name in ("value", "expected"))  # no 1e-9 for 0
    return (
        f"{where}: {row['check']} at {row['snr_db']:g} dB is {value:.4g}, not "
        f"{expected:.4g} ± {row['tolerance']:.2g}{more}"
    )


def out_of_tolerance(links: Sequence[str], consequence: str, lines: Sequence[str]) -> SemcomError:
    """The error to raise.

    Args:
        links: names of those that are out of tolerance.
        consequence: what there is not, therefore.
        lines: of `found`.
    """
    head = f"out of tolerance, so {consequence}: link {', '.join(links)}"
    return SemcomError("\n  ".join([head, *lines, WAY_OUT]))
