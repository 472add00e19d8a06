"""What is measured of test images as they arrive: PSNR, SSIM, and whether a classifier tells their class."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.frames.images import DeviceImages
from semcom.frames.parts import Part
from semcom.metrics.reconstruction import Floats, Pixels, psnr_db, ssim
from semcom.models import classifier as classifiers
from semcom.params.crlsc.imageentries import ImagesTestEntry

ACCURACY, ORIGINAL = "accuracy", "accuracy_original"
"""Whether the classifier is right of an image as it arrives, and of the image itself: the ceiling."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Knows the images that are sent.

    Attributes:
        sent: (N, H, W, 3) uint8.
        classifier: trained on originals; None: classes are not asked.
        labels: (N,) classes of the images, for the classifier.
        original: (N,) 1 where the classifier is right of the image itself.
    """

    sent: Pixels
    classifier: classifiers.Classifier | None = None
    labels: NDArray[np.integer] | None = None
    original: Floats | None = None

    @classmethod
    def of(
        cls, entry: ImagesTestEntry, images: DeviceImages, part: Part, *, classifier: Path | None = None
    ) -> "Judge":
        """Of the images of a part.

        Args:
            entry: whether there is a classifier, and its backbone.
            images: those that the part is of.
            part: what is sent.
            classifier: the trained classifier, if the entry has one.

        Raises:
            SemcomError: the part has no labels, or the file is missing, damaged or of other classes.
        """
        sent: Pixels = images.rgb[torch.from_numpy(part.index).to(images.rgb.device)].cpu().numpy()
        if entry.backbone is None:
            if classifier is not None:
                raise SemcomError("the entry tells no classes of what arrives; leave --classifier out")
            return cls(sent)
        if classifier is None:
            raise SemcomError("the entry tells classes of what arrives; give --classifier")
        network = classifiers.load(
            classifier,
            size=entry.size,
            backbone=entry.backbone,
            classes=part.class_names,
            device=images.rgb.device,
        )
        right = (classifiers.told(network, sent) == part.labels).astype(np.float64)
        return cls(sent, network, part.labels, right)

    def __call__(self, received: Pixels) -> Mapping[str, Floats]:
        """One value an image (N,) by metric, of the images (N, H, W, 3) as they arrived."""
        found = {"psnr_db": psnr_db(self.sent, received), "ssim": ssim(self.sent, received)}
        if self.classifier is None or self.original is None:
            return found
        right = classifiers.told(self.classifier, received) == self.labels
        return found | {ACCURACY: right.astype(np.float64), ORIGINAL: self.original}
