"""Take folders of RGB-D pairs into data/ and register them with DVC."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare.add import place
from semcom.prepare.claim import claimed
from semcom.prepare.description import Coding, Description
from semcom.prepare.rgbd import CODINGS, COLUMNS, FILES, NEAR_M, Pair, read_table, store
from semcom.prepare.source import frames, open_files
from semcom.progress import Progress, log

LEAST_MEASURED = 0.2
"""Of disparities, over a whole set. Other codings have no such limit: what they call not measured is a 0 that
was written so, and depth of a laser scanner, or of single things, is honestly sparse."""

KINECT_M = 0.4
"""A Kinect measures nothing nearer; 0, a hole by other codings, would be a disparity of 0.32 m."""


def add_rgbd(
    root: Path,
    folders: Sequence[Path],
    *,
    name: str,
    table: Path | None,
    scale: float | None,
    coding: Coding = "linear",
    replace: bool = False,
) -> None:
    """Check every pair, pack them as they are into `root`/data/`name`, and register it; nothing is cropped.

    Args:
        root: the repository.
        folders: where the paths of the table begin; the first that has a file gives it.
        name: the folder in data/.
        table: CSV with the columns colour, depth, scene, split, group.
        scale: values of the depth pictures a metre; None for the coding nyu_raw.
        coding: what their values are.
        replace: a set of this name.

    Raises:
        SemcomError: the name is taken; table, scale or a file is missing or not what it should be; depth is
            not that of rooms.
    """
    if table is None:
        raise SemcomError(f"--table is missing: a CSV file with the columns {', '.join(COLUMNS)}")
    with claimed(root, name, replace=replace):
        pairs = read_table(table)
        description = _describe(pairs, folders, name=name, scale=scale, coding=coding)
        with TemporaryDirectory(prefix=f".{name}.pairs.", dir=root / "data") as packed:
            store(folders, pairs, Path(packed))
            files = {file: Path(packed, file) for file in FILES}
            measured = _look(files, description)
            place(root, name, files, description)
        version = data_version(root, name)
    train = sum(pair.split == "train" for pair in pairs)
    log.info(
        "data/%s: %d pairs (%d train, %d test), %d classes, %d groups, %.0f %% of depth measured; "
        "registered, version %s. Keep it: git add data/%s.dvc data/.gitignore",
        *(name, len(pairs), train, len(pairs) - train, len(description.classes)),
        *(len({pair.group for pair in pairs}), 100 * measured, version, name),
    )


def _describe(
    pairs: Sequence[Pair], folders: Sequence[Path], *, name: str, scale: float | None, coding: Coding
) -> Description:
    """What is known before the first picture is read, if the options fit together."""
    if scale is None and coding != "nyu_raw":
        raise SemcomError(
            f"--depth-scale is missing: with --depth-coding {coding} ({CODINGS[coding]}) it is the values a "
            "metre, over 0, such as 1000 for millimetres"
        )
    if scale is not None and (coding == "nyu_raw" or not scale > 0):
        raise SemcomError(
            f"--depth-scale {scale} with --depth-coding {coding} ({CODINGS[coding]}): give the values "
            "a metre, over 0, such as 1000 for millimetres; nyu_raw has none"
        )
    for folder in folders:
        if not folder.is_dir():
            raise SemcomError(f"there is no folder {folder}")
    return Description(
        format="rgbd",
        title=f"{name}: {len(pairs)} RGB-D pairs",
        licence="not stated",
        citation="not stated",
        depth=f"16 bit, {CODINGS[coding]}" + (f", scale {scale:g}" if scale else ""),
        depth_scale=scale,
        depth_coding=coding,
        classes=tuple(sorted({pair.scene for pair in pairs})),
    )


def _look(files: dict[str, Path], description: Description) -> float:
    """Read every pair; the share of pixels with a measured depth."""
    far, shares = 0.0, []
    nearest = KINECT_M if description.depth_coding == "nyu_raw" else 0
    with open_files(files, description) as source:
        progress = Progress(len(source.rows))
        for number, frame in enumerate(frames(source), 1):
            far = max(far, float(frame.metres.max()))
            shares.append(float((frame.metres > nearest).mean()))
            progress.step(number, f"checked {number} of {len(source.rows)} pairs")
    measured = sum(shares) / len(shares)
    if description.depth_coding == "nyu_raw" and measured < LEAST_MEASURED:
        others = "; ".join(f"{coding}: {text}" for coding, text in CODINGS.items() if coding != "nyu_raw")
        raise SemcomError(
            f"{100 * measured:.1f} % of depth would be measured by --depth-coding nyu_raw "
            f"({CODINGS['nyu_raw']}); a Kinect measures most of a room, so under "
            f"{100 * LEAST_MEASURED:g} % the values are something else. Give another --depth-coding, "
            f"with its --depth-scale (millimetres: linear, 1000): {others}"
        )
    if far < NEAR_M:
        raise SemcomError(
            f"no depth of {len(shares)} pairs is over {far:.3g} m with the scale "
            f"{description.depth_scale or 1:g}: no room is that small; "
            f"give the values a metre by --depth-scale (millimetres 1000)"
        )
    return measured
