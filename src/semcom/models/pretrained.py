"""Encoders that start from weights trained elsewhere.

    file ─► plain tensors only ─► without classifier ─► every key and shape fits ─► each device's backbone
                                                        depth: first convolution summed over colours

Frames arrive standardised over the data set; they are scaled to what the weights were trained on.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.device import DeviceFrames
from semcom.models.encoder import Encoders, Scaling
from semcom.models.layout import IMAGENET, Layout
from semcom.params.sections import Encoder
from semcom.params.weights import weights_file

COUNTER = "num_batches_tracked"
"""BatchNorm's counters: old files lack them, and nothing here reads them."""
REAL = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
"""Types of numbers that weights may have."""


def initialise(encoders: Encoders, encoder: Encoder, frames: DeviceFrames, *, planned: str | None) -> None:
    """Give `encoders` the weights that `encoder.weights` names; without it nothing happens.

    Args:
        encoders: as `encoder` describes them, for frames of this size.
        encoder: names backbone and weights.
        frames: whose colours the scaling undoes.
        planned: SHA-256 that the file had when the run was planned; None asks for none.

    Raises:
        SemcomError: the file is missing, has changed, is no plain file of weights, or does not fit.
    """
    if encoder.weights is None:
        return
    use = encoder.backbone["use"]
    file = weights_file(encoder.weights, use)
    if planned is not None and sha256(file) != planned:
        raise SemcomError(f"{file} has changed since the run was planned; run the same command again")
    content = read(file)
    for name, net in encoders.backbones.items():
        layout: Layout | None = getattr(net, "layout", None)
        if layout is None:
            raise SemcomError(
                f"the backbone {use} says of no weights how they fit: its class has no `layout`"
            )
        net.load_state_dict(fitted(content, net, layout, file=file, use=use), strict=False)
        scaling = encoders.scaling[name]
        assert isinstance(scaling, Scaling)
        scaling.set(*_scaling(name, layout, frames))


def unpickled(file: Path) -> Any:
    """What torch.save wrote, if it is tensors, numbers, texts, lists and dicts of them.

    Raises:
        SemcomError: the file holds other objects, is damaged, or is no file that torch wrote.
    """
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL (\S+)", str(error))
        what = f"a pickle that asks for {named[1]}" if named else "a pickle or damaged"
        raise SemcomError(
            f"{file} is no file of plain weights but {what}, which could run any code: it is not loaded. "
            "Have it written as torch.save(model.state_dict(), FILE)"
        ) from None
    except Exception as error:  # torch raises a dozen kinds, depending on where the damage is
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SemcomError(f"{file} is no file of weights that torch.save wrote ({reason})") from error


def read(file: Path) -> dict[str, Tensor]:
    """The tensors of a state dict; nothing else is ever loaded.

    Raises:
        SemcomError: the file holds something else, or as in `unpickled`.
    """
    content = unpickled(file)
    if not isinstance(content, Mapping) or not content:
        kind = type(content).__name__
        raise SemcomError(f"{file} holds a {kind}, not a state dict: torch.save(model.state_dict(), FILE)")
    for key, value in content.items():
        if not isinstance(value, Tensor):
            kind = type(value).__name__
            raise SemcomError(
                f"{file} holds a {kind} under {key!r}, where a state dict has a tensor; save the state dict "
                "alone: torch.save(model.state_dict(), FILE)"
            )
    return dict(content)


def fitted(
    content: Mapping[str, Tensor], net: nn.Module, layout: Layout, *, file: Path, use: str
) -> dict[str, Tensor]:
    """The part of `content` that `net` takes.

    Args:
        content: of the file.
        net: a backbone, of one or three channels.
        layout: of its published weights.
        file: for errors.
        use: name of the backbone, for errors.

    Raises:
        SemcomError: naming the first key that is missing, too many, of another kind of numbers or shape, or
            not finite.
    """
    own = {key: value for key, value in net.state_dict().items() if not key.endswith(COUNTER)}
    given = {
        k: v for k, v in content.items() if not k.startswith(layout.classifier) and not k.endswith(COUNTER)
    }
    missing, more = [k for k in own if k not in given], [k for k in given if k not in own]
    if missing or more:
        what = f"it has no {missing[0]}" if missing else f"it has {more[0]}, which {use} has not"
        raise SemcomError(
            f"{file} holds the weights of another architecture than {use}: {what}; name its backbone, or "
            f"give a file of {use}'s weights"
        )
    for key, value in own.items():
        check_kind(key, given[key], value, file=file)
    first = given[layout.first]
    if first.ndim == 4 and own[layout.first].shape[1] == 1:
        given[layout.first] = first.sum(1, keepdim=True)
    for key, value in own.items():
        if given[key].shape != value.shape:
            raise SemcomError(_misfit(key, given[key], value, first=layout.first, file=file, use=use))
        if not given[key].isfinite().all():
            raise SemcomError(f"{file}: {key} has numbers that are not finite; get the file anew")
    return given


def check_kind(key: str, there: Tensor, here: Tensor, *, file: Path) -> None:
    """Check that a tensor of a file holds dense numbers of the kind that a network's own does.

    Args:
        key: its name.
        there: the file's.
        here: the network's.
        file: for errors.

    Raises:
        SemcomError: naming tensor, type and file.
    """
    dense = there.layout is torch.strided and not there.is_nested and not there.is_meta
    fits = there.dtype in REAL if here.is_floating_point() else there.dtype == here.dtype
    if dense and fits:
        return
    kind = _type(there.dtype) + ("" if dense else " and not dense")
    wanted = REAL if here.is_floating_point() else (here.dtype,)
    raise SemcomError(
        f"{file}: {key} is {kind}, where a dense {' or '.join(map(_type, wanted))} is needed; give the "
        "weights as they were trained: others have lost their values, or mean them in another way"
    )


def _type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _misfit(key: str, there: Tensor, here: Tensor, *, first: str, file: Path, use: str) -> str:
    """What is said of a key whose shapes differ, and the options that change the one of the backbone."""
    wanted = []
    if there.shape[:1] != here.shape[:1] or key != first:
        wanted.append("width_mult: 1")
    if key == first and there.shape[2:] != here.shape[2:]:
        wanted.append("stem: original, or frames of 128 pixels or more")
    shapes = ["×".join(map(str, tensor.shape)) for tensor in (there, here)]
    return (
        f"{file} does not fit {use} as the params have it: {key} is {shapes[0]} there and {shapes[1]} here; "
        f"the backbone needs {' and '.join(wanted)}"
    )


def _scaling(modality: str, layout: Layout, frames: DeviceFrames) -> tuple[Tensor, Tensor]:
    """Factor and offset (C,) from standardised frames to what the weights were trained on.

    Depth is taken for a grey image of ImageNet's mean brightness and contrast.
    """
    if modality == "rgb":
        mean, std = frames.rgb_mean.cpu().double(), frames.rgb_std.cpu().double()
        wanted = [torch.tensor(values, dtype=torch.float64) for values in (layout.mean, layout.std)]
    else:
        mean, std = (torch.tensor([fmean(values)], dtype=torch.float64) for values in IMAGENET)
        wanted = [torch.tensor([fmean(values)], dtype=torch.float64) for values in (layout.mean, layout.std)]
    return std / wanted[1], (mean - wanted[0]) / wanted[1]
