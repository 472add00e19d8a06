"""Sends payloads of frames over a digital link: losses drawn from the error table, or each block really sent.

    frames' bits ─► blocks of one or several frames ─► lost or not ─► frames' bits, and which are lost

A receiver is taken to know which blocks are lost (`Tally.undetected` says how often the code's own checks
would not have told it). Frames in one block are lost together.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from semcom.channel.digital.adaptive import Choice, Objective, check, choose
from semcom.channel.digital.table import Curve, Outside
from semcom.channel.digital.transceiver import Transceiver
from semcom.files.errors import SemcomError
from semcom.params.scheme import Scheme


class Delivered(NamedTuple):
    """What arrived of N frames.

    Attributes:
        bits: (N, B) float32 of 0 and 1; those of a lost frame are 0 if losses were drawn, and as the decoder
            left them if blocks were sent.
        lost: (N,) whether the frame's block is lost.
        choice: the scheme and its block error rate by the table.
    """

    bits: Tensor
    lost: Tensor
    choice: Choice


@dataclass(frozen=True)
class DigitalLink:
    """One scheme, or a list of which the best is taken at each SNR.

    Attributes:
        curves: error table of each scheme, all of one channel.
        frames_per_block: frames in one code word; more of them make a longer, better code, and share its
        fate. objective: what "best" means, see `adaptive`.
        outside: SNR off the table, see `table`.

    Raises:
        SemcomError: the schemes do not go together.
    """

    curves: tuple[Curve, ...]
    frames_per_block: int = 1
    objective: Objective = "goodput"
    outside: Outside = "error"

    def __post_init__(self) -> None:
        check(self.curves, objective=self.objective)
        if self.frames_per_block < 1:
            raise SemcomError(f"{self.frames_per_block} frames a block: at least 1 is needed")

    def __str__(self) -> str:
        several = f", {self.frames_per_block} frames a code word" if self.frames_per_block > 1 else ""
        schemes = " or ".join(str(curve.scheme) for curve in self.curves)
        return f"{schemes} over {self.curves[0].channel}{several}"

    def choose(self, snr_db: float) -> Choice:
        """The scheme that is sent at a mean Es/N0."""
        return choose(self.curves, snr_db, objective=self.objective, outside=self.outside)

    def payload(self, scheme: Scheme) -> int:
        """Bits of one frame that fit."""
        return scheme.payload_bits // self.frames_per_block

    def lost(self, frames: int, *, snr_db: float, generator: torch.Generator) -> Tensor:
        """Draw which of `frames` frames are lost, (frames,) bool on the CPU, from the table."""
        blocks = -(-frames // self.frames_per_block)
        drawn = torch.rand(blocks, generator=generator) < self.choose(snr_db).bler
        return drawn.repeat_interleave(self.frames_per_block)[:frames]

    def send(
        self, bits: Tensor, *, snr_db: float, generator: torch.Generator, exact: bool = False
    ) -> Delivered:
        """Send the bits of frames.

        Args:
            bits: (N, B) of 0 and 1, B bits a frame; a block's spare bits are filled up with 0.
            snr_db: mean Es/N0 in dB.
            generator: on the CPU, of the losses or of noise and gains.
            exact: code, send and decode each block instead of drawing its fate.

        Raises:
            SemcomError: more bits than fit, or an SNR off the table.
        """
        choice = self.choose(snr_db)
        room = self.payload(choice.curve.scheme)
        if bits.shape[-1] > room:
            raise SemcomError(
                f"a frame of {bits.shape[-1]} bits does not fit into {choice.curve.scheme}, which has room "
                f"for {room} "
                f"bits a frame ({self.frames_per_block} frames a block)"
            )
        if exact:
            return self._send_exactly(bits, choice, snr_db, generator)
        lost = self.lost(len(bits), snr_db=snr_db, generator=generator)
        return Delivered(bits.float().masked_fill(lost.unsqueeze(-1), 0.0), lost, choice)

    def _send_exactly(
        self, bits: Tensor, choice: Choice, snr_db: float, generator: torch.Generator
    ) -> Delivered:
        scheme, share = choice.curve.scheme, self.frames_per_block
        frames, width = bits.shape
        blocks = -(-frames // share)
        slots = torch.zeros(blocks * share, self.payload(scheme))
        slots[:frames, :width] = bits
        payload = torch.nn.functional.pad(
            slots.view(blocks, -1), (0, scheme.payload_bits - share * self.payload(scheme))
        )
        if scheme not in self._transceivers:
            self._transceivers[scheme] = Transceiver(scheme)
        transceiver = self._transceivers[scheme]
        decoded = torch.cat(
            [
                transceiver.send(part, snr_db=snr_db, channel=choice.curve.channel, generator=generator).bits
                for part in payload.split(transceiver.batch)
            ]
        )
        lost = (decoded != payload).any(-1).repeat_interleave(share)[:frames]
        arrived = decoded[:, : slots.numel() // blocks].reshape(slots.shape)[:frames, :width]
        return Delivered(arrived, lost, choice)

    @cached_property
    def _transceivers(self) -> dict[Scheme, Transceiver]:
        """Built when first needed: a code takes a while."""
        return {}
