"""Weights and other tensors on disk: atomic, and the same content always gives the same bytes."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

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
    if not path.exists():
        raise SemcomError(f"there are no weights in {path}; run the job that makes it, or give another file")
    try:
        with zipfile.ZipFile(path) as archive:  # torch does not look at the checksums
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")
        return torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch raises a dozen kinds, depending on where the damage is
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, pickle.UnpicklingError):  # torch advises to run what is in the file
            reason = "it holds something else than tensors, numbers and texts"
        raise SemcomError(
            f"cannot read the weights in {path} ({reason}); remove it and run its job again"
        ) from error


def load_into(module: nn.Module, path: Path, *, part: str | None = None) -> None:
    """Give `module` the weights saved in `path`, or those saved there under the name `part`.

    Raises:
        SemcomError: the file is missing or damaged, or has weights of another network or not finite ones.
    """
    content = load(path, next(module.parameters()).device)
    try:
        module.load_state_dict(content if part is None else content[part])
    except (RuntimeError, TypeError, KeyError, AttributeError) as error:
        name = "" if part is None else f" under {part!r}"
        raise SemcomError(
            f"{path} does not hold{name} the weights of the network that the params describe; remove it and "
            "run its job again"
        ) from error
    check_finite(module, path)


def check_finite(module: nn.Module, path: Path) -> None:
    """Refuse weights of a file that are infinite or no numbers, which would make results that look like some.

    Raises:
        SemcomError: naming the file and the first of them.
    """
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise SemcomError(f"{path}: {name} is not finite; remove it and run its job again")
