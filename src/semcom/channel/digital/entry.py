"""What `semcom links table` is handed: one error table, as sorted JSON."""

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from semcom.channel.digital.scheme import Scheme, parse
from semcom.params.entries import Strict
from semcom.params.ranges import NonNegativeInt, PositiveInt


class TableEntry(Strict):
    """One scheme on one channel; what decides the numbers, and nothing else."""

    scheme: str
    """MODULATION_CODE_RATE, such as `qpsk_ldpc_1/2`, or MODULATION_CODE with `payload_bits`."""
    channel_uses: PositiveInt
    """Complex channel uses of a block."""
    payload_bits: PositiveInt | None = None
    channel: Literal["awgn", "rayleigh"]
    """`rayleigh` is block Rayleigh fading, one gain a block, known to the receiver."""
    seed: NonNegativeInt = 0
    errors: PositiveInt = 100
    """Lost blocks after which an SNR is done."""
    most_blocks: Annotated[int, Ge(100)] = 20_000
    """Blocks after which an SNR is done in any case."""
    target: Annotated[float, Gt(0), Lt(0.5)] = 0.01
    """Block error rate down to which `errors` are counted."""
    code: str = ""
    """Hash of the code that the job runs."""

    @property
    def block(self) -> Scheme:
        """The scheme, checked.

        Raises:
            SemcomError: it is unknown, or its code cannot have this payload and rate.
        """
        return parse(self.scheme, channel_uses=self.channel_uses, payload_bits=self.payload_bits)
