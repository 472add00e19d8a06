"""The Es/N0 of each training sample: fixed, uniform over a range, or one of a list."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from semcom.files.errors import SemcomError

TrainSnr = float | Mapping[str, Sequence[float]]
"""`10`, `{"uniform": [0, 20]}` or `{"choice": [0, 5, 10]}`, in dB."""


def draw_snr_db(
    train_snr_db: TrainSnr,
    count: int,
    *,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Draw an Es/N0 for every sample of a batch.

    Args:
        train_snr_db: as in a params file; a fixed one draws nothing.
        count: number of samples.
        generator: source of the draws, on `device`.
        device: of the result.

    Returns:
        (count,) Es/N0 in dB, fp32; `snr.n0_from_db(…).view(-1, 1, 1)` goes with symbols (count, devices, k).

    Raises:
        SemcomError: `train_snr_db` is none of the three forms.
    """
    if isinstance(train_snr_db, int | float):
        return torch.full((count,), float(train_snr_db), device=device)
    match dict(train_snr_db):
        case {"uniform": [low, high], **rest} if not rest and low < high:
            return low + (high - low) * torch.rand(count, generator=generator, device=device)
        case {"choice": [_, *_] as choices, **rest} if not rest:
            which = torch.randint(len(choices), (count,), generator=generator, device=device)
            return torch.tensor(choices, dtype=torch.float32, device=device)[which]
    raise SemcomError(
        f"train_snr_db: {train_snr_db} is neither a number nor {{uniform: [low, high]}} with low < high "
        "nor {choice: [first, second, …]}"
    )
