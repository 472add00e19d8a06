"""One look at every frame of a new data set: is it whole, has it NYU's white border, which way is up?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.prepare.description import NYU_CROP, Crop
from semcom.prepare.source import Source, WithObjects, frames
from semcom.progress import Progress

ENOUGH = 100
"""Frames from which averages over a set tell its orientation."""
FINE = 160
"""Width in pixels from which the border's sides can be told apart."""
WAY_OUT = "Turn them back, or trust them with --trust-orientation"
SIDES = ("left", "right", "top", "bottom")


@dataclass(frozen=True)
class Survey:
    """Averages over all frames."""

    count: int
    size: tuple[int, int]
    border: dict[str, float] | None
    """Width of the white border in pixels by side; None where a side has none."""
    upper_m: float
    """Mean depth of the upper half, in metres; rooms are deeper there, for their floor is near."""
    lower_m: float

    def crop(self) -> Crop | None:
        """NYU's usual crop if the frames have the border, else None."""
        return NYU_CROP if self.border else None

    def check_orientation(self) -> None:
        """Raise a SemcomError if the frames lie on a side, stand on their head or are mirrored.

        Sets under 100 frames are too small to tell. NYU Depth V2 at 640x480: the border is 6 px wide at
        the left and 8 px at the right, and the mean depth of the lower half is 0.68 of the upper's.
        """
        if self.count < ENOUGH:
            return
        width, height = self.size
        if width < height:
            raise SemcomError(
                f"the frames are {width} wide and {height} high: width and height look swapped; "
                f"the file must hold MATLAB's axes reversed, (N, 3, width, height). {WAY_OUT}"
            )
        if self.lower_m > 1.1 * self.upper_m:
            raise SemcomError(
                f"the mean depth is {self.lower_m:.2f} m in the lower and {self.upper_m:.2f} m in the upper "
                f"half, but floors are near and at the bottom: the frames look upside down. {WAY_OUT}"
            )
        if self.border and width >= FINE and self.border["left"] - self.border["right"] > width / 640:
            raise SemcomError(
                f"the white border is {self.border['left']:.1f} px wide at the left and "
                f"{self.border['right']:.1f} px at the right, but in NYU Depth V2 the right one is wider: "
                f"the frames look mirrored. {WAY_OUT}"
            )


def survey(source: Source) -> Survey:
    """Read every frame once.

    Raises:
        SemcomError: a frame is damaged, its depth no depth in metres, or its objects cannot be told.
    """
    upper, lower = [], []
    profiles: dict[str, list[NDArray[np.float64]]] = {side: [] for side in SIDES}
    progress = Progress(len(source.rows))
    objects = source if isinstance(source, WithObjects) and source.object_names else None
    for number, frame in enumerate(frames(source), 1):
        if objects:
            objects.objects(number - 1)
        middle = frame.metres.shape[0] // 2
        upper.append(_mean(frame.metres[:middle]))
        lower.append(_mean(frame.metres[middle:]))
        for side, profile in _profiles(frame.rgb).items():
            profiles[side].append(profile)
        progress.step(number, f"checked {number} of {len(source.rows)} frames")
    return Survey(
        count=len(source.rows),
        size=source.size,
        border=_border({side: np.stack(lines) for side, lines in profiles.items()}),
        upper_m=float(np.nanmean(upper)),
        lower_m=float(np.nanmean(lower)),
    )


def _mean(depth: NDArray[np.float32]) -> float:
    """Of what was measured; NaN if nothing was."""
    measured = depth[depth > 0]
    return float(measured.mean()) if len(measured) else float("nan")


def _profiles(rgb: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
    """Median brightness of the outer lines, from the rim inwards, along the middle half of each side."""
    height, width = rgb.shape[:2]
    rows, columns = slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4)
    across, down = max(width // 25, 3), max(height // 25, 3)
    return {
        "left": np.median(rgb[rows, :across], axis=(0, 2)),
        "right": np.median(rgb[rows, -across:], axis=(0, 2))[::-1],
        "top": np.median(rgb[:down, columns], axis=(1, 2)),
        "bottom": np.median(rgb[-down:, columns], axis=(1, 2))[::-1],
    }


def _border(profiles: dict[str, NDArray[np.float64]]) -> dict[str, float] | None:
    widths: dict[str, float] = {}
    for side, lines in profiles.items():
        # White in nearly every frame, while the picture inside it is bright in some only.
        brightness = np.percentile(lines, 20, axis=0)
        rim, inside = brightness[0], brightness[-1]
        if rim < 150 or rim - inside < 60:
            return None
        widths[side] = float(np.clip((brightness - inside) / (rim - inside), 0, 1).sum())
    return widths
