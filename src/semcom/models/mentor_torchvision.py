"""Networks of torchvision as mentors, by name and a file of weights."""

import re
from typing import Any, Literal

from torch import Tensor

from semcom.files.errors import SemcomError
from semcom.models.layout import IMAGENET, Colours
from semcom.models.mentor import Mentor, existing, fill, make, tensors, without_classifier
from semcom.params.faults import nearest
from semcom.params.ranges import NonNegativeInt, Pixels

OTHERWISE: dict[str, dict[str, Any]] = {
    name: {"transform_input": True, "init_weights": True} for name in ("googlenet", "inception_v3")
}
"""How networks are made that published weights go with, where it is not as they are made by default."""
_OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
"""DenseNet's published files have keys of before."""


class Torchvision(Mentor):
    """A classifier of torchvision without its last linear layer.

    Args:
        name: as torchvision has it: `resnet50`, `vit_b_16`, `convnext_tiny`, …
        weights: a file of them, or `random`.
        size: width and height in pixels that it sees.
        interpolation: from the prepared size.
        seed: of random weights.
    """

    def __init__(
        self,
        *,
        name: str,
        weights: str,
        size: tuple[Pixels, Pixels] = (224, 224),
        interpolation: Literal["bicubic", "bilinear"] = "bicubic",
        seed: NonNegativeInt = 0,
    ) -> None:
        from torchvision import models

        known = models.list_models(module=models)
        if name not in known:
            raise SemcomError(f"torchvision has no classifier {name!r}{nearest(name, known)}")
        file = existing(weights, name)
        net = make(lambda: models.get_model(name, weights=None, **OTHERWISE.get(name, {})), weights, seed)
        classifier = without_classifier(net, name)
        if file is not None:
            fill(net, _renamed(tensors(file)), classifier=(classifier,), file=file, use=name)
        super().__init__(net, size=size, colours=_colours(name), file=file, interpolation=interpolation)


def _colours(name: str) -> tuple[Colours, Colours]:
    """What the published weights want; nothing is downloaded."""
    from torchvision import models

    preset = next(iter(models.get_model_weights(name))).transforms()
    found: tuple[Colours, Colours] = (tuple(preset.mean), tuple(preset.std))
    return found if None not in found else IMAGENET


def _renamed(content: dict[str, Tensor]) -> dict[str, Tensor]:
    return {_OLD.sub(r"\1\2.", key): value for key, value in content.items()}
