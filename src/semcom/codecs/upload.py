"""What it costs to send all training images once, instead of training over the link.

At capacity no message needs more channel uses than bits / C, and no scheme sends it in fewer. Over the real
link blocks are sent again until they arrive (the receiver knows which are lost, and says so free of charge),
so that a block takes 1 / (1 - BLER) tries on average.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from semcom.channel.digital import bounds
from semcom.channel.digital.adaptive import Choice, choose
from semcom.channel.digital.table import Curve, Outside
from semcom.files.errors import SemcomError


class Upload(NamedTuple):
    """What one way to upload costs.

    Attributes:
        uses: complex channel uses, retransmissions included (their mean).
        blocks: code words without retransmissions; 0 at capacity.
        choice: the scheme over the real link; None at capacity.
    """

    uses: float
    blocks: int
    choice: Choice | None


def at_capacity(payload_bytes: int, *, snr_db: float, channel: str = "awgn") -> Upload:
    """Channel uses that `payload_bytes` bytes take at least.

    Args:
        payload_bytes: of all images together.
        snr_db: mean Es/N0 in dB.
        channel: `awgn`, or `rayleigh`: the ergodic capacity, with the gain known to the receiver.
    """
    rate = bounds.capacity(snr_db) if channel == "awgn" else bounds.ergodic_capacity(snr_db)
    return Upload(8 * payload_bytes / float(rate), 0, None)


def over_link(
    payload_bytes: int, *, curves: Sequence[Curve], snr_db: float, outside: Outside = "error"
) -> Upload:
    """Mean channel uses of `payload_bytes` bytes with the best scheme of a list, retransmissions included.

    The images are one stream, cut into blocks; only the last block is filled up.

    Args:
        payload_bytes: of all images together.
        curves: error tables of the schemes.
        snr_db: mean Es/N0 in dB.
        outside: SNR off the chosen table, see `table`.

    Raises:
        SemcomError: no block ever arrives at this SNR, or it is off the table.
    """
    choice = choose(curves, snr_db, objective="goodput", outside=outside)
    scheme = choice.curve.scheme
    if choice.goodput <= 0:
        raise SemcomError(f"at {snr_db:g} dB no block of {scheme} arrives; add a scheme of a lower rate")
    blocks = math.ceil(8 * payload_bytes / scheme.payload_bits)
    return Upload(blocks * scheme.channel_uses / (1 - choice.bler), blocks, choice)
