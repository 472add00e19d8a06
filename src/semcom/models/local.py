"""A local encoder: a backbone, and where it goes from there in training under a shared knowledge base.

image ─► backbone ─► features ─┬► projection ─► the base's space: compared by cosine
                               └► SimCLR's projector: for its term of the loss only

Only backbone and projection are kept after training.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from semcom.files.errors import SemcomError
from semcom.models.encoder import Encoders
from semcom.models.projector import projector
from semcom.params.sections import Encoder
from semcom.training import weights

CONTRAST = "contrast."
"""How the keys of SimCLR's projector begin, which is not kept."""
BACKBONE = "encoders."
"""How those of the backbone begin."""


class Embedded(NamedTuple):
    """What a local encoder says of images, fp32.

    Attributes:
        features: (N, backbone's dim).
        space: (N, D), in the base's space, of any length.
        contrast: (N, P) of SimCLR's projector; None without one.
    """

    features: Tensor
    space: Tensor
    contrast: Tensor | None = None


def projection(features: int, dim: int, hidden: Sequence[int] = ()) -> nn.Sequential:
    """From a backbone's features to the base's space: one linear layer, or an MLP.

    Args:
        features: width of the backbone's features.
        dim: D of the base's space.
        hidden: widths between them, each with BatchNorm and ReLU.
    """
    layers = projector(features, [*hidden, dim])
    # With a bias: a mentor's vectors are not centred.
    layers[-1] = nn.Linear(hidden[-1] if hidden else features, dim)
    return layers


class LocalEncoder(nn.Module):
    """Backbone, projection and, for a SimCLR term, its projector; at random initialisation.

    Args:
        size: width and height of the images in pixels.
        encoder: backbone and precision.
        dim: D of the base's space; None: there is no base, and the features themselves are compared.
        hidden: widths inside the projection; none for a linear one.
        contrast: widths of SimCLR's projector; none for a training without the term.
    """

    def __init__(
        self,
        size: tuple[int, int],
        encoder: Encoder,
        *,
        dim: int | None,
        hidden: Sequence[int] = (),
        contrast: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.size = size
        self.encoders = Encoders(("rgb",), size, encoder)
        features = self.encoders.dims["rgb"]
        self.dim = dim
        self.projection = nn.Identity() if dim is None else projection(features, dim, hidden)
        self.contrast = projector(features, contrast) if contrast else None

    def forward(self, views: Mapping[str, Tensor]) -> Embedded:
        """Features and embeddings of {"rgb": (N, 3, H, W)}."""
        features = self.encoders({"rgb": views["rgb"]})["rgb"]
        with torch.autocast(features.device.type, torch.bfloat16, enabled=self.encoders.bf16):
            space = self.projection(features).float()
            contrast = self.contrast(features).float() if self.contrast else None
        return Embedded(features, space, contrast)


@torch.no_grad()
def embed(network: LocalEncoder, batches: Iterable[Mapping[str, Tensor]]) -> tuple[Tensor, Tensor]:
    """Features (N, dim) and embeddings (N, D) of batches of views, each of unit length, in evaluation."""
    network.eval()
    seen = [network(views) for views in batches]
    features, space = (torch.cat([getattr(s, name) for s in seen]) for name in ("features", "space"))
    return functional.normalize(features), functional.normalize(space)


def saved(network: LocalEncoder) -> dict[str, Any]:
    """What is kept of a trained encoder: size of its images, dimension of its space, 0 for none, weights."""
    kept = {key: value for key, value in network.state_dict().items() if not key.startswith(CONTRAST)}
    return {"size": list(network.size), "dim": network.dim or 0, "weights": kept}


def load_into(network: LocalEncoder, path: Path) -> None:
    """Give `network` the weights of a trained encoder; a SimCLR projector stays as it is.

    Raises:
        SemcomError: the file is damaged, or of another network or images of another size.
    """
    content = weights.load(path, next(network.parameters()).device)
    _check_size(network, content, path)
    own = {key: value for key, value in network.state_dict().items() if key.startswith(CONTRAST)}
    try:
        network.load_state_dict({**own, **content["weights"]})
    except (RuntimeError, TypeError, KeyError) as error:
        raise SemcomError(
            f"{path} does not hold the weights of the encoder that the params describe; give the file of "
            "that encoder, or run its job again"
        ) from error
    weights.check_finite(network, path)


def _check_size(network: LocalEncoder, content: object, path: Path) -> None:
    """Files from before the size was kept say nothing of it."""
    size = content.get("size") if isinstance(content, dict) else None
    if size is not None and tuple(size) != tuple(network.size):
        own, other = (f"{width}x{height}" for width, height in (size, network.size))
        raise SemcomError(
            f"{path} was trained on images of {own}, these are of {other}; give frames of its size, or "
            "another encoder"
        )


def load_backbone(encoders: Encoders, path: Path) -> None:
    """Give `encoders` the backbone of a trained local encoder.

    Raises:
        SemcomError: the file is missing, damaged, or of another backbone.
    """
    content = weights.load(path, next(encoders.parameters()).device)
    try:
        kept = {k.removeprefix(BACKBONE): v for k, v in content["weights"].items() if k.startswith(BACKBONE)}
        encoders.load_state_dict(kept)
    except (RuntimeError, TypeError, KeyError, AttributeError) as error:
        raise SemcomError(
            f"{path} does not hold the backbone that the params describe; give the file of that encoder, or "
            "remove it and run its job again"
        ) from error
    weights.check_finite(encoders, path)


def read(
    path: Path, *, size: tuple[int, int], encoder: Encoder, hidden: Sequence[int], device: torch.device
) -> LocalEncoder:
    """The encoder that a training wrote.

    Raises:
        SemcomError: the file is damaged, or of another network.
    """
    content = weights.load(path)
    dim = content.get("dim", 0) if isinstance(content, dict) else 0
    if type(dim) is not int or dim < 0:
        raise SemcomError(
            f"{path} says that its space has {dim!r} dimensions, which is no whole number from 0 (none) on; "
            "remove it and run its job again"
        )
    network = LocalEncoder(size, encoder, dim=dim or None, hidden=hidden).to(device)
    load_into(network, path)
    return network
