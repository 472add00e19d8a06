"""The error table: block and bit error rates of one scheme on one channel over SNR, as measured.

A file has one row an SNR. Between rows the block error rate is interpolated, where its curve is nearly a
straight line: in Q⁻¹ of the rate over dB on AWGN, in log(-log(1 - rate)) over block Rayleigh fading, where an
outage of 1 - exp(-c/SNR) is exactly one. Outside the rows there is nothing: see `Outside`.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtr, ndtri

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.files.tables import write_rows
from semcom.params.scheme import Scheme

Floats = NDArray[np.float64]
Outside = Literal["error", "bound"]
"""SNR off the table: an error, or stated upper bounds: below the first row every block is lost, above the
last row as many as that row's upper limit says."""
LEVEL = 0.95
HIGHEST, LOWEST = 0.9, 0.5
"""Block error rates between which a whole table surely goes."""
KIND = ("modulation", "code", "payload_bits", "channel_uses", "channel")
COUNTS = ("snr_db", "blocks", "block_errors")


@dataclass(frozen=True)
class Tally:
    """What was counted at one SNR.

    Attributes:
        snr_db: mean Es/N0 per complex channel use.
        blocks: sent.
        block_errors: with at least one wrong payload bit.
        bit_errors: wrong payload bits.
        bit_errors_squared: sum over blocks of the squared number of wrong bits: bit errors come in bursts, so
            that their spread must be measured.
        undetected: wrong blocks whose own checks hold, so that the receiver would not know.
    """

    snr_db: float
    blocks: int = 0
    block_errors: int = 0
    bit_errors: int = 0
    bit_errors_squared: int = 0
    undetected: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.snr_db,
            self.blocks + other.blocks,
            self.block_errors + other.block_errors,
            self.bit_errors + other.bit_errors,
            self.bit_errors_squared + other.bit_errors_squared,
            self.undetected + other.undetected,
        )


def proportion_interval(errors: ArrayLike, trials: ArrayLike) -> tuple[Floats, Floats]:
    """Clopper and Pearson's 95 % interval of a proportion: exact, covers at least 95 %."""
    k, n, tail = np.asarray(errors, np.float64), np.asarray(trials, np.float64), (1 - LEVEL) / 2
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, tail), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - tail), 1.0)
    return low, high


def row(scheme: Scheme, channel: str, tally: Tally) -> dict[str, object]:
    """One row of the file; rates have 6 digits, counts are exact."""
    low, high = proportion_interval(tally.block_errors, tally.blocks)
    bits = tally.blocks * scheme.payload_bits
    mean = tally.bit_errors / tally.blocks
    spread = np.sqrt(max(tally.bit_errors_squared / tally.blocks - mean**2, 0) / tally.blocks)
    half = float(ndtri((1 + LEVEL) / 2) * spread / scheme.payload_bits)
    ber = tally.bit_errors / bits
    return {
        "scheme": scheme.name,
        "modulation": scheme.modulation,
        "code": scheme.code,
        "payload_bits": scheme.payload_bits,
        "code_bits": scheme.code_bits,
        "channel_uses": scheme.channel_uses,
        "channel": channel,
        "snr_db": tally.snr_db,
        "blocks": tally.blocks,
        "block_errors": tally.block_errors,
        "bler": f"{tally.block_errors / tally.blocks:.6g}",
        "bler_low": f"{float(low):.6g}",
        "bler_high": f"{float(high):.6g}",
        "bits": bits,
        "bit_errors": tally.bit_errors,
        "ber": f"{ber:.6g}",
        "ber_low": f"{max(ber - half, 0):.6g}",
        "ber_high": f"{min(ber + half, 1):.6g}",
        "undetected": tally.undetected,
    }


def write(path: Path, scheme: Scheme, channel: str, tallies: Sequence[Tally]) -> None:
    """Write a table, rows in order of SNR."""
    ordered = sorted(tallies, key=lambda tally: tally.snr_db)
    write_rows(path, [row(scheme, channel, tally) for tally in ordered])


