"""Tables beside pictures: CSV, and CelebA's lists in both of their forms."""

from pathlib import Path

import pytest
from picture_files import numbered, picture, write_tree

from semcom.files.errors import SemcomError
from semcom.prepare.images_store import Known, PictureSet
from semcom.prepare.layouts import layout
from semcom.prepare.trees import open_trees

PICTURES = numbered(*(f"img_align_celeba/{n:06d}.jpg" for n in range(1, 7)))
ATTRIBUTES = ("Eyeglasses", "Male", "Smiling")
VALUES = ((1, -1, 1), (-1, -1, -1), (1, 1, -1), (-1, 1, 1), (-1, 1, -1), (1, -1, 1))
PEOPLE, PARTS = (7, 7, 2, 2, 5, 9), (0, 0, 0, 0, 1, 2)


def found(path: Path, *, table: Path | None = None, label: str | None = None) -> PictureSet:
    return layout(open_trees([path]), name="mine", table=table, label=label)


def celeba_lists() -> dict[str, bytes]:
    """As they are published: columns of blanks, a count, names without one for the picture."""
    names = [f"{n:06d}.jpg" for n in range(1, 7)]
    lines = [f"{name} " + " ".join(f"{v:2d}" for v in v3) for name, v3 in zip(names, VALUES, strict=True)]
    return {
        "list_attr_celeba.txt": "\n".join(["6", " ".join(ATTRIBUTES) + " ", *lines]).encode(),
        "identity_CelebA.txt": "\n".join(f"{n} {p}" for n, p in zip(names, PEOPLE, strict=True)).encode(),
        "list_eval_partition.txt": "\n".join(f"{n} {p}" for n, p in zip(names, PARTS, strict=True)).encode(),
        "list_bbox_celeba.txt": b"6\nimage_id x_1 y_1\n000001.jpg 95 71\n",
    }


def celeba_csv() -> dict[str, bytes]:
    """As they are offered at Kaggle: CSV with headers; the identities have none."""
    names = [f"{n:06d}.jpg" for n in range(1, 7)]
    rows = [f"{name}," + ",".join(map(str, values)) for name, values in zip(names, VALUES, strict=True)]
    split = [f"{n},{p}" for n, p in zip(names, PARTS, strict=True)]
    return celeba_lists() | {
        "list_attr_celeba.txt": b"",
        "list_attr_celeba.csv": "\n".join(["image_id," + ",".join(ATTRIBUTES), *rows]).encode(),
        "list_eval_partition.csv": "\n".join(["image_id,partition", *split]).encode(),
    }


@pytest.mark.parametrize("lists", [celeba_lists, celeba_csv])
def test_celeba(lists, tmp_path):
    files = {name: data for name, data in lists().items() if data}
    if lists is celeba_csv:
        del files["list_eval_partition.txt"]
    given = found(write_tree(tmp_path, PICTURES | files), label="Male")
    assert given.attribute_names == ATTRIBUTES
    assert list(given.known.values()) == [
        Known(
            label="Male" if values[1] == 1 else "not_Male",
            split="test" if part == 2 else "train",  # the official validation part counts as train
            group=str(person),
            attributes=tuple(value == 1 for value in values),
        )
        for values, person, part in zip(VALUES, PEOPLE, PARTS, strict=True)
    ]
    assert dict(given.pictures) == PICTURES
    assert (dict(given.bad), given.unlabelled) == ({}, 0)


def test_the_class_of_celeba_must_be_named(tmp_path):
    write_tree(tmp_path, PICTURES | celeba_lists())
    with pytest.raises(
        SemcomError, match="which column .* is the class\\? .*there are: .*Eyeglasses, Male, Smiling"
    ):
        found(tmp_path)
    with pytest.raises(SemcomError, match="--label Smilling: .*did you mean Smiling?"):
        found(tmp_path, label="Smilling")
    people = found(tmp_path, label="identity").known.values()
    assert [(one.label, one.group) for one in people] == [(str(person), "") for person in PEOPLE]
    assert {one.label for one in found(tmp_path, label="none").known.values()} == {"unlabelled"}


