"""Error tables at a glance: the SNR that each scheme needs, beside what no scheme could do without."""

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from semcom.channel.digital import finite
from semcom.channel.digital.table import Curve

TARGET = 1e-2


def overview(curves: Sequence[Curve]) -> Table:
    """One row a curve, ordered by channel, length and rate.

    Columns: the SNR at block error rates of 10 % and 1 %; the SNR below which no code of any length has the
    scheme's rate at capacity, or over block Rayleigh fading at an outage of 1 %; the gap in dB to the normal
    approximation at 1 % (AWGN, from 50 channel uses on).
    """
    table = Table(title="Es/N0 in dB per complex channel use")
    table.add_column("scheme", no_wrap=True)
    table.add_column("channel", no_wrap=True)
    for name in ("uses", "bits", "10 % lost", "1 % lost", "no code below", "gap to best"):
        table.add_column(name, justify="right")
    order = sorted(curves, key=lambda c: (c.channel, c.scheme.channel_uses, c.scheme.efficiency))
    for curve in order:
        scheme = curve.scheme
        table.add_row(
            scheme.name,
            curve.channel,
            str(scheme.channel_uses),
            str(scheme.payload_bits),
            f"{curve.snr_db_at(0.1):.2f}",
            f"{curve.snr_db_at(TARGET):.2f}",
            f"{limit_db(curve):.2f}",
            _gap(curve),
        )
    return table


def limit_db(curve: Curve) -> float:
    """Es/N0 in dB that a code of any length needs for the scheme's rate: capacity, or an outage of 1 %."""
    power = 2**curve.scheme.efficiency - 1
    if curve.channel == "rayleigh":
        power /= -np.log1p(-TARGET)
    return float(10 * np.log10(power))


def _gap(curve: Curve) -> str:
    short = 2 * curve.scheme.channel_uses < finite.LEAST_DIMENSIONS
    return "" if short or curve.channel != "awgn" else f"{finite.gap_db(curve, bler=TARGET):.2f}"
