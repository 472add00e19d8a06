"""The classifier of images that arrive over a link: a backbone, a linear head; and its file.

    image (3, H, W) ─► backbone ─► features ─► linear ─► class scores

It is trained on originals and never on what arrives, so that all methods are judged by one and the same.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from semcom.files.errors import SemcomError
from semcom.frames.images import scaled
from semcom.metrics.reconstruction import Pixels
from semcom.models.encoder import Encoders
from semcom.params.sections import Encoder
from semcom.training import weights

BATCH = 256


class Classifier(nn.Module):
    """At random initialisation.

    Args:
        size: width and height of the images in pixels.
        backbone: of the family BACKBONES.
        classes: number of class scores.
    """

    def __init__(self, size: tuple[int, int], backbone: dict[str, Any], classes: int) -> None:
        super().__init__()
        self.encoders = Encoders(("rgb",), size, Encoder(backbone=backbone))
        self.head = nn.Linear(self.encoders.dims["rgb"], classes)

    def forward(self, views: Mapping[str, Tensor]) -> Tensor:
        """Class scores (N, classes) of {"rgb": (N, 3, H, W)}."""
        scores: Tensor = self.head(self.encoders(views)["rgb"])
        return scores


@torch.no_grad()
def told(network: Classifier, images: Pixels) -> NDArray[np.int64]:
    """Classes (N,) of images (N, H, W, 3) uint8, in evaluation mode."""
    network.eval()
    device = network.head.weight.device
    batches = torch.from_numpy(np.array(images)).split(BATCH)
    colours = (batch.to(device).permute(0, 3, 1, 2).float().div_(255) for batch in batches)
    scores = torch.cat([network(scaled(rgb)) for rgb in colours])
    classes: NDArray[np.int64] = scores.argmax(1).cpu().numpy()
    return classes


def save(path: Path, network: Classifier, classes: Iterable[str]) -> None:
    """Write a trained classifier and the names of its classes."""
    weights.save(path, {"classes": list(classes), "weights": network.state_dict()})


def load(
    path: Path,
    *,
    size: tuple[int, int],
    backbone: dict[str, Any],
    classes: tuple[str, ...],
    device: torch.device,
) -> Classifier:
    """A trained classifier.

    Raises:
        SemcomError: the file is missing, damaged, of another network or of other classes.
    """
    network = Classifier(size, backbone, len(classes)).to(device)
    content = weights.load(path)
    own = content.get("classes") if isinstance(content, dict) else None
    if own is not None and tuple(own) != classes:
        raise SemcomError(
            f"{path} tells {', '.join(own[:5])}, but the images to send are of {', '.join(classes[:5])}; "
            "take parts with the same classes in one order"
        )
    weights.load_into(network, path, part="weights")
    return network.eval()
