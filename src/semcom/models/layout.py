"""What a backbone says of weights that were trained elsewhere, so that a file of them fits it."""

from typing import NamedTuple

Colours = tuple[float, float, float]

IMAGENET: tuple[Colours, Colours] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet's colours, pixels in 0..1: what torchvision's weights ask for."""


class Layout(NamedTuple):
    """Of published weights of one architecture.

    Attributes:
        first: key of the first convolution; for one channel its weights are summed over the three of colour.
        classifier: how the keys of the classifier begin, which is left out.
        mean: what is taken off each colour, pixels in 0..1, before it goes in.
        std: what it is then divided by.
    """

    first: str
    classifier: str
    mean: Colours
    std: Colours
