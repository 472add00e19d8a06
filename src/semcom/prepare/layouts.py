"""Which layout a tree of pictures has, and what it says of each picture.

    CLASS/picture                              class folders; a folder above all of them does not count
    train/CLASS/picture, test/…, val/…         class folders in split folders
    train/CLASS/images/…, val/val_annotations.txt    Tiny ImageNet
    pictures and a CSV, or CelebA's lists      tables, see `semcom.prepare.tables`

`val` is test where there is no test part with classes, else train: validation is taken from train here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from semcom.files.errors import SemcomError
from semcom.frames.prepared import UNLABELLED
from semcom.prepare import cifar, table_files, tables
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.trees import Tree, is_picture

NONE = "none"
"""`--label none`: a set without classes."""
PARTS = {name: part for part, names in tables.PARTS.items() for name in names if name.isalpha()}
"""Names of split folders, in lower case, and the part that they are."""
TINY = "val_annotations.txt"
LAYOUTS = (
    "CLASS/picture; train/CLASS/picture and test/CLASS/picture (or val/); Tiny ImageNet; pictures and a CSV "
    "with a column for the file and one for the class (--table); CelebA's list_attr, identity and partition"
)


def layout(tree: Tree, *, name: str, table: Path | None, label: str | None) -> PictureSet:
    """The set in a tree of pictures.

    Args:
        tree: a folder or an archive.
        name: what the set is called.
        table: a CSV of the pictures, beside the tree or in it; None: one in the tree, if any.
        label: column or attribute that is the class; `none` for a set without classes.

    Raises:
        SemcomError: no picture, no layout that is known, a class folder without pictures, or a faulty table.
    """
    pictures = [file for file in tree.names if is_picture(file)]
    if not pictures:
        raise SemcomError(f"{tree.where} holds no picture, but {_found(tree)}: known are {LAYOUTS}")
    read = table_files.find(tree, table)
    if read:
        return _set(tree, tables.known(read, pictures, label=label), name)
    if label not in (None, NONE):
        raise SemcomError(f"--label {label}: {tree.where} has no table with columns; leave it out")
    if label == NONE:
        return _set(tree, tables.Found({file: Known(UNLABELLED) for file in pictures}), name)
    annotations = [file for file in tree.names if PurePosixPath(file).name == TINY]
    found = _tiny(tree, pictures, annotations[0]) if annotations else _folders(tree, pictures)
    return _set(tree, found, name)


def _set(tree: Tree, found: tables.Found, name: str) -> PictureSet:
    kept = found.known
    labels = {one.label for one in kept.values()}
    known_as_cifar = labels == set(cifar.CLASSES)
    return PictureSet(
        title="CIFAR-10 (JPEG)" if known_as_cifar and _jpeg(kept) else f"{name}: {len(kept)} pictures",
        known=kept,
        pictures=tree.read(kept),
        attribute_names=found.attribute_names,
        bad=found.bad,
        unlabelled=found.unlabelled,
        licence=cifar.LICENCE if known_as_cifar else "not stated",
        citation=cifar.CITATION if known_as_cifar else "not stated",
    )


def _jpeg(kept: Mapping[str, Known]) -> bool:
    return all(name.lower().endswith((".jpg", ".jpeg")) for name in kept)


def _folders(tree: Tree, pictures: Sequence[str]) -> tables.Found:
    """Class folders, with split folders around them or without."""
    depth = _common(pictures)
    parts = [tuple(PurePosixPath(file).parts[depth:]) for file in pictures]
    first = {place[0].lower() for place in parts if len(place) > 1}
    splits = len(first) > 1 and first <= PARTS.keys()
    level = depth + splits
    below = {file: place[splits:] for file, place in zip(pictures, parts, strict=True)}
    labelled = {file: place[0] for file, place in below.items() if len(place) > 1}
    if not labelled:
        raise SemcomError(
            f"{tree.where} holds {len(pictures)} pictures, {pictures[0]} first, but no folders of classes. "
            "Nearest: put the pictures of each class into a folder of its name, give a --table, or "
            f"--label none for a set without classes. Known are {LAYOUTS}"
        )
    _check_empty(tree, level, splits, depth, pictures)
    side = {file: PARTS[PurePosixPath(file).parts[depth].lower()] if splits else None for file in labelled}
    return tables.Found(_with_splits(labelled, side), unlabelled=len(pictures) - len(labelled))


def _common(pictures: Sequence[str]) -> int:
    """How many folders all pictures have in common."""
    places = [PurePosixPath(file).parts[:-1] for file in pictures]
    depth = 0
    while all(len(place) > depth for place in places) and len({place[depth] for place in places}) == 1:
        depth += 1
    return depth


def _with_splits(labelled: Mapping[str, str], side: Mapping[str, str | None]) -> dict[str, Known]:
    split = tables.counts_as({part for part in side.values() if part})
    return {file: Known(label, split.get(side[file] or "")) for file, label in labelled.items()}


def _check_empty(tree: Tree, level: int, splits: int, depth: int, pictures: Sequence[str]) -> None:
    """Refuse class folders without pictures."""
    filled = {PurePosixPath(file).parts[: level + 1] for file in pictures}
    prefix = PurePosixPath(pictures[0]).parts[:depth]
    places = [PurePosixPath(folder).parts for folder in tree.folders]
    empty = [
        place
        for place in places
        if len(place) == level + 1
        and place[:depth] == prefix
        and place not in filled
        and (not splits or place[depth].lower() in PARTS)
    ]
    if empty:
        raise SemcomError(
            f"{tree.where}: the class folder {'/'.join(empty[0])} is empty of pictures"
            + (f", and {len(empty) - 1} more are" if len(empty) > 1 else "")
            + ": fill it, or take it away if it is no class"
        )


def _tiny(tree: Tree, pictures: Sequence[str], annotations: str) -> tables.Found:
    """Tiny ImageNet: train by folders, val by its table; the pictures of test have no class."""
    home = PurePosixPath(annotations).parent
    root = home.parent
    ((_, data),) = tree.read([annotations])
    lines = [line.split("\t") for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    if not all(len(line) >= 2 for line in lines):
        raise SemcomError(f"{annotations} of {tree.where} must have a file and a class a line, tabs between")
    val = {str(home / "images" / line[0]): line[1] for line in lines}
    inside = {file: PurePosixPath(file).relative_to(root).parts for file in pictures}
    train = {file: place[1] for file, place in inside.items() if place[0] == "train" and len(place) > 2}
    there = set(pictures)
    known = {file: Known(label, "train") for file, label in train.items()}
    known |= {file: Known(label, "test") for file, label in sorted(val.items()) if file in there}
    bad = {file: f"named in {TINY}, but not there" for file in val if file not in there}
    return tables.Found(known, bad=bad, unlabelled=len(pictures) - len(known))


def _found(tree: Tree) -> str:
    """What else a tree holds, in words."""
    endings = Counter(PurePosixPath(file).suffix or PurePosixPath(file).name for file in tree.names)
    if cifar.find(tree):
        return "the batches of CIFAR-10 (semcom data add cifar10 …)"
    if any("ubyte" in file for file in tree.names):
        return "IDX files (semcom data add fashion_mnist … or idx …)"
    listed = ", ".join(f"{count} × {ending}" for ending, count in endings.most_common(4))
    return listed or "no file at all"
