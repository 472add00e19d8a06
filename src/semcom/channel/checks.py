"""The calibration's checks: each looks at measured blocks and makes one row."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from semcom.channel import laws
from semcom.channel.blocks import Blocks

Row = dict[str, object]
Array = NDArray[np.float64]

Z = 4.0
"""Standard errors that chance may take: a right channel fails a check once in 16,000 times."""
RATES = (0.5, 1.0, 2.0)
"""Bits per channel use at which outage is looked at."""
_CIRCLE = -math.log(math.erfc(Z / math.sqrt(2)))
"""What n |mean|^2 of n independent directions exceeds with the same probability."""
_DB = 10 / math.log(10)


@dataclass(frozen=True)
class Claim:
    """What a channel is said to be.

    Attributes:
        k_factor: linear Rician factor: 0 is Rayleigh, infinity no fading.
        csi: what the receiver knows of the gain; with `none` a received block still has the channel's gain.
        constraint: who scales symbols to power 1: the `caller`, so that a louder sample has a higher SNR, or
            the `function`, so that all have the SNR asked.
        law: of gain and noise: Rician fading (or none) with Gaussian noise, or the channel's `own`, of which
            only the mean power of noise beside that of the gain is known. A class may also say `unchecked`:
            then it is held to nothing (`semcom.channel.distortion`).
    """

    k_factor: float = math.inf
    csi: Literal["none", "receiver", "estimated"] = "none"
    constraint: Literal["caller", "function"] = "caller"
    law: Literal["rician", "own"] = "rician"

    @classmethod
    def of(cls, channel: object) -> Self:
        """What a channel says of itself in `k_factor`, `csi` and `law`; without them, that it is AWGN.

        It is taken at its word: `distortion.claim_of` refuses words that there are not.
        """
        return cls(
            k_factor=getattr(channel, "k_factor", math.inf),
            csi=getattr(channel, "csi", "none"),
            law=getattr(channel, "law", "rician"),
        )

    @property
    def fades(self) -> bool:
        """Whether the gain changes from block to block."""
        return not math.isinf(self.k_factor)

    @property
    def gain_is_visible(self) -> bool:
        """Whether the least-squares gain is the channel's own, not what an equaliser left of it."""
        return self.constraint == "caller" and (self.csi == "none" or not self.fades)


def row(check: str, value: float, expected: float, tolerance: float, draws: int, error: float) -> Row:
    """A row of the table; `error` is the standard error of `value`."""
    z = (value - expected) / error if error > 0 else math.copysign(math.inf, value - expected)
    z = 0.0 if value == expected else z
    ok = abs(value - expected) <= tolerance
    return {
        "check": check,
        "value": value,
        "expected": expected,
        "tolerance": tolerance,
        "draws": draws,
        "z": z,
        "ok": ok,
        "note": "",
    }


def not_applicable(check: str, why: str) -> Row:
    """The row of a check that says nothing here."""
    empty = dict.fromkeys(["value", "expected", "tolerance", "draws", "z"], math.nan)
    return {"check": check, **empty, "ok": None, "note": why}


def ratio_db(check: str, values: Array, expected: float, tolerance_db: float) -> Row:
    """The mean of positive `values` in dB beside the expected mean in dB."""
    mean = float(values.mean())
    error = _DB * _error(values) / mean if mean > 0 else math.inf
    value = _DB * math.log(mean) if mean > 0 else -math.inf
    return row(
        check, value, expected, Z * error if tolerance_db is None else tolerance_db, len(values), error
    )


def by_chance(check: str, values: Array, expected: float) -> Row:
    """The mean of `values` beside the expected one, within what chance allows."""
    error = _error(values)
    return row(check, float(values.mean()), expected, Z * error, len(values), error)


def mean_snr_db(check: str, blocks: Blocks, expected: float, tolerance_db: float) -> Row:
    """Mean power of the gain over mean power of the noise, in dB: whatever the laws of the two.

    Args:
        check: its name.
        blocks: sent at one amplitude over a channel that leaves the gain as it is.
        expected: in dB.
        tolerance_db: or what chance allows, if that is more.
    """
    signal = np.abs(blocks.gain) ** 2 * blocks.power - blocks.noise / blocks.uses
    ratio = signal.mean() / blocks.noise.mean()
    error = _DB * _error(signal / signal.mean() - blocks.noise / blocks.noise.mean())
    value = _DB * math.log(ratio) if ratio > 0 else -math.inf
    return row(check, value, expected, max(tolerance_db, Z * error), len(signal), error)


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / math.sqrt(len(values)))