def test_a_part_of_celeba_is_missing_pictures_and_knows_which(tmp_path):
    write_tree(tmp_path, dict(list(PICTURES.items())[:4]) | celeba_lists())
    given = found(tmp_path, label="Male")
    assert len(given.known) == 4
    assert given.bad == {f"{n:06d}.jpg": "named in the table, but not there" for n in (5, 6)}


CSV = (
    "\ufefffilename, label ,split,patient,age,old,path2\n"
    "b/2.png,cat,train,p1,9,1,x\na/1.png,dog,VAL,p2,7,0,x\n./3,dog,test,p3,8,1,y\n"
)


def test_a_csv_beside_the_pictures_or_given(tmp_path):
    """With a byte order mark, blanks, columns that are nothing, paths with and without an ending."""
    pictures = numbered("pics/a/1.png", "pics/b/2.png", "pics/3.png", "pics/extra.png")
    write_tree(tmp_path / "t", pictures)
    (tmp_path / "table.csv").write_text(CSV, encoding="utf-8")
    given = found(tmp_path / "t", table=tmp_path / "table.csv")
    assert dict(given.known) == {
        "pics/3.png": Known("dog", "test", "", (True,)),
        "pics/a/1.png": Known("dog", "train", "", (False,)),
        "pics/b/2.png": Known("cat", "train", "", (True,)),
    }
    assert (given.attribute_names, given.unlabelled) == (("old",), 1)
    write_tree(tmp_path / "t", {"table.csv": CSV.encode()})
    assert found(tmp_path / "t").known == given.known
    by_age = found(tmp_path / "t", label="age")
    assert [one.label for one in by_age.known.values()] == ["8", "7", "9"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,class\n1.png,a\n1.png,b\n", "names 1.png twice: keep one line"),
        ("image,class\n1.png,a,x\n", "line 1 of the values has 3, the header 2"),
        ("image,class,image\n1.png,a,1\n", "none may stand twice"),
        ("picture,class\n1.png,a\n", "has the columns picture, class: one of them must name the picture"),
        ("image,class,split\n1.png,a,later\n", "split 'later' is none of train, training"),
        ("image,class\n1.png,\n", "1.png in .*: class is empty"),
        ("image,kind\n1.png,a\n", "which column .*--label COLUMN.*there are: kind"),
        ("\n", "is empty: give a table"),
    ],
)
def test_faulty_tables(text, said, tmp_path):
    write_tree(tmp_path / "t", {"1.png": picture(1)})
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(SemcomError, match=said):
        found(tmp_path / "t", table=tmp_path / "t.csv")


def test_tables_that_are_no_text_missing_or_several(tmp_path):
    write_tree(tmp_path, {"1.png": picture(1), "a.csv": b"image,class\n1.png,x\n", "b.csv": b"\xff\xfe\x00"})
    with pytest.raises(SemcomError, match="has 2 CSV files, a.csv, b.csv.*say by --table which one"):
        found(tmp_path)
    with pytest.raises(SemcomError, match="b.csv is no table in UTF-8"):
        found(tmp_path, table=tmp_path / "b.csv")
    with pytest.raises(SemcomError, match="cannot read the table .*c.csv"):
        found(tmp_path, table=tmp_path / "c.csv")
    assert len(found(tmp_path, table=tmp_path / "a.csv").known) == 1


def test_one_picture_by_two_names_and_names_of_several_pictures(tmp_path):
    write_tree(tmp_path / "t", numbered("a/1.png", "b/1.png"))
    for text, known, bad in (
        ("a/1.png,x\na/1,y\n", {"a/1.png": "x"}, {"a/1": "named by two lines"}),
        ("1.png,x\nb/1.png,y\n", {"b/1.png": "y"}, {"1.png": "named in the table, but not there"}),
    ):
        (tmp_path / "t.csv").write_text("image,class\n" + text)
        given = found(tmp_path / "t", table=tmp_path / "t.csv")
        assert {name: one.label for name, one in given.known.items()} == known
        assert given.bad == bad
