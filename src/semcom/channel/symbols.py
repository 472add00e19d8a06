"""Pairs of real features as complex channel uses, and back."""

import torch
from torch import Tensor

from semcom.files.errors import SemcomError


def to_complex(reals: Tensor) -> Tensor:
    """Take neighbouring reals x0, x1, x2, x3 … as complex channel uses x0 + j x1, x2 + j x3 and so on.

    Args:
        reals: (..., 2k). Half precision is widened to fp32: there is no half-precision channel.

    Returns:
        (..., k) complex64, or complex128 from float64.

    Raises:
        SemcomError: the last dimension is odd or empty.
    """
    width = reals.shape[-1] if reals.ndim else 0
    if width < 2 or width % 2:
        raise SemcomError(
            f"{width} real values do not pair up into complex channel uses; "
            "give the head an output of 2 x channel_uses"
        )
    wide = reals.float() if reals.dtype in (torch.float16, torch.bfloat16) else reals
    return torch.view_as_complex(wide.unflatten(-1, (width // 2, 2)).contiguous())


def to_real(symbols: Tensor) -> Tensor:
    """Undo `to_complex`: (..., k) complex to (..., 2k) real."""
    return torch.view_as_real(symbols).flatten(-2)