def _direction(check: str, values: NDArray[np.complex128]) -> Row:
    """The length of a complex mean that should be zero."""
    length = float(abs(values.mean()))
    error = float(np.sqrt((np.abs(values) ** 2).mean() / len(values)))
    return row(check, length, 0.0, math.sqrt(_CIRCLE) * error, len(values), error)


def _correlation(check: str, a: Array, b: Array) -> Row:
    value = float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else 0.0
    error = 1 / math.sqrt(len(a))
    return row(check, value, 0.0, Z * error, len(a), error)


def on_gain(blocks: Blocks, claim: Claim, snr: float, tolerance_db: float) -> Iterator[Row]:
    """Checks of the gain, on blocks of power 1.

    Args:
        blocks: sent at power 1.
        claim: what the channel is said to be.
        snr: Es/N0 asked, linear.
        tolerance_db: on the mean power of the gain.
    """
    if claim.gain_is_visible:
        power = np.abs(blocks.gain) ** 2 - blocks.noise / blocks.power / blocks.uses
        yield ratio_db("gain_power_db", power, 0.0, tolerance_db)
    else:
        why = "scaled inside" if claim.constraint == "function" else "equalised"
        yield not_applicable("gain_power_db", f"the gain is {why}; the delivered SNR has it")
    product, mean = blocks.half_snr.prod(1), float(blocks.snr.mean())
    influence = product / mean**2 - 2 * product.mean() / mean**3 * (blocks.snr - mean) - 1
    yield by_chance("amount_of_fading", influence, laws.amount_of_fading(claim.k_factor))
    yield from _fading(blocks, claim, laws.MeasuredSnr(blocks.uses, snr, claim.k_factor))
    yield _phase(blocks, claim)
    yield by_chance("block_constancy", blocks.change, 1.0)
    relative = blocks.snr_seen / blocks.power
    yield _correlation("next_block", np.log(relative[:-1]), np.log(relative[1:]))


def _fading(blocks: Blocks, claim: Claim, law: laws.MeasuredSnr) -> Iterator[Row]:
    outages = {f"outage_{rate:g}": 2**rate - 1 for rate in RATES}
    if not claim.fades:
        yield from (not_applicable(name, "no fading") for name in ["spread_db", *outages])
        return
    in_db = 10 * np.log10(blocks.snr_seen)
    spread, squares = float(in_db.std()), (in_db - in_db.mean()) ** 2
    error = _error(squares) / (2 * spread)
    yield row("spread_db", spread, law.spread_db(), Z * error, len(in_db), error)
    for (name, limit), rate in zip(outages.items(), RATES, strict=True):
        value, expected = float((blocks.snr_seen < limit).mean()), law.below(limit)
        error = math.sqrt(expected * (1 - expected) / len(in_db))
        exact = laws.outage(rate, n0=1 / law.snr, k_factor=claim.k_factor)
        yield row(name, value, expected, Z * error, len(in_db), error) | {
            "note": f"{exact:.6g} for blocks without end"
        }


def _phase(blocks: Blocks, claim: Claim) -> Row:
    turns = blocks.gain / np.abs(blocks.gain)
    if claim.fades and claim.csi == "none":
        # The second harmonic tells a gain of random sign from a phase that is uniform.
        lengths = [_direction("phase_uniform", harmonic) for harmonic in (turns, turns**2)]
        return max(lengths, key=lambda found: abs(float(str(found["z"]))))
    if claim.csi == "estimated":
        return not_applicable("phase_uniform", "the receiver takes off an estimated phase")
    return by_chance("phase_offset_rad", np.angle(blocks.gain), 0.0)


def on_noise(blocks: Blocks, claim: Claim) -> Iterator[Row]:
    """Checks that the noise knows nothing of the signal, on blocks of power 1."""
    yield by_chance("noise_on_symbol", blocks.slope, 0.0) | {
        "note": "1 if noise is multiplied on, or every symbol has another gain"
    }
    if claim.gain_is_visible:
        yield _correlation("noise_on_gain", blocks.noise, np.abs(blocks.gain) ** 2)
    else:
        yield not_applicable("noise_on_gain", "the receiver scales noise and gain alike")
    yield _direction("noise_circularity", blocks.skew)
