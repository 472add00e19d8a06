"""MM-SSL without a unique part: every dimension is to be shared by RGB and depth.

    L = (BT(z_r, z_r') + BT(z_d, z_d') + cross_weight * cross) / 3 / D
    cross = mean over the pairs (z_r, z_d) and (z_r', z_d') of BT

with BT as in `mmssl`, on all D dimensions. It is `mmssl` with shared_fraction = 1 and the same weights: what
differs from `mmssl` is what the unique block does, and nothing else.
"""

from semcom.losses.mmssl import MMSSL
from semcom.params.ranges import NonNegative, Positive

MODALITIES = ("rgb", "depth")
"""What the loss cannot do without; the schema reads it."""


class SharedOnly(MMSSL):
    """Callable; needs both modalities. Terms, logs and errors are those of `MMSSL` without a unique block.

    Args:
        lambd: weight of the off-diagonal sums.
        cross_weight: weight of the cross-modal term.
    """

    name = "shared_only"

    def __init__(self, *, lambd: Positive = 0.0051, cross_weight: NonNegative = 0.5) -> None:
        super().__init__(shared_fraction=1.0, lambd=lambd, cross_weight=cross_weight)
