"""Keep a set of images: look at every picture, leave bad ones out up to a limit, split, write the format."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semcom.files.errors import SemcomError
from semcom.frames.prepared import UNLABELLED
from semcom.prepare.decode import BadPicture, decode
from semcom.prepare.description import Crop, Fit
from semcom.prepare.images import COLUMNS, FILES, member
from semcom.prepare.source import Split
from semcom.prepare.split import draw_test
from semcom.progress import Progress, log

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The same pictures give the same bytes."""
TEST_SHARE = 0.2
NAMED = 3
"""Bad pictures that an error names; left_out.csv names all."""

Content = bytes | NDArray[np.uint8]
"""A picture file, or pixels (H, W) or (H, W, 3)."""


@dataclass(frozen=True)
class Known:
    """What is known of a picture besides its pixels."""

    label: str
    split: Split | None = None
    """None: the source has no split."""
    group: str = ""
    attributes: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class PictureSet:
    """A set of images as an importer found it."""

    title: str
    known: Mapping[str, Known]
    """By the pictures' names in the source; their order is that of the numbers."""
    pictures: Iterable[tuple[str, Content]]
    """Each of them once, in any order; what is lacking counts as bad."""
    classes: tuple[str, ...] | None = None
    """In label order; None: those that occur, sorted."""
    attribute_names: tuple[str, ...] = ()
    bad: Mapping[str, str] = field(default_factory=dict)
    """Pictures that the source promises and does not have, and why."""
    unlabelled: int = 0
    """Pictures without a class, which are not kept."""
    licence: str = "not stated"
    citation: str = "not stated"
    fit: Fit = "crop"
    crop: Crop | None = None


@dataclass(frozen=True)
class Kept:
    """What came of a set."""

    classes: tuple[str, ...]
    train: int
    test: int
    left_out: int
    kinds: Mapping[str, int]
    """Pictures of each kind that was treated (`semcom.prepare.decode`)."""
    sizes: Mapping[tuple[int, int], int]


def store(
    given: PictureSet, folder: Path, *, most_bad: float = 0.01, test_share: float | None = None, seed: int = 0
) -> Kept:
    """Look at every picture and write the three files of the format into `folder`.

    Args:
        given: the set.
        folder: there already.
        most_bad: share of the pictures that may be bad; they are left out.
        test_share: share of each class that becomes test, in place of a split of the set's own; None: that
            one, and a fifth where it has none.
        seed: of that draw.

    Raises:
        SemcomError: too many pictures are bad; a class or a part is empty; test has a class that train lacks;
            a group is on both sides.
    """
    numbers = {name: number for number, name in enumerate(given.known, 1)}
    sizes, kinds, bad = _store_pictures(given, folder / FILES[0], numbers)
    bad |= {name: "promised, but not there" for name in numbers if name not in sizes and name not in bad}
    _check_bad(bad, len(numbers) + len(given.bad), most_bad)
    names = [name for name in numbers if name in sizes]
    splits = _splits([given.known[name] for name in names], test_share, seed)
    classes = _classes(given, names)
    _check_classes([given.known[name].label for name in names], splits, classes)
    _write(folder / FILES[2], [("name", "reason"), *sorted(bad.items())])
    rows: list[Sequence[object]] = [(*COLUMNS, *given.attribute_names)]
    for name, split in zip(names, splits, strict=True):
        known = given.known[name]
        facts = (numbers[name], split, known.label, known.group, name, *sizes[name])
        rows.append((*facts, *map(int, known.attributes)))
    _write(folder / FILES[1], rows)
    train = splits.count("train")
    return Kept(classes, train, len(splits) - train, len(bad), kinds, Counter(sizes[name] for name in names))


