"""Parts of image sets, as a params file names them; `semcom.frames.parts` draws them.

    parts:
      public:  {data: cifar10, role: public, classes: [airplane, bird, …], count: 10000}
      a:       {data: cifar10, role: private, classes: [airplane, bird, …], count: 10000}
      a_test:  {data: cifar10, role: test, classes: [airplane, bird, …]}
      rooms:   {data: nyuv2_rgb, role: private}

Parts of one data set and split share no image and no group: they draw in the order in which they stand, each
from what those before it left over.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from annotated_types import MinLen
from pydantic import AfterValidator

from semcom.params.faults import Fault, unknown
from semcom.params.ranges import PositiveInt, unique
from semcom.params.sections import Strict

Role = Literal["public", "private", "test"]
ClassNames = Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)]


class PartEntry(Strict):
    """One part of a data set."""

    data: str
    """Name of the data set."""
    role: Role
    """`public`, `private`: of its training images, the first without labels; `test`: of its test images."""
    classes: ClassNames | None = None
    """Only images of these; labels count from 0 in this order. None: all, as the data set has them."""
    count: PositiveInt | None = None
    """Images; None: all that are left over."""

    @property
    def train(self) -> bool:
        """Whether it draws from the data set's training images."""
        return self.role != "test"


Parts = Annotated[dict[str, PartEntry], MinLen(1)]
InOrder = Annotated[tuple[tuple[str, PartEntry], ...], MinLen(1)]
"""Parts in the order in which they draw, as an entry has them: the keys of its JSON are sorted."""


def faults(parts: Mapping[str, PartEntry], classes: Mapping[str, tuple[str, ...] | None]) -> Iterator[Fault]:
    """What does not go together before any image is read.

    Args:
        parts: as in the params file.
        classes: class names of each data set; None where they are not known yet.
    """
    all_taken: dict[tuple[str, bool], tuple[str, tuple[str, ...] | None]] = {}
    for name, part in parts.items():
        known = classes.get(part.data)
        for label in part.classes or ():
            if known is not None and label not in known:
                text = unknown(label, known, f"the classes of {part.data}")
                yield Fault(("parts", name, "classes"), text)
        place = (part.data, part.train)
        if place in all_taken:
            other, taken = all_taken[place]
            shared = taken is None or part.classes is None or set(taken) & set(part.classes)
            if shared:
                text = f"{other}, before it, takes all that is left of {part.data}; give {other} a count"
                yield Fault(("parts", name), text)
        if part.count is None:
            all_taken.setdefault(place, (name, part.classes))