@dataclass(frozen=True, eq=False)
class Curve:
    """A measured curve: block error rate of `scheme` on `channel`.

    Attributes:
        scheme: what was sent.
        channel: `awgn` or `rayleigh`.
        snr_db: (P,) increasing.
        blocks: (P,) sent at each SNR.
        errors: (P,) lost of them.
    """

    scheme: Scheme
    channel: str
    snr_db: Floats
    blocks: Floats
    errors: Floats

    def bler(self, snr_db: ArrayLike, *, outside: Outside = "error") -> Floats:
        """Block error rate at any SNR in dB, never rising with it.

        Args:
            snr_db: any shape.
            outside: what to do off the table.

        Raises:
            SemcomError: an SNR is off the table and `outside` is `error`.
        """
        return self._interpolate(self.errors / self.blocks, snr_db, outside)

    def interval(self, snr_db: ArrayLike, *, outside: Outside = "error") -> tuple[Floats, Floats]:
        """95 % limits of `bler`: those of the measured points, interpolated likewise.

        Below the first row the lower limit is that row's (a block error rate never rises with SNR) and the
        upper one 1; above the last row they are 0 and that row's upper limit.
        """
        low, high = proportion_interval(self.errors, self.blocks)
        lower = self._interpolate(low, snr_db, outside)
        below = np.asarray(snr_db) < self.snr_db[0]
        lower = np.where(self.covers(snr_db), lower, np.where(below, falling(low, self.blocks)[0], 0.0))
        return lower, self._interpolate(high, snr_db, outside)

    def covers(self, snr_db: ArrayLike) -> NDArray[np.bool_]:
        """Whether each SNR is within the table."""
        snr = np.asarray(snr_db, np.float64)
        within: NDArray[np.bool_] = (snr >= self.snr_db[0]) & (snr <= self.snr_db[-1])
        return within

    @cached_property
    def last_bound(self) -> float:
        """Upper limit of the block error rate from the last row on."""
        high = proportion_interval(self.errors, self.blocks)[1]
        return float(falling(high, self.blocks)[-1])

    def snr_db_at(self, bler: float) -> float:
        """Mean Es/N0 in dB at which the block error rate falls to `bler`.

        Raises:
            SemcomError: the table does not go through that rate.
        """
        line = self._line(self.errors / self.blocks)
        aim = float(straight(bler, self.channel))
        if not line[-1] <= aim <= line[0]:
            first, last = (float(bent(line[i], self.channel)) for i in (0, -1))
            raise SemcomError(
                f"the error table of {self.scheme} over {self.channel} goes from {first:.2g} to {last:.2g}, "
                f"not through {bler:g}; measure more"
            )
        return float(np.interp(-aim, -line, self.snr_db))

    def _line(self, rates: Floats) -> Floats:
        least = 0.25 / self.blocks  # neither 0 nor 1 is on the line: less than one error in so many blocks
        return straight(np.clip(falling(rates, self.blocks), least, 1 - least), self.channel)

    def _interpolate(self, rates: Floats, snr_db: ArrayLike, outside: Outside) -> Floats:
        snr = np.asarray(snr_db, np.float64)
        covered = self.covers(snr)
        if outside == "error" and not covered.all():
            value = float(np.atleast_1d(snr)[~np.atleast_1d(covered)][0])
            raise SemcomError(
                f"{value:g} dB is off the error table of {self.scheme} over {self.channel}, which has "
                f"{self.snr_db[0]:g} to {self.snr_db[-1]:g} dB; measure more, or take outside='bound': all "
                "lost "
                f"below, at most {self.last_bound:.2g} lost above"
            )
        inside = bent(np.interp(snr, self.snr_db, self._line(rates)), self.channel)
        bounds = np.where(snr < self.snr_db[0], 1.0, self.last_bound)
        result: Floats = np.where(covered, inside, bounds)
        return result


def straight(rate: ArrayLike, channel: str) -> Floats:
    """A block error rate in 0…1 to where its curve over dB is nearly a straight, falling line."""
    line: Floats = ndtri(rate) if channel == "awgn" else np.log(-np.log1p(-np.asarray(rate)))
    return line


