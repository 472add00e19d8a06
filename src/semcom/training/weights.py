"""Weights and other tensors on disk: atomic, and the same content always gives the same bytes."""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from semcom.files.atomic import atomic
from semcom.files.errors import SemcomError


def save(path: Path, content: Any) -> None:
    """Save tensors, numbers, texts, lists and dicts of them."""
    # Through a buffer: torch names the archive inside the file after the file, and ours has a passing name.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load(path: Path, device: torch.device | str = "cpu") -> Any:
    """What was saved, on `device`.

    Raises:
        SemcomError: the file is missing or damaged.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise SemcomError(
            f"cannot read the weights in {path} ({reason}); remove it and run its job again"
        ) from error
