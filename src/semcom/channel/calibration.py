"""The SNR that a link really delivers, measured from what was sent and what was received.

`calibrate` looks at any channel from outside. The tolerance on the SNR is 0.05 dB. Blocks are drawn until
that is four standard errors: a right channel fails once in 16,000 times, and one that is 0.1 dB off passes
as rarely. Other checks allow four standard errors of what was drawn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.channel import checks
from semcom.channel.blocks import Blocks, Channel, measure
from semcom.channel.checks import Claim, Row, Z
from semcom.channel.power import normalise
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError

TOLERANCE_DB = 0.05
AMPLITUDES = (0.3, 1.0, 3.0)
"""Of the samples of a batch, in turn. Their mean power is not 1, so that a level over the batch shows."""
LOUD = 100.0
"""Amplitude of the samples beside which one of amplitude 1 must keep its SNR."""
ROWS = 512
"""Blocks of each amplitude in a batch, few enough for the cache."""
FEWEST, MOST = 20_000, 4_000_000
"""Blocks of each amplitude that are drawn at least, and at most."""


def delivered_snr_db(sent: Tensor, received: Tensor, *, dim: int | tuple[int, ...] = -1) -> Tensor:
    """Measured signal power over measured noise power.

    Args:
        sent: (..., k) complex symbols, broadcastable against `received`.
        received: complex, the same symbols with noise added.
        dim: dimensions to average both powers over: -1 measures each sample and draw on its own, (0, -1)
            of (draws, N, k) each sample over its draws, all of them the whole link.

    Returns:
        10 log10(mean |sent|^2 / mean |received - sent|^2) in dB, without the dimensions `dim`.
    """
    noise = torch.view_as_real(received - sent).square().sum(-1).mean(dim)
    signal = torch.view_as_real(sent.resolve_conj()).square().sum(-1).expand(received.shape).mean(dim)
    return 10 * torch.log10(signal / noise)


def sampling_bound_db(uses: int, *, z: float) -> float:
    """How far a correct link's measured SNR may lie from the one asked, for the finite number of noise draws.

    |w|^2 is exponential, so the measured noise power of `uses` channel uses has the relative standard
    error 1/sqrt(uses).

    Args:
        uses: complex channel uses that were averaged over.
        z: number of standard errors allowed.

    Returns:
        The bound in dB, infinite where z standard errors reach no noise at all.
    """
    share = z / math.sqrt(uses)
    return -10 * math.log10(1 - share) if share < 1 else math.inf


def calibrate(
    channel: Channel,
    *,
    claim: Claim,
    snr_db: Sequence[float] = (0.0, 10.0, 20.0),
    channel_uses: int = 64,
    tolerance_db: float = TOLERANCE_DB,
    generator: torch.Generator,
) -> list[Row]:
    """Measure a channel that is only called, never looked into.

    Args:
        channel: called with symbols (B, k) complex64, n0 (a number; once a tensor (B, 1)) and the generator.
        claim: what it is said to be.
        snr_db: Es/N0 in dB at which to measure, at power 1.
        channel_uses: k, at least 16; more measure each block's noise better.
        tolerance_db: on the SNR and the mean gain; the draws follow from it.
        generator: source of the symbols, handed on to the channel.

    Returns:
        Rows of snr_db, check, value, expected, tolerance, draws (blocks), z, ok and note; where a check does
        not apply, ok is None and the note says why. Units are in the checks' names.

    Raises:
        SemcomError: the channel returns something else, or its SNR is so low that no number of draws will do.
    """
    bench = _Bench(channel, claim, channel_uses, tolerance_db, generator)
    rows: list[Row] = []
    look = bench.own if claim.law == "own" else bench.at
    for one in snr_db:
        rows += [{"snr_db": one, **row} for row in look(10 ** (-one / 10))]
    if claim.law == "own":
        return rows
    return rows + [{"snr_db": snr_db[0], **row} for row in bench.two_in_a_batch(snr_db[0])]


def power_rows(symbols: Tensor, *, tolerance_db: float = TOLERANCE_DB) -> list[Row]:
    """Check the power constraint on the symbols that a system sends: exact, sample by sample.

    Args:
        symbols: (..., k) complex, as they enter the channel.
        tolerance_db: on every sample's power.

    Returns:
        One row: the power per channel use of the sample and device farthest from 1, in dB.
    """
    power = torch.view_as_real(symbols.resolve_conj()).double().square().sum(-1).mean(-1).flatten()
    in_db = 10 * torch.log10(power)
    farthest = float(in_db[in_db.abs().argmax()])
    return [checks.row("power_db_farthest", farthest, 0.0, tolerance_db, len(power), 0.0)]


@dataclass(frozen=True)
class _Bench:
    """A channel, what it claims, and what all its measurements share."""

    channel: Channel
    claim: Claim
    uses: int
    tolerance_db: float
    generator: torch.Generator

    def at(self, n0: float) -> Iterator[Row]:
        """All rows of one noise variance."""
        found = self.enough(n0)
        for amplitude in AMPLITUDES:
            yield self.delivered(found.where(_of(found, amplitude)), n0, f"_amplitude_{amplitude:g}")
        unit = found.where(_of(found, 1.0))
        beside = self.send(n0, (1.0, 1.0, 1.0, LOUD), batches=math.ceil(len(unit.snr) / ROWS / 3))
        yield self.delivered(beside.where(_of(beside, 1.0)), n0, "_beside_loud")
        yield from checks.on_gain(unit, self.claim, 1 / n0, self.tolerance_db)
        yield from checks.on_noise(unit, self.claim)

    def own(self, n0: float) -> Iterator[Row]:
        """All rows of one noise variance of a channel with laws of its own."""
        found = self.send(n0, AMPLITUDES, batches=math.ceil(FEWEST / ROWS))
        if not self.claim.gain_is_visible:
            yield checks.not_applicable("mean_snr_db", "a law of its own, and a receiver that equalises")
        for amplitude in AMPLITUDES if self.claim.gain_is_visible else ():
            blocks = found.where(_of(found, amplitude))
            expected = 10 * math.log10(blocks.power.mean() / n0)
            yield checks.mean_snr_db(
                f"mean_snr_db_amplitude_{amplitude:g}", blocks, expected, self.tolerance_db
            )
        on_noise = list(checks.on_noise(found.where(_of(found, 1.0)), self.claim))
        yield from (row for row in on_noise if row["check"] != "noise_on_gain")  # it may well be

    def delivered(self, blocks: Blocks, n0: float, which: str) -> Row:
        """The mean SNR of blocks that were sent alike."""
        power = blocks.power.mean() if self.claim.constraint == "caller" else 1.0
        expected = 10 * math.log10(power / n0)
        return checks.ratio_db(f"snr_db{which}", blocks.snr, expected, self.tolerance_db)

    def enough(self, n0: float) -> Blocks:
        """Blocks of all amplitudes, so many that the tolerance is Z standard errors of each mean SNR."""
        first = self.send(n0, AMPLITUDES, batches=8)
        needed = float(FEWEST)
        for amplitude in AMPLITUDES:
            snr = first.snr[_of(first, amplitude)]
            error_db = 10 / math.log(10) * snr.std() / max(snr.mean(), 1e-12)
            needed = max(needed, (Z * error_db / self.tolerance_db) ** 2)
        if needed > MOST:
            raise SemcomError(
                f"at {-10 * math.log10(n0):g} dB and {self.uses} channel uses a block, {needed:.1g} blocks "
                f"would tell {self.tolerance_db} dB, more than {MOST:,}; raise the SNR or the channel uses"
            )
        # A tenth more, as the spread itself is measured on few.
        return self.send(n0, AMPLITUDES, batches=math.ceil(1.1 * needed / ROWS))

    def send(self, n0: float | Tensor, amplitudes: Sequence[float], *, batches: int = 1) -> Blocks:
        """Send batches of random symbols, their samples of the amplitudes in turn."""
        shape, device = (ROWS * len(amplitudes), self.uses), self.generator.device
        scale = torch.tensor(amplitudes, device=device).repeat(ROWS).unsqueeze(-1)
        parts = []
        for _ in range(batches):
            drawn = torch.randn(shape, dtype=torch.complex64, device=device, generator=self.generator)
            sent = normalise(drawn) * scale
            with torch.no_grad():
                parts.append(measure(sent, self.channel(sent.clone(), n0, self.generator)))
        return Blocks.join(parts)

    def two_in_a_batch(self, snr_db: float) -> Iterator[Row]:
        """Two SNRs in one batch, sample by sample."""
        asked = (snr_db, snr_db + 10.0)
        n0 = n0_from_db(torch.tensor(asked, device=self.generator.device)).repeat(ROWS).unsqueeze(-1)
        try:
            self.send(n0, (1.0, 1.0))
        except Exception as error:
            why = f"takes one n0 a call ({type(error).__name__})"
            yield checks.not_applicable("snr_db_by_sample", why)
            return
        relative = 1.05 if self.claim.fades else 0.5  # of a block's SNR, standard deviation over mean
        needed = (Z * relative * 10 / math.log(10) / self.tolerance_db) ** 2
        blocks = self.send(n0, (1.0, 1.0), batches=math.ceil(1.1 * needed / ROWS))
        for position, one in enumerate(asked):
            chosen = np.arange(len(blocks.snr)) % 2 == position
            yield self.delivered(blocks.where(chosen), 10 ** (-one / 10), f"_by_sample_{position + 1}")


def _of(blocks: Blocks, amplitude: float) -> NDArray[np.bool_]:
    return np.isclose(blocks.power, amplitude**2, rtol=1e-3)
