"""`dataset.json`: what a raw data folder says about itself, so that nothing is guessed from its files."""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, MinLen
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from semcom.files.atomic import write_text
from semcom.files.errors import SemcomError
from semcom.prepare.classes import NYU10

FILE = "dataset.json"
LATER = ("depth_array", "objects", "depth_scale", "depth_coding", "fit")
"""Fields left out where they say nothing: sets from before they were there keep their bytes."""
Line = Annotated[int, Ge(1)]
Coding = Literal["linear", "sun", "nyu_raw"]
Fit = Literal["squash", "crop"]
IMAGES: Literal["images"] = "images"
"""The format of sets without depth."""


class Crop(BaseModel):
    """First and last row and column to keep (1-based, both included) in a frame of `size` (width, height).

    Frames of another size are cropped in proportion.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rows: tuple[Line, Line]
    columns: tuple[Line, Line]
    size: tuple[Line, Line]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        for name, (first, last), limit in (
            ("rows", self.rows, self.size[1]),
            ("columns", self.columns, self.size[0]),
        ):
            if not first <= last <= limit:
                raise ValueError(f"{name} {first}..{last} do not lie in 1..{limit}")
        return self

    def slices(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns to keep of a frame of `width` x `height` pixels."""
        rows, columns = height / self.size[1], width / self.size[0]
        return (
            slice(round((self.rows[0] - 1) * rows), round(self.rows[1] * rows)),
            slice(round((self.columns[0] - 1) * columns), round(self.columns[1] * columns)),
        )


NYU_CROP = Crop(rows=(45, 471), columns=(41, 601), size=(640, 480))
"""The usual valid part of NYU Depth V2: its frames have a white border, and its depth none near the rim."""


class Description(BaseModel):
    """The content of `data/NAME/dataset.json`.

    `format` names the reader: `nyuv2_mat` (a .mat in the layout of nyu_depth_v2_labeled.mat, named by
    `mat`, and a splits.mat, named by `splits`), `nyuv2_pack` or `converted` (both rgb.zip, depth.zip,
    meta.csv, as their modules say), `rgbd` (colour.zip, depth.zip, pairs.csv), `images` (images.zip,
    images.csv, left_out.csv), which has no depth.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    format: Literal["nyuv2_mat", "nyuv2_pack", "converted", "rgbd", "images"]
    title: str
    licence: str
    citation: str
    depth: str
    """Unit and origin of the raw depth, in words."""
    mat: str | None = None
    splits: str | None = None
    depth_array: Literal["depths", "rawDepths"] = "depths"
    """Depth in the .mat: with the holes filled in, or as the sensor gave it, 0 where it saw nothing."""
    objects: str | None = None
    """Behind the objects of each frame: a classMapping40.mat or the like, or the pack's objects40.csv."""
    depth_scale: Annotated[float, Gt(0)] | None = None
    """Values a metre of the format rgbd; none for the coding nyu_raw."""
    depth_coding: Coding = "linear"
    """What the values of the format rgbd are (`semcom.prepare.rgbd.CODINGS`)."""
    crop: Crop | None = None
    """None: the frames have no border."""
    fit: Fit = "squash"
    """How a frame of another shape comes to the prepared size: all of it, or its largest middle part of that
    shape."""
    classes: Annotated[tuple[str, ...], MinLen(1)] = NYU10
    """Scene classes in label order. A scene type that is none of them counts as `others` if that is one."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        named = (self.mat is not None, self.splits is not None)
        if named != ((self.format == "nyuv2_mat"),) * 2:
            raise ValueError("`mat` and `splits` are given for the format nyuv2_mat, and only for it")
        if self.format != "nyuv2_mat" and self.depth_array != "depths":
            raise ValueError("`depth_array` is for the format nyuv2_mat")
        scaled = self.format == "rgbd" and self.depth_coding != "nyu_raw"
        if (self.depth_scale is not None) != scaled or (
            self.format != "rgbd" and self.depth_coding != "linear"
        ):
            raise ValueError(
                "`depth_scale` is for the format rgbd, which needs it but for `depth_coding` nyu_raw"
            )
        for name in (self.mat, self.splits, self.objects):
            if name is not None and (Path(name).name != name or name == FILE):
                raise ValueError(f"{name!r} is not the name of a data file in the folder itself")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("`classes` names a class twice")
        if len(self.classes) < 2 and self.format != IMAGES:
            raise ValueError("`classes` needs two classes")
        return self

    def files(self) -> tuple[str, ...]:
        """Names of the raw files that the format needs, `dataset.json` aside."""
        extra = (self.objects,) if self.objects else ()
        if self.mat is not None and self.splits is not None:
            return (self.mat, self.splits, *extra)
        if self.format == "rgbd":
            return ("colour.zip", "depth.zip", "pairs.csv")
        if self.format == IMAGES:
            return ("images.zip", "images.csv", "left_out.csv")
        return ("rgb.zip", "depth.zip", "meta.csv", *extra)


def write(folder: Path, description: Description) -> None:
    """Write `folder/dataset.json` (sorted, indented, the same bytes for the same description)."""
    fields = Description.model_fields
    unused = {name for name in LATER if getattr(description, name) == fields[name].default}
    content = description.model_dump(mode="json", exclude=unused)
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    write_text(folder / FILE, text + "\n")


def read(folder: Path) -> Description:
    """The description of a data folder; an error if it is missing or not valid."""
    path = folder / FILE
    try:
        return Description.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SemcomError(
            f"{folder} has no {FILE}, so it is no data set of semcom: "
            f"add one with `semcom data add NAME PATH…`, or get the bundled ones with `dvc pull`"
        ) from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise SemcomError(f"{path} is not a valid description of a data set: {error}") from None
