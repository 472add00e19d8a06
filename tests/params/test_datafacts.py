"""What the description of a data set forbids a params file, before anything is read."""

import pytest
import yaml
from pydantic import ValidationError

from semcom.files.errors import SemcomError
from semcom.params.datafacts import DataFacts, facts
from semcom.params.parts import PartEntry, faults
from semcom.params.start import start
from semcom.prepare.description import IMAGES, Description, write


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data.dvc").write_text("outs:\n- {path: data/rooms, md5: abc.dir}\n")
    (tmp_path / "data/rooms").mkdir(parents=True)
    return tmp_path


def describe(root, kind, **more):
    texts = {"title": "t", "licence": "l", "citation": "c", "depth": "d"}
    write(root / "data/rooms", Description(format=kind, classes=("cat", "dog"), **texts, **more))


def test_methods_with_depth_are_refused_on_a_set_without_it(root, config):
    describe(root, IMAGES)
    known = facts(root, "rooms")
    assert known == DataFacts(depth=False, classes=("cat", "dog"), fields=known.fields, train=None)
    assert {"title", "classes"} <= known.fields
    assert "objects" not in known.fields
    with pytest.raises(SemcomError) as caught:
        start(config, files=[], root=root)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("in the params:")
    assert len(lines) == 1 + len(config["methods"])
    for name in config["methods"]:
        assert any(
            f"methods.{name}.modalities: ['rgb', 'depth'], but the data set rooms has no depth; methods with "
            "modality depth cannot use it" in line
            for line in lines
        )


def test_a_method_of_colour_alone_is_refused_too(root, config):
    describe(root, IMAGES)
    name = next(iter(config["methods"]))
    alone = yaml.safe_load(yaml.safe_dump(config))
    alone["methods"] = {name: config["methods"][name] | {"modalities": ["rgb"], "pretrain": None}}
    with pytest.raises(
        SemcomError, match=f"methods.{name}.modalities: the data set rooms has no depth, and stud"
    ):
        start(alone, files=[], root=root)


@pytest.mark.parametrize(
    ("kind", "file"), [("nyuv2_pack", "meta.csv"), ("converted", "meta.csv"), ("rgbd", "pairs.csv")]
)
def test_a_batch_of_pretraining_larger_than_the_training_part_is_refused(root, config, kind, file):
    describe(root, kind, **({"depth_scale": 1000.0} if kind == "rgbd" else {}))
    lines = ["scene,split,group", *["cat,train,a"] * 64, *["dog,test,b"] * 9]
    (root / "data/rooms" / file).write_text("\n".join(lines) + "\n")
    assert facts(root, "rooms").train == 64
    sizes = {name: method["pretrain"] for name, method in config["methods"].items() if "pretrain" in method}
    for pretrain in sizes.values():
        pretrain["batch_size"] = 64
    start(config, files=[], root=root)
    sizes["mmssl"]["batch_size"] = 65
    with pytest.raises(SemcomError) as caught:
        start(config, files=[], root=root)
    said = "methods.mmssl.pretrain.batch_size: 65 is more than the 64 training frames of rooms, about a fifth"
    assert said in str(caught.value)
    assert str(caught.value).startswith("1 fault in")
    (root / "data/rooms" / file).write_text("scene\ncat\n")
    assert facts(root, "rooms").train is None
    start(config, files=[], root=root)


def test_sets_with_depth_and_sets_that_are_not_here_pass(root, config):
    describe(root, "nyuv2_pack")
    assert start(config, files=[], root=root).data == "abc.dir"
    for damaged in ("", "{", "[]", '{"format": "images"}', '{"format": "images", "classes": 3}'):
        (root / "data/rooms/dataset.json").write_text(damaged)
        assert facts(root, "rooms") is None
    (root / "data/rooms/dataset.json").unlink()
    start(config, files=[], root=root)


def said(parts, classes):
    entries = {name: PartEntry.model_validate(part) for name, part in parts.items()}
    return [str(fault) for fault in faults(entries, classes)]


def test_parts_that_do_not_go_together():
    known = {"pets": ("cat", "dog", "fox"), "later": None}
    public = {"data": "pets", "role": "public", "classes": ["cat", "dog"], "count": 9}
    assert (
        said({"p": public, "a": public | {"role": "private"}, "t": {"data": "pets", "role": "test"}}, known)
        == []
    )
    assert said({"p": public | {"classes": ["cat", "dgo"]}}, known) == [
        "parts.p.classes: 'dgo' is none of the classes of pets; did you mean 'dog'?; there are cat, dog, fox"
    ]
    assert said({"p": public | {"data": "later", "classes": ["x"]}}, known) == []
    all_of_it = {"data": "pets", "role": "private"}
    assert said({"a": all_of_it, "p": public}, known) == [
        "parts.p: a, before it, takes all that is left of pets; give a a count"
    ]
    # Other classes, and the test images, are not taken by it.
    some = all_of_it | {"classes": ["fox"]}
    assert said({"a": some, "p": public, "t": {"data": "pets", "role": "test"}}, known) == []


@pytest.mark.parametrize(
    "change",
    [{"role": "server"}, {"count": 0}, {"count": True}, {"classes": []}, {"classes": ["a", "a"]}, {"x": 1}],
)
def test_entries_out_of_range(change):
    with pytest.raises(ValidationError):
        PartEntry.model_validate({"data": "pets", "role": "public"} | change)
