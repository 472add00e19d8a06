"""CLIP and its like as mentors: the image tower of any model of open_clip, behind open_clip's own pixels."""

import logging
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.models.layout import IMAGENET
from semcom.models.mentor import RANDOM, Mentor, make, package
from semcom.models.pretrained import read
from semcom.params.faults import nearest
from semcom.params.ranges import NonNegativeInt, Pixels

LOCAL = "local-dir:"
NUMPY = (".npz", ".npy")
"""Big Vision's weights, which NumPy reads without unpickling anything."""


class OpenClip(Mentor):
    """The image tower of a model of open_clip.

    Pixels go through the transform that open_clip itself makes for the model, one Pillow image after the
    other.

    Args:
        name: as open_clip has it: `ViT-B-32`, `RN50`, `ViT-B-16-SigLIP`, …; or `local-dir:FOLDER`, where
            `open_clip_config.json` lies.
        weights: a file that open_clip wrote or published, a tag of open_clip (which it downloads if it has
            not yet), or `random`.
        size: width and height in pixels, where it is not to be the model's own.
        pixels: the tag whose scaling and cropping a file's weights want, if not the model's own.
        seed: of random weights.
    """

    def __init__(
        self,
        *,
        name: str,
        weights: str,
        size: Pixels | None = None,
        pixels: str | None = None,
        seed: NonNegativeInt = 0,
    ) -> None:
        open_clip = package("open_clip", "a mentor of open_clip")
        _check_name(open_clip, name)
        file, tag = _file(open_clip, name, weights)
        said = _tag(open_clip, name, pixels or tag)
        model = make(lambda: _model(open_clip, name, size, said), weights, seed)
        if file is not None:
            _fill(open_clip, model, file, name)
        visual: Any = model.visual
        about = open_clip.transform.PreprocessCfg(**visual.preprocess_cfg)
        height, width = about.input_size[1:]
        self.transform: Any = open_clip.transform.image_transform_v2(about, is_train=False)
        super().__init__(_Tower(visual), size=(width, height), colours=IMAGENET, file=file)

    def prepare(self, rgb: NDArray[np.uint8]) -> Tensor:
        """Images (N, H, W, 3) of 0..255 to (N, 3, height, width), by open_clip's transform."""
        return torch.stack([self.transform(Image.fromarray(image)) for image in rgb])

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (N, dim), fp32, of any length, of what `prepare` gives."""
        features: Tensor = self.net(images)
        return features.float()


class _Tower(nn.Module):
    """The image tower alone; the text tower is let go."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, dim); CoCa's tower gives tokens beside them."""
        features = self.visual(images)
        whole: Tensor = features[0] if isinstance(features, tuple) else features
        return whole


def _check_name(open_clip: ModuleType, name: str) -> None:
    known = open_clip.list_models()
    if not name.startswith(LOCAL) and name not in known:
        raise SemcomError(
            f"open_clip has no model {name!r}{nearest(name, known)}; or give {LOCAL}FOLDER, with "
            "open_clip_config.json in it"
        )


def _file(open_clip: ModuleType, name: str, weights: str) -> tuple[Path | None, str | None]:
    """The file of `weights`, and the tag that they are."""
    if weights == RANDOM:
        return None, None
    if Path(weights).is_file():
        return Path(weights), None
    tags = [] if name.startswith(LOCAL) else open_clip.list_pretrained_tags_by_model(name)
    if weights not in tags:
        raise SemcomError(
            f"weights {weights!r} of {name} are no file and no tag{nearest(weights, tags)}; tags: "
            f"{', '.join(tags) or 'none'}; or say {RANDOM} for random ones"
        )
    said = open_clip.pretrained.get_pretrained_cfg(name, weights)
    try:
        return Path(open_clip.pretrained.download_pretrained(said)), weights
    except Exception as error:  # of several libraries for the network
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SemcomError(
            f"cannot get the weights {weights} of {name} ({reason}); get the file where there is a network, "
            f"and say weights: FILE, pixels: {weights}"
        ) from error


def _tag(open_clip: ModuleType, name: str, tag: str | None) -> dict[str, Any]:
    """What open_clip says of a tag."""
    if tag is None:
        return {}
    said: dict[str, Any] = open_clip.pretrained.get_pretrained_cfg(name, tag)
    if not said:
        tags = open_clip.list_pretrained_tags_by_model(name)
        raise SemcomError(f"pixels: {tag!r} is no tag of {name}; tags: {', '.join(tags) or 'none'}")
    return said


def _model(open_clip: ModuleType, name: str, size: int | None, said: dict[str, Any]) -> nn.Module:
    """The whole model, random, with the scaling of pixels that `said` asks for."""
    logging.disable(logging.WARNING)  # that its weights are random: they are on their way
    try:
        model: nn.Module = open_clip.create_model(
            name,
            load_weights=False,
            pretrained_text=False,
            force_image_size=size,
            force_quick_gelu=bool(said.get("quick_gelu")),
            force_preprocess_cfg=said,
        )
    except Exception as error:  # a folder without its file, a text tower that only a network has …
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SemcomError(f"open_clip cannot make {name} ({reason})") from error
    finally:
        logging.disable(logging.NOTSET)
    return model


def _fill(open_clip: ModuleType, model: nn.Module, file: Path, name: str) -> None:
    """Give the model the weights in `file`, by open_clip's own rules for files of many origins."""
    if file.suffix not in (*NUMPY, ".safetensors"):
        _check_plain(file)
    try:
        open_clip.load_checkpoint(model, str(file), strict=True, weights_only=True)
    except Exception as error:
        what = re.search(r'(Missing|Unexpected) key\(s\)[^"]*"([^"]+)"|size mismatch for (\S+):', str(error))
        verbs = {"Missing": "it has no", "Unexpected": "it has, and should not,"}
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if what:
            reason = f"{verbs[what[1]]} {what[2]}" if what[1] else f"{what[3]} is of another shape"
        raise SemcomError(
            f"{file} does not hold the weights of {name} but of another architecture, or is damaged: "
            f"{reason}; name its model, or give a file of {name}'s weights"
        ) from error


def _check_plain(file: Path) -> None:
    """See that the file has tensors and plain values alone; a checkpoint has more than a state dict.

    Raises:
        SemcomError: it is a pickle of other things, damaged, or no file that torch wrote.
    """
    try:
        torch.load(file, map_location="cpu", weights_only=True)
    except Exception:
        read(file)  # does not come far either, and says why
        raise
