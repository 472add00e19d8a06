import csv
from pathlib import Path

import pytest

from semcom.files.errors import SemcomError
from semcom.prepare.classes import NYU10, label


def test_the_order_is_that_of_the_table_in_the_literature(real: Path) -> None:
    with open(real / "nyuv2_meta" / "scene27_to_scene10.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == 27
    for line in table:
        assert label(line["scene27"]) + 1 == int(line["scene10_id"])
        assert NYU10[label(line["scene27"])] == line["scene10"]


def test_a_type_that_is_no_class() -> None:
    assert label("excercise_room") == 9
    assert label("b", classes=("a", "b")) == 1
    with pytest.raises(SemcomError, match=r"'cafe' is none of the 2 classes \(a, b\)"):
        label("cafe", classes=("a", "b"))
