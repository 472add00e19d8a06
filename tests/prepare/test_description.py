from pathlib import Path

import pytest
from pydantic import ValidationError

from semcom.files.errors import SemcomError
from semcom.prepare.description import FILE, NYU_CROP, Crop, Description, read, write

TEXTS = {"title": "Räume", "licence": "Apache-2.0", "citation": "none", "depth": "metres"}


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    given = Description(
        format="nyuv2_mat", mat="a.mat", splits="splits.mat", crop=NYU_CROP, classes=("x", "y"), **TEXTS
    )
    write(tmp_path, given)
    first = (tmp_path / FILE).read_bytes()
    assert read(tmp_path) == given
    write(tmp_path, read(tmp_path))
    assert (tmp_path / FILE).read_bytes() == first


def test_crop_at_full_size_and_in_proportion() -> None:
    # 1-based rows 45..471 and columns 41..601 at 640x480; the pack's README says 14..141 and 13..180.
    assert NYU_CROP.slices(640, 480) == (slice(44, 471), slice(40, 601))
    assert NYU_CROP.slices(192, 144) == (slice(13, 141), slice(12, 180))


def test_a_crop_outside_its_frame_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"rows 45..481 do not lie in 1..480"):
        Crop(rows=(45, 481), columns=(1, 2), size=(640, 480))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "nyuv2_mat"}, "only for it"),
        ({"format": "nyuv2_pack", "mat": "a.mat", "splits": "s.mat"}, "only for it"),
        ({"format": "nyuv2_mat", "mat": "../a.mat", "splits": "s.mat"}, "folder itself"),
        ({"format": "nyuv2_pack", "classes": ("a", "a")}, "twice"),
        ({"format": "nyuv2_pack", "colour": "red"}, "Extra inputs"),
    ],
)
def test_bad_descriptions(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Description.model_validate(TEXTS | fields)


def test_a_folder_without_or_with_a_broken_description(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="has no dataset.json"):
        read(tmp_path)
    (tmp_path / FILE).write_text('{"format": "nyuv3"}')
    with pytest.raises(SemcomError, match=r"dataset.json is not a valid description"):
        read(tmp_path)