def _store_pictures(
    given: PictureSet, archive: Path, numbers: Mapping[str, int]
) -> tuple[dict[str, tuple[int, int]], Counter[str], dict[str, str]]:
    """Write images.zip. The size of each good picture, how many are of each kind, and what is bad."""
    sizes: dict[str, tuple[int, int]] = {}
    kinds: Counter[str] = Counter()
    bad = dict(given.bad)
    progress = Progress(len(numbers))
    with zipfile.ZipFile(archive, "w") as kept:
        for count, (name, content) in enumerate(given.pictures, 1):
            data = content if isinstance(content, bytes) else png(content)
            progress.step(count, f"picture {count} of {len(numbers)}")
            try:
                picture = decode(data)
            except BadPicture as error:
                bad[name] = str(error)
                continue
            sizes[name] = (picture.rgb.shape[1], picture.rgb.shape[0])
            kinds.update(picture.kinds)
            kept.writestr(zipfile.ZipInfo(member(numbers[name]), LONG_AGO), data)
    return sizes, kinds, bad


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The pixels, (H, W) or (H, W, 3), as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _check_bad(bad: Mapping[str, str], total: int, most: float) -> None:
    examples = "; ".join(f"{name} ({reason})" for name, reason in list(sorted(bad.items()))[:NAMED])
    if len(bad) > most * total:
        raise SemcomError(
            f"{len(bad)} of {total} pictures cannot be kept, over the limit of {100 * most:g} %: {examples}"
            f"{' …' * (len(bad) > NAMED)}. Mend or remove them, or let more of them be left out by --most-bad"
        )
    if bad:
        log.info("%d of %d pictures left out, all named in left_out.csv: %s", len(bad), total, examples)


def _splits(known: Sequence[Known], share: float | None, seed: int) -> list[Split]:
    own = {one.split is not None for one in known}
    if len(own) > 1:
        raise SemcomError("some pictures have a split and some have none: give each one, or --test-share")
    if share is None and own == {True}:
        _check_groups(known)
        return [one.split for one in known if one.split]
    if own == {True}:
        log.info("the set's own split is not used")
    # A picture without a group is one of its own.
    groups = [one.group or f"\0{position}" for position, one in enumerate(known)]
    test = draw_test([one.label for one in known], groups, share=share or TEST_SHARE, seed=seed)
    return ["test" if chosen else "train" for chosen in test]


def _check_groups(known: Sequence[Known]) -> None:
    """A group, such as a person's pictures, is on one side: else the test knows the person."""
    split_of: dict[str, Split | None] = {}
    for one in known:
        if one.group and split_of.setdefault(one.group, one.split) != one.split:
            raise SemcomError(
                f"the group {one.group!r} is in train and in test, and tests would be of what training has "
                "seen; put all of it on one side, or have a split drawn: --test-share 0.2"
            )


def _classes(given: PictureSet, names: Sequence[str]) -> tuple[str, ...]:
    found = {given.known[name].label for name in names}
    wanted = given.classes or tuple(sorted({one.label for one in given.known.values()}, key=_natural))
    lost = [label for label in wanted if label not in found]
    if lost:
        raise SemcomError(
            f"no picture of the class {', '.join(map(repr, lost[:NAMED]))} is whole: get it anew"
        )
    return wanted


def _natural(label: str) -> tuple[int, str]:
    """Sorts whole numbers by value, then texts."""
    return (int(label), "") if label.isdecimal() else (2**63, label)


def _check_classes(labels: Sequence[str], splits: Sequence[Split], classes: tuple[str, ...]) -> None:
    if len(classes) < 2 and classes != (UNLABELLED,):
        raise SemcomError(
            f"all {len(labels)} pictures are of one class, {classes[0] if classes else 'none'!r}: two are "
            "needed, or --label none for a set without classes"
        )
    pairs = set(zip(labels, splits, strict=True))
    sides = {split: {label for label, side in pairs if side == split} for split in ("train", "test")}
    for split, there in sides.items():
        if not there:
            raise SemcomError(
                f"no picture of {len(labels)} is in {split}: give it a split, or draw one by --test-share"
            )
    unknown = sorted(sides["test"] - sides["train"])
    if unknown:
        near = get_close_matches(unknown[0], sides["train"], n=1)
        raise SemcomError(
            f"test has {len(unknown)} classes that train lacks, {unknown[0]!r} among them"
            + (f" (train has {near[0]!r})" if near else "")
            + ": name them alike, or draw a split by --test-share, in place of the set's own"
        )


def _write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
