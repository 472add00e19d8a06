"""The channel codes behind one face. Only this module knows Sionna, and only once a code is built."""

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from semcom.params.scheme import BITS_PER_SYMBOL, Scheme

LDPC_ITERATIONS = 20
"""At most, of flooding belief propagation with the exact check-node update."""
LDPC_LOOKS = (3, 5, 8)
"""Iterations after which blocks whose parity checks all hold are done, as in any real receiver."""
POLAR_LIST = 8
"""Survivors of successive cancellation list decoding, as in 5G's reference curves."""


class Code(Protocol):
    """Encoder and decoder of one scheme."""

    def encode(self, bits: Tensor) -> Tensor:
        """Payload bits (N, k) of 0 and 1 to code bits (N, n), float32."""

    def decode(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """Log-odds (N, n) to payload bits (N, k) and whether the code's own checks hold (N,) bool."""


def build(scheme: Scheme) -> Code:
    """The code of `scheme`. LDPC and polar import Sionna, 3 s."""
    kinds: dict[str, Callable[[Scheme], Code]] = {"ldpc": LDPC, "polar": Polar, "uncoded": Uncoded}
    return kinds[scheme.code](scheme)


class Uncoded:
    """No code: hard decisions, and no check that could fail."""

    def __init__(self, scheme: Scheme) -> None:
        pass

    def encode(self, bits: Tensor) -> Tensor:
        """See `Code`."""
        return bits.float()

    def decode(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """See `Code`."""
        return (odds > 0).float(), torch.ones(len(odds), dtype=torch.bool, device=odds.device)


class LDPC:
    """5G NR LDPC (TS 38.212, 5.3.2) with rate matching and the interleaver of its modulation."""

    def __init__(self, scheme: Scheme) -> None:
        from sionna.phy.fec.ldpc import LDPC5GDecoder, LDPC5GEncoder

        with warnings.catch_warnings():  # of rates over 948/1024; what is allowed is for `Scheme` to say
            warnings.simplefilter("ignore", UserWarning)
            self._encoder = LDPC5GEncoder(
                scheme.payload_bits,
                scheme.code_bits,
                num_bits_per_symbol=BITS_PER_SYMBOL[scheme.modulation],
                device="cpu",
            )
        self._decoder = LDPC5GDecoder(
            self._encoder, v2c_callbacks=[self._look], return_state=True, device="cpu"
        )
        checks = self._decoder.pcm.tocoo()
        places = torch.tensor([checks.row.tolist(), checks.col.tolist()])
        self._checks = torch.sparse_coo_tensor(
            places, torch.ones(checks.nnz), checks.shape, check_invariants=True
        )
        self._beliefs = torch.empty(0)

    def _look(self, messages: Tensor, iteration: Any, beliefs: Tensor) -> Tensor:
        """Remember what the decoder believes of all bits, the punctured ones included."""
        self._beliefs = beliefs
        return messages

    def encode(self, bits: Tensor) -> Tensor:
        """See `Code`."""
        coded: Tensor = self._encoder(bits.float())
        return coded

    def decode(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """See `Code`; the checks are the parity checks of the code."""
        bits = torch.empty(len(odds), self._encoder.k)
        passed = torch.zeros(len(odds), dtype=torch.bool)
        state, done = None, 0
        for look in (*LDPC_LOOKS, LDPC_ITERATIONS):
            rest = torch.nonzero(~passed).squeeze(1)
            if not len(rest):
                break
            bits[rest], state = self._decoder(odds[rest], num_iter=look - done, msg_v2c=state)
            word = (self._beliefs <= 0).float()  # Sionna's sign inside the decoder is the other one
            held = (torch.sparse.mm(self._checks, word.T) % 2 == 0).all(0)
            passed[rest], state, done = held, state[~held], look
        return bits, passed


class Polar:
    """5G NR polar code of the uplink (TS 38.212, 5.3.1), CRC-aided list decoding.

    Sionna leaves out the three parity-check bits that the standard adds for 12 to 19 payload bits.
    """

    def __init__(self, scheme: Scheme) -> None:
        from sionna.phy.fec.polar import Polar5GDecoder, Polar5GEncoder

        with contextlib.redirect_stdout(io.StringIO()):  # it prints what the docstring above says
            self._encoder = Polar5GEncoder(scheme.payload_bits, scheme.code_bits, device="cpu")
            self._decoder = Polar5GDecoder(
                self._encoder, dec_type="SCL", list_size=POLAR_LIST, return_crc_status=True, device="cpu"
            )

    def encode(self, bits: Tensor) -> Tensor:
        """See `Code`."""
        coded: Tensor = self._encoder(bits.float())
        return coded

    def decode(self, odds: Tensor) -> tuple[Tensor, Tensor]:
        """See `Code`; the check is the CRC."""
        bits, passed = self._decoder(odds)
        return bits, passed
