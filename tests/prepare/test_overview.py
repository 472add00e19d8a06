import io
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console, RenderableType

from semcom.prepare.add import add
from semcom.prepare.overview import contact_sheet, details, listing


def text(shown: RenderableType, *, width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(shown)
    return console.export_text()


def test_list_and_show(clone: Path, pack: Path) -> None:
    add(clone, "nyuv2", [pack], name="mine")
    line, title = [line for line in text(listing(clone)).splitlines() if "mine" in line]
    assert title.split(maxsplit=1)[1].strip()
    for part in ("5 + 2", "24x18", "10", "4 + 2"):
        assert part in line
    assert "not here: `dvc pull data/rooms`" in text(listing(clone))
    narrow = text(listing(clone), width=80).splitlines()
    assert "rooms not here: `dvc pull data/rooms`" in " ".join(" ".join(narrow).split())
    assert any("mine" in line and "5 + 2" in line and "4 + 2" in line for line in narrow)
    shown = text(details(clone, "mine"))
    for part in ("7 of 24x18 pixels", "5 train, 2 test", "data/ matches it", "kitchen_run001 with 2 frames"):
        assert part in shown
    (kitchen,) = [line for line in shown.splitlines() if "│ kitchen " in line]
    assert [cell.strip() for cell in kitchen.split("│")[1:-1]] == [
        "1",
        "kitchen",
        "3",
        "1",
        "2",
        "1",
        "kitchen",
    ]
    with open(clone / "data" / "mine" / "meta.csv", "a") as file:
        file.write("8,train,cafe,others\n")
    assert "rgb.zip lacks 1 frames" in text(listing(clone))


def test_contact_sheet(pack: Path, tmp_path: Path) -> None:
    contact_sheet(pack, tmp_path / "x y" / "sheet.png")
    with Image.open(tmp_path / "x y" / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert min(pixels.shape[:2]) > 500
    # The far end of the depth scale is there, and so is plain white paper.
    assert (np.abs(pixels.astype(int) - (253, 231, 37)).sum(axis=2) < 30).any()