def bent(line: ArrayLike, channel: str) -> Floats:
    """Undo `straight`."""
    rate: Floats = ndtr(line) if channel == "awgn" else -np.expm1(-np.exp(line))
    return rate


def falling(rates: Floats, weights: Floats) -> Floats:
    """The closest sequence that never rises (weighted least squares, pool adjacent violators)."""
    pools: list[list[float]] = []  # mean, weight, length
    for rate, weight in zip(rates, weights, strict=True):
        pools.append([float(rate), float(weight), 1])
        while len(pools) > 1 and pools[-2][0] < pools[-1][0]:
            mean, heavy, length = pools.pop()
            first = pools[-1]
            total = first[1] + heavy
            pools[-1] = [(first[0] * first[1] + mean * heavy) / total, total, first[2] + length]
    return np.repeat([pool[0] for pool in pools], [int(pool[2]) for pool in pools])


def read(path: Path) -> Curve:
    """The curve of a table's file.

    Raises:
        SemcomError: it cannot be read, or is no such table, whole and unharmed.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        kinds = {tuple(row[name] for name in KIND) for row in rows}
        if len(kinds) != 1:
            raise ValueError(f"it has rows of {len(kinds)} kinds")
        modulation, code, payload, uses, channel = kinds.pop()
        scheme = Scheme(modulation, code, int(payload), int(uses))
        numbers = np.array([[float(row[name]) for name in (*COUNTS, "bler", "undetected")] for row in rows])
        if said := _wrong(numbers, channel):
            raise ValueError(said)
    except OSError as error:
        raise SemcomError(f"cannot read {path}: {error.strerror}; run `semcom links table` for it") from error
    except (KeyError, ValueError, TypeError, csv.Error, SemcomError) as error:
        raise SemcomError(
            f"{path} is no error table of one scheme on one channel ({error}); remove it, and run "
            "snakemake or `semcom links table` again"
        ) from error
    return Curve(scheme, channel, *numbers[:, : len(COUNTS)].T)


def _wrong(numbers: Floats, channel: str) -> str:
    """What the numbers of a table's rows cannot be, or an empty text."""
    snr_db, blocks, errors, bler, undetected = numbers.T
    if channel not in ("awgn", "rayleigh"):
        return f"its channel is {channel}"
    if not np.isfinite(numbers).all() or (np.diff(snr_db) <= 0).any():
        return "its Es/N0 do not rise, or are not finite"
    if (blocks < 1).any() or (errors < 0).any() or (errors > blocks).any() or (undetected > errors).any():
        return "its counts are impossible"
    if not np.allclose(bler, errors / blocks, rtol=1e-4, atol=1e-9):
        return "its rates are not those of its counts"
    if bler[0] < HIGHEST or bler[-1] > LOWEST:
        return f"it goes from {bler[0]:.3g} to {bler[-1]:.3g} of the blocks lost: rows are missing"
    return ""


def read_all(paths: Sequence[Path], names: Mapping[str, str]) -> tuple[Curve, ...]:
    """The curves of several files, which must be the tables that are wanted.

    Args:
        paths: files, in any order.
        names: names of the tables' files, which say scheme, channel uses and channel; and the first digits of
            their SHA-256, or an empty text.

    Raises:
        SemcomError: a file cannot be read, holds another table, or another content.
    """
    curves = {path: read(path) for path in paths}
    for path, curve in curves.items():
        name = f"{curve.scheme.stem}_{curve.channel}.csv"
        if name not in names:
            raise SemcomError(
                f"{path} is the error table of {curve.scheme} over {curve.channel}, which is none of "
                f"{', '.join(names)}; remove it and run snakemake again"
            )
        if not sha256(path).startswith(names[name]):
            raise SemcomError(f"{path} has changed since the params were read; run snakemake again")
    if len(curves) != len(names):
        raise SemcomError(f"{len(curves)} error tables for {len(names)} schemes: {', '.join(names)}")
    return tuple(curves.values())
