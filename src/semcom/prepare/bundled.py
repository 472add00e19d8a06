"""The data sets that come with the repository, each made anew by code alone."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from semcom.prepare import colour, description, photographs, rooms, rooms_painted
from semcom.prepare.images_store import PictureSet, store


def digits(folder: Path) -> None:
    """scikit-learn's digits, as `semcom data add digits` keeps them: a fifth of each class for test."""
    keep(colour.digits(), folder)


def keep(given: PictureSet, folder: Path) -> None:
    """Write a set of images into `folder`, made if need be.

    Raises:
        SemcomError: a picture is bad.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = store(given, folder, most_bad=0)
    description.write(
        folder,
        description.Description(
            format=description.IMAGES,
            title=given.title,
            licence=given.licence,
            citation=given.citation,
            depth="none",
            classes=kept.classes,
            fit=given.fit,
        ),
    )


def painted(folder: Path) -> None:
    """Rooms in a painter's style."""
    keep(rooms_painted.pictures(), folder)


def patches(folder: Path) -> None:
    """Patches of photographs."""
    keep(photographs.pictures(), folder)


MAKERS: Mapping[str, Callable[[Path], None]] = MappingProxyType(
    {"rooms": rooms.make, "rooms_painted": painted, "digits": digits, "photographs": patches}
)
"""By their names in data.dvc."""
