"""A mentor: the server's large image encoder, frozen, behind the resizing and scaling of its pixels.

pixels (32×32) ─► resized (96×96) ─► scaled as in its training ─► network without classifier ─► (N, dim)
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.models.layout import Colours
from semcom.models.pretrained import COUNTER, check_kind, read
from semcom.training.randomness import seeded

RANDOM = "random"
"""Weights that are meant to be random, for comparison."""
Interpolation = Literal["bicubic", "bilinear"]


class Mentor(nn.Module):
    """A frozen network and what its pixels go through; there is no way to train it.

    Args:
        net: gives features (N, dim) of images (N, 3, height, width).
        size: width and height in pixels that it sees.
        colours: mean and standard deviation of each colour, pixels in 0..1, that it was trained with.
        file: of its weights; None if they are random.
        interpolation: from the prepared size, antialiased; of the whole image, whatever its proportions.

    Raises:
        SemcomError: the network does not take images of this size, or gives no features.
    """

    factor: Tensor
    offset: Tensor

    def __init__(
        self,
        net: nn.Module,
        *,
        size: tuple[int, int],
        colours: tuple[Colours, Colours],
        file: Path | None,
        interpolation: Interpolation = "bicubic",
    ) -> None:
        super().__init__()
        self.net = net.requires_grad_(False).to(memory_format=torch.channels_last)
        self.size, self.file, self.interpolation = size, file, interpolation
        mean, std = (255 * torch.tensor(values, dtype=torch.float64) for values in colours)
        self.register_buffer("factor", (1 / std).float().view(-1, 1, 1))
        self.register_buffer("offset", (-mean / std).float().view(-1, 1, 1))
        self.train(False)
        self.dim = _width(self, size)

    def train(self, mode: bool = True) -> "Mentor":
        """It stays in evaluation mode."""
        return super().train(False)

    def prepare(self, rgb: NDArray[np.uint8]) -> Tensor:
        """Images (N, H, W, 3) of 0..255 to what `forward` takes."""
        images = torch.from_numpy(np.array(rgb)).permute(0, 3, 1, 2)
        width, height = self.size
        if images.shape[-2:] != (height, width):
            images = functional.interpolate(
                images, size=(height, width), mode=self.interpolation, antialias=True
            )
        return images

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings (N, dim), fp32, of any length, of what `prepare` gives."""
        features: Tensor = self.net(self.scaled(images))
        return features.float()

    def scaled(self, images: Tensor) -> Tensor:
        """What `prepare` gives, as the network has it."""
        return torch.addcmul(self.offset, images.float(), self.factor)


@torch.inference_mode()
def _width(mentor: Mentor, size: tuple[int, int]) -> int:
    """Width of the features, by a try."""
    width, height = size
    name = type(mentor.net).__name__
    try:
        features = mentor(mentor.prepare(np.zeros((1, height, width, 3), np.uint8)))
    except Exception as error:  # of networks of many packages
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SemcomError(
            f"{name} takes no images of {width}×{height} ({reason}); give another size"
        ) from error
    if features.ndim != 2:
        raise SemcomError(f"{name} gives {tuple(features.shape)} of one image, where a mentor gives (1, dim)")
    return int(features.shape[1])


def package(name: str, what: str) -> ModuleType:
    """Import a package that only some mentors need.

    Raises:
        SemcomError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise SemcomError(
            f"{what} needs the package {name} ({error}): pip install -c constraints.txt -e '.[mentors]'"
        ) from error


def make(build: Callable[[], nn.Module], weights: str, seed: int) -> nn.Module:
    """A network as it is initialised; the seed matters where its weights stay random."""
    with seeded(seed if weights == RANDOM else 0, "mentor"):
        return build()


def existing(weights: str, use: str) -> Path | None:
    """The file of `weights`, None if they are to be random.

    Raises:
        SemcomError: there is no such file.
    """
    if weights == RANDOM:
        return None
    if not Path(weights).is_file():
        raise SemcomError(
            f"there is no file {weights} for the mentor {use}; give a path that holds from where you run, or "
            f"say weights: {RANDOM} for random ones"
        )
    return Path(weights)


def tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a file of weights, a state dict of torch.save or safetensors; a pickle is never loaded.

    Raises:
        SemcomError: it holds something else, or is damaged.
    """
    if file.suffix != ".safetensors":
        return read(file)
    safetensors = package("safetensors.torch", f"the file {file}")
    try:
        content: dict[str, Tensor] = safetensors.load_file(file)
    except Exception as error:
        raise SemcomError(f"{file} is no file of safetensors ({error})") from error
    return content


def fill(
    net: nn.Module, content: Mapping[str, Tensor], *, classifier: tuple[str, ...], file: Path, use: str
) -> None:
    """Give `net` the weights in `content`, all of them but the classifier's.

    Args:
        net: a network without classifier.
        content: of the file.
        classifier: how the keys begin that are left out; any of these.
        file: for errors.
        use: name of the network, for errors.

    Raises:
        SemcomError: naming the first key that is missing, too many, of another shape or kind of numbers.
    """
    own = {key: value for key, value in net.state_dict().items() if not key.endswith(COUNTER)}
    given = {k: v for k, v in content.items() if not k.startswith(classifier) and not k.endswith(COUNTER)}
    faults = [
        *(f"it has no {key}" for key in own if key not in given),
        *(f"it has {key}, which {use} has not" for key in given if key not in own),
        *(
            f"{key} is {tuple(given[key].shape)} there and {tuple(value.shape)} in {use}"
            for key, value in own.items()
            if key in given and given[key].shape != value.shape
        ),
    ]
    if faults:
        raise SemcomError(
            f"{file} holds the weights of another architecture than {use}: {faults[0]}; name its network, or "
            f"give a file of {use}'s weights"
        )
    for key, value in own.items():
        check_kind(key, given[key], value, file=file)
    net.load_state_dict(given, strict=False)


def without_classifier(net: nn.Module, use: str) -> str:
    """Replace the last linear layer, which tells classes, by nothing; return its name and a dot.

    Raises:
        SemcomError: there is none.
    """
    names = [name for name, layer in net.named_modules() if isinstance(layer, nn.Linear)]
    if not names:
        raise SemcomError(f"{use} ends in no linear layer, before which its features could be taken")
    net.set_submodule(names[-1], nn.Identity())
    return f"{names[-1]}."
