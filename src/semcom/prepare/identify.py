"""Which raw files of NYU Depth V2 a user has: the small pack, or the labelled .mat and what goes with it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from semcom.files.errors import SemcomError
from semcom.prepare.description import Description

Depth = Literal["filled", "raw"]
PACK = ("rgb.zip", "depth.zip", "meta.csv")
PACK_OBJECTS = "objects40.csv"
MAT, SPLITS, MAPPING = "nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"
CITATION = (
    "N. Silberman, D. Hoiem, P. Kohli, R. Fergus, "
    "Indoor Segmentation and Support Inference from RGBD Images, ECCV 2012"
)
LICENCE = "none given by its authors; offered for research with the request to cite it; not to be republished"
DEPTHS: dict[Depth, tuple[Literal["depths", "rawDepths"], str]] = {
    "filled": ("depths", "single, metres, filled in (`depths`)"),
    "raw": ("rawDepths", "single, metres, 0 where nothing was measured (`rawDepths`)"),
}
EXPECTED = f"give the folder of the small pack, or {MAT} and its {SPLITS} (and {MAPPING} for objects)"


def identify(paths: Sequence[Path], *, depth: Depth = "filled") -> tuple[dict[str, Path], Description]:
    """Which raw files the given folder or files are, by the names they get, and their description.

    Raises:
        SemcomError: something is missing, or the small pack is to have raw depth.
    """
    for path in paths:
        if not path.exists():
            raise SemcomError(f"there is no {path}")
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        if any((folder / name).is_file() for name in PACK):
            return _pack(folder, depth)
        mats = [path for path in sorted(folder.glob("*.mat")) if _kind(path) != "other"]
        if not mats:
            raise SemcomError(f"{folder} has neither {', '.join(PACK)} nor a .mat: {EXPECTED}")
        return _mat(mats, depth)
    if len(paths) == 1 and _kind(paths[0]) == "labelled":
        beside = [paths[0].with_name(name) for name in (SPLITS, MAPPING)]
        return _mat([*paths, *(path for path in beside if path.is_file())], depth)
    return _mat(paths, depth)


def _pack(folder: Path, depth: Depth) -> tuple[dict[str, Path], Description]:
    missing = [name for name in PACK if not (folder / name).is_file()]
    if missing:
        raise SemcomError(f"{folder} lacks {', '.join(missing)}, which the small pack needs: copy it again")
    if depth != "filled":
        raise SemcomError(f"--depth {depth}: the small pack has the filled-in depth only; give the .mat")
    objects = PACK_OBJECTS if (folder / PACK_OBJECTS).is_file() else None
    names = (*PACK, objects) if objects else PACK
    return {name: folder / name for name in names}, Description(
        format="nyuv2_pack",
        title="NYU Depth V2, labelled set, as the small pack",
        licence=LICENCE,
        citation=CITATION,
        depth="8 bit, metres = (value + 0.5) * 9.9955 / 255, of the filled-in depth",
        objects=objects,
    )


def _mat(paths: Sequence[Path], depth: Depth) -> tuple[dict[str, Path], Description]:
    kinds = [(_kind(path), path) for path in paths]
    labelled, splits, mappings, others = (
        [path for kind, path in kinds if kind == wanted]
        for wanted in ("labelled", "splits", "mapping", "other")
    )
    if len(splits) != 1 or len(labelled) != 1 or len(mappings) > 1 or others:
        raise SemcomError(
            f"{len(labelled)} labelled .mat and {len(splits)} {SPLITS}, {len(mappings)} {MAPPING} and "
            f"{len(others)} other files were found in {', '.join(map(str, paths))}: {EXPECTED}"
        )
    files = {MAT: labelled[0], SPLITS: splits[0]} | ({MAPPING: mappings[0]} if mappings else {})
    array, words = DEPTHS[depth]
    return files, Description(
        format="nyuv2_mat",
        title="NYU Depth V2, labelled set",
        licence=LICENCE,
        citation=CITATION,
        depth=words,
        mat=MAT,
        splits=SPLITS,
        depth_array=array,
        objects=MAPPING if mappings else None,
    )


def _kind(path: Path) -> Literal["labelled", "splits", "mapping", "other"]:
    """By content: the frames are a .mat of version 7.3, too large for 5, in which all others are."""
    from scipy.io import whosmat

    if not path.is_file():
        return "labelled"
    with open(path, "rb") as file:
        head = file.read(10)
    members: set[str] = set()
    if head == b"MATLAB 5.0":
        try:
            members = {name for name, *_ in whosmat(path)}
        except Exception:  # damaged: its reader says how
            members = set()
    if "mapClass" in members or "mapping40" in path.name.lower():
        return "mapping"
    if "trainNdxs" in members or (head != b"MATLAB 7.3" and "split" in path.name.lower()):
        return "splits"
    return "other" if head == b"MATLAB 5.0" else "labelled"
