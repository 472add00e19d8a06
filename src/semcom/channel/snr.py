"""Signal-to-noise ratios: decibels to noise variance and back, once, at the edge; one definition to another.

Ours is Es/N0: energy of a complex channel use over the noise variance N0 of a complex channel use. Others:

- Eb/N0: energy of an information bit; Es = (information bits a channel use) · Eb.
- Er/N0: energy of a real dimension over N0. A channel use has two, so Es/N0 is 3.01 dB more. (What code
  delivers that gives each *real* value power 1 and noise of variance N0/2, and calls 1/N0 its SNR.)
- real SNR: power of a real dimension over the noise variance N0/2 of that dimension. With a signal in both
  dimensions it is Es/N0 itself; with a signal in one (BPSK on a real channel), Es/N0 is 3.01 dB less.
"""

import math
from typing import TypeVar

import torch
from torch import Tensor

from semcom.channel.labels import LABELS as LABELS
from semcom.files.errors import SemcomError

Db = TypeVar("Db", float, Tensor)
_TWO_DB = 10 * math.log10(2)


def n0_from_db(es_n0_db: Tensor | float) -> Tensor:
    """Noise variance per complex channel use at unit symbol power.

    Args:
        es_n0_db: Es/N0 in dB, any shape.

    Returns:
        n0 = 10^(-es_n0_db/10) of that shape; fp32 unless a float64 tensor is given.
    """
    return torch.pow(10.0, -torch.as_tensor(es_n0_db) / 10)


def db_from_n0(n0: Tensor | float) -> Tensor:
    """Es/N0 in dB of noise variance n0 > 0 per complex channel use at unit symbol power."""
    return -10 * torch.log10(torch.as_tensor(n0))


def es_n0_db_from_eb_n0_db(eb_n0_db: Db, *, bits_per_use: float) -> Db:
    """Es/N0 in dB of Eb/N0 in dB.

    Args:
        eb_n0_db: Eb/N0 in dB.
        bits_per_use: information bits a complex channel use, > 0: code rate × bits a symbol. Where pilots
            count as channel uses, they count here.

    Raises:
        SemcomError: `bits_per_use` is not positive.
    """
    return eb_n0_db + _bits_db(bits_per_use)


def eb_n0_db_from_es_n0_db(es_n0_db: Db, *, bits_per_use: float) -> Db:
    """Undo `es_n0_db_from_eb_n0_db`."""
    return es_n0_db - _bits_db(bits_per_use)


def es_n0_db_from_er_n0_db(er_n0_db: Db) -> Db:
    """Es/N0 in dB of Er/N0 in dB: two real dimensions a channel use."""
    return er_n0_db + _TWO_DB


def er_n0_db_from_es_n0_db(es_n0_db: Db) -> Db:
    """Undo `es_n0_db_from_er_n0_db`."""
    return es_n0_db - _TWO_DB


def es_n0_db_from_real_snr_db(real_snr_db: Db, *, real_dimensions: int) -> Db:
    """Es/N0 in dB of an SNR per real dimension in dB.

    Args:
        real_snr_db: power of a used real dimension over the noise variance N0/2 of it.
        real_dimensions: how many of a channel use's two real dimensions carry signal, 1 or 2.

    Raises:
        SemcomError: `real_dimensions` is neither.
    """
    return real_snr_db - _unused_db(real_dimensions)


def real_snr_db_from_es_n0_db(es_n0_db: Db, *, real_dimensions: int) -> Db:
    """Undo `es_n0_db_from_real_snr_db`."""
    return es_n0_db + _unused_db(real_dimensions)


def _bits_db(bits_per_use: float) -> float:
    if not bits_per_use > 0:
        raise SemcomError(f"{bits_per_use} information bits a channel use; give a number > 0")
    return 10 * math.log10(bits_per_use)


def _unused_db(real_dimensions: int) -> float:
    if real_dimensions not in (1, 2):
        raise SemcomError(
            f"{real_dimensions} of a channel use's 2 real dimensions cannot be used; give 1 or 2"
        )
    return 0.0 if real_dimensions == 2 else _TWO_DB
