"""Public, private and test parts of prepared image sets: disjoint, seeded, and public ones without labels.

    parts of the params file, prepared files, seed ─► draw ─► {name: Part}

Parts of one data set and split draw in the order in which they stand, from what those before them left over:
a part that is added behind them changes none of them, and a public one that grows keeps its images. No group
(a room, a person) is in two parts: what a part leaves of a group is left out of all later ones.

A *public* part takes its images without looking at their classes, but for which classes it may have; nothing
of it leads to a label. Others are stratified: each class in its share of what is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError
from semcom.frames.folds import Indices
from semcom.frames.prepared import UNLABELLED, Prepared
from semcom.params.faults import nearest
from semcom.params.parts import PartEntry, Role


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a prepared file."""

    name: str
    data: str
    role: Role
    index: Indices
    """(n,) positions in the file, rising."""
    group: Indices | None = field(repr=False)
    """(n,) what shows the same thing, such as the scene of a frame; None of public parts, whose groups may
    tell the class."""
    rgb: NDArray[np.uint8] = field(repr=False)
    """(N, H, W, 3): all images of the file, a read-only map; take those at `index`."""
    class_names: tuple[str, ...]
    """In the order of its labels; empty where there are none."""
    _labels: Indices | None = field(repr=False)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def labels(self) -> Indices:
        """(n,) classes of the images at `index`: positions in `class_names`.

        Raises:
            SemcomError: the part is public, or its data set has no classes.
        """
        if self._labels is None:
            why = "is public" if self.role == "public" else f"is of {self.data}, which has no classes"
            raise SemcomError(
                f"the part {self.name} {why}: no label of it can be read; take a private part for labels, "
                "and a public one for its images alone"
            )
        return self._labels


def check_classes(train: Part, test: Part) -> None:
    """Refuse a test part of other classes than those that are learnt, or in another order.

    Raises:
        SemcomError: they differ.
    """
    if "public" not in (train.role, test.role) and train.class_names != test.class_names:
        own, other = (", ".join(part.class_names) or "none" for part in (train, test))
        raise SemcomError(
            f"{test.name} has other classes than {train.name} ({other}; {own}); take parts of one data set "
            "and the same classes in one order"
        )


def draw(parts: Mapping[str, PartEntry], prepared: Mapping[str, Prepared], *, seed: int) -> dict[str, Part]:
    """The parts, in their order.

    Args:
        parts: by name, as the params file has them.
        prepared: the open file of each data set that they name.
        seed: of the draw; the same for every method of a run.

    Raises:
        SemcomError: a data set is missing, a class is unknown, or fewer images are left than a part wants.
    """
    free = {name: np.ones(len(file), bool) for name, file in prepared.items()}
    drawn: dict[str, Part] = {}
    for name, part in parts.items():
        if part.data not in prepared:
            near = nearest(part.data, prepared)
            raise SemcomError(f"parts.{name}: no prepared file of {part.data!r} is given{near}")
        file = prepared[part.data]
        wanted = _labels_of(file, part, name)
        side = file.train if part.train else ~file.train
        (there,) = np.nonzero(side & free[part.data] & np.isin(file.scene, wanted))
        _check_enough(name, part, len(there))
        index = _take(file, there, part, seed)
        used = np.isin(file.group, file.group[index])
        free[part.data] &= ~(used & side)
        drawn[name] = _part(name, part, file, index, wanted)
    return drawn


def _labels_of(file: Prepared, part: PartEntry, name: str) -> list[int]:
    """The file's labels of the part's classes, in the part's order."""
    names = file.scene_names
    chosen = part.classes or names
    for label in chosen:
        if label not in names:
            raise SemcomError(
                f"parts.{name}: {label!r} is no class of {part.data}{nearest(label, names)}; it has "
                f"{', '.join(names[:20])}{' …' * (len(names) > 20)}"
            )
    return [names.index(label) for label in chosen]


def _check_enough(name: str, part: PartEntry, there: int) -> None:
    if there < (part.count or 1):
        of = f" of {', '.join(part.classes)}" if part.classes else ""
        raise SemcomError(
            f"parts.{name}: {part.count or 'some'} images{of} are wanted; {there} are left in the "
            f"{'training' if part.train else 'test'} part of {part.data} after the parts before it"
        )


def _take(file: Prepared, there: Indices, part: PartEntry, seed: int) -> Indices:
    """`part.count` of the positions `there`, whole groups in random order, the last one cut."""
    if part.count is None:
        return there
    groups = len(file.group_names)
    rank = np.random.default_rng([seed, 2, int(part.train)]).permutation(groups)
    order = there[np.argsort(rank[file.group[there]], kind="stable")]
    if part.role == "public":
        return np.sort(order[: part.count])
    quota = _quotas(file.scene[there], part.count)
    chosen = [order[file.scene[order] == label][:count] for label, count in quota.items()]
    return np.sort(np.concatenate(chosen))


def _quotas(labels: Indices, count: int) -> dict[int, int]:
    """How many of each class: in proportion, by largest remainder, the lower label first among equals."""
    classes, there = np.unique(labels, return_counts=True)
    exact = there * (count / len(labels))
    quota = np.floor(exact).astype(int)
    order = np.argsort(-(exact - quota), kind="stable")
    quota[order[: count - quota.sum()]] += 1
    return dict(zip(classes.tolist(), quota.tolist(), strict=True))


def _part(name: str, part: PartEntry, file: Prepared, index: Indices, wanted: list[int]) -> Part:
    public, bare = part.role == "public", file.scene_names == (UNLABELLED,)
    place = np.full(len(file.scene_names), -1)
    place[wanted] = np.arange(len(wanted))
    return Part(
        name=name,
        data=part.data,
        role=part.role,
        index=index,
        group=None if public else file.group[index],
        rgb=file.rgb,
        class_names=() if public or bare else tuple(file.scene_names[label] for label in wanted),
        _labels=None if public or bare else place[file.scene[index]],
    )
