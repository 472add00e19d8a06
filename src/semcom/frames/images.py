"""Images without depth where the computing is done: the colour of a prepared file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from semcom.files.errors import SemcomError
from semcom.frames.device import as_tensor
from semcom.frames.folds import Indices
from semcom.frames.parts import Part, draw
from semcom.frames.prepared import Prepared
from semcom.params.parts import InOrder
from semcom.training import forms

MEAN, STD = 0.5, 0.25
"""Of colours in 0..1, whatever the data set: an encoder sees those of other parties as it saw its own."""
Views = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class DeviceImages:
    """All images of a prepared file.

    Attributes:
        rgb: (N, H, W, 3) uint8; on a CPU the memory-mapped file itself.
        prepared: the file behind it.
    """

    rgb: Tensor
    prepared: Prepared

    @classmethod
    def open(cls, path: Path, device: torch.device) -> "DeviceImages":
        """Open a prepared file and compare its content with the hash it carries.

        Raises:
            SemcomError: it is missing, truncated or damaged.
        """
        prepared = Prepared.open(path)
        prepared.verify()
        return cls(as_tensor(prepared.rgb).to(device), prepared)

    @property
    def content(self) -> str:
        """SHA-256 of the prepared content."""
        return str(self.prepared.attributes["sha256"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.rgb.shape[2], self.rgb.shape[1]

    def take(self, index: Tensor) -> Tensor:
        """Colours (B, 3, H, W) in 0..1 of the images at `index` (B,)."""
        return self.rgb[index].permute(0, 3, 1, 2).float().div_(255)

    def view(self, rgb: Tensor, views: Views, draws: Generator) -> dict[str, Tensor]:
        """An augmented view of colours (B, 3, H, W) in 0..1, as encoders take it."""
        nowhere = torch.zeros(len(rgb), 1, 1, 1, device=rgb.device).expand(-1, 1, *rgb.shape[-2:])
        return scaled(forms.views(views, rgb, nowhere, draws)[0])

    def plain(self, index: Indices | Tensor, *, batch_size: int = 256) -> Iterator[dict[str, Tensor]]:
        """Batches of the images at `index` as they are, in their order."""
        for batch in torch.as_tensor(index, device=self.rgb.device).split(batch_size):
            yield scaled(self.take(batch))


def scaled(rgb: Tensor) -> dict[str, Tensor]:
    """What encoders take of colours (B, 3, H, W) in 0..1."""
    return {"rgb": (rgb - MEAN) / STD}


def mean_image(images: DeviceImages, index: Tensor, *, batch_size: int = 256) -> Tensor:
    """(C, H, W) in 0…1: what stands for an image that is lost."""
    total = sum(images.take(batch).double().sum(0) for batch in index.split(batch_size))
    mean: Tensor = torch.as_tensor(total / len(index)).float()
    return mean


@dataclass(frozen=True)
class DrawnParts:
    """Parts of several prepared files.

    Attributes:
        images: by data set.
        parts: by name.
    """

    images: Mapping[str, DeviceImages]
    parts: Mapping[str, Part]

    @classmethod
    def open(cls, files: list[Path], entries: InOrder, *, seed: int, device: torch.device) -> "DrawnParts":
        """Open a file for each data set of `entries`, in their order, and draw the parts.

        Raises:
            SemcomError: a file is missing, damaged or of another data set, or a part cannot be drawn.
        """
        names = list(dict.fromkeys(part.data for _, part in entries))
        if len(files) != len(names):
            raise SemcomError(
                f"{len(files)} prepared files for {', '.join(names)}: give one for each, in order"
            )
        images = {}
        for name, file in zip(names, files, strict=True):
            images[name] = DeviceImages.open(file, device)
            if (found := images[name].prepared.attributes["name"]) != name:
                raise SemcomError(
                    f"{file} is of the data set {found}, wanted is {name}: give its prepared file"
                )
        prepared = {name: one.prepared for name, one in images.items()}
        return cls(images, draw(dict(entries), prepared, seed=seed))

    def of(self, name: str) -> tuple[DeviceImages, Part]:
        """A part, and the images that it is of."""
        return self.images[self.parts[name].data], self.parts[name]
