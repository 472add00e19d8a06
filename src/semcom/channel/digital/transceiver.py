"""A block from payload bits to payload bits, really coded, sent and decoded."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from semcom.channel.awgn import awgn
from semcom.channel.digital import codes, qam
from semcom.channel.fading import block_fading
from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError
from semcom.params.scheme import Scheme

CHANNELS = ("awgn", "rayleigh")
"""`rayleigh`: one gain a block, E|h|² = 1, known to the receiver."""
BATCH_CODE_BITS = 128_000
MOST_BLOCKS = 500


class Decoded(NamedTuple):
    """What came out of N blocks of k payload bits.

    Attributes:
        bits: (N, k) float32 of 0 and 1.
        passed: (N,) whether the code's own checks hold (LDPC: parity checks; polar: CRC; uncoded: always).
    """

    bits: Tensor
    passed: Tensor


class Transceiver:
    """Transmitter and receiver of one scheme."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._code = codes.build(scheme)

    @property
    def batch(self) -> int:
        """Blocks at a time that keep memory small: a decoder holds some kilobytes a code bit."""
        return max(20, min(MOST_BLOCKS, BATCH_CODE_BITS // self.scheme.code_bits))

    @torch.inference_mode()
    def modulate(self, bits: Tensor) -> Tensor:
        """Payload bits (N, k) to symbols (N, channel_uses)."""
        return qam.map_bits(self._code.encode(bits), modulation=self.scheme.modulation)

    @torch.inference_mode()
    def demodulate(self, received: Tensor, n0: Tensor | float, *, gain: Tensor | None = None) -> Decoded:
        """Received symbols (N, channel_uses) to payload bits; `n0` and `gain` as in `qam.demap`."""
        # Without a code the nearest level decides, which is what the closed forms say the error rate of.
        method: Literal["exact", "maxlog"] = "maxlog" if self.scheme.code == "uncoded" else "exact"
        odds = qam.demap(received, n0, modulation=self.scheme.modulation, gain=gain, method=method)
        return Decoded(*self._code.decode(odds))

    def send(self, bits: Tensor, *, snr_db: float, channel: str, generator: torch.Generator) -> Decoded:
        """Payload bits (N, k) over a channel at a mean Es/N0.

        Raises:
            SemcomError: unknown channel.
        """
        n0, symbols = n0_from_db(snr_db), self.modulate(bits)
        if channel == "awgn":
            return self.demodulate(awgn(symbols, n0, generator), n0)
        if channel == "rayleigh":
            faded = block_fading(symbols, n0, generator)
            return self.demodulate(faded.received, n0, gain=faded.gain)
        raise SemcomError(f"a digital link goes over {' or '.join(CHANNELS)}, not {channel!r}")
