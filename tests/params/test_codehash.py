"""What changes a job's code hash, on a copy of the package."""

import ast
import shutil
from pathlib import Path

import pytest

from semcom.files.errors import SemcomError
from semcom.params import source
from semcom.params.codehash import code_hash
from semcom.params.stagecode import STAGES

MMSSL, INTRA, RESNET = "semcom.losses.mmssl", "semcom.losses.intra", "semcom.models.resnet"


@pytest.fixture
def package(tmp_path) -> Path:
    return Path(
        shutil.copytree(source.PACKAGE, tmp_path / "semcom", ignore=shutil.ignore_patterns("__pycache__"))
    )


def hashes(package: Path) -> dict[str, str]:
    found = {name: code_hash(module, package=package) for name, module in STAGES.items()}
    for loss in (MMSSL, INTRA):
        found[loss] = code_hash(STAGES["pretrain"], loss, RESNET, package=package)
    return found


def changed(package: Path, file: str, old: str, new: str) -> set[str]:
    before = hashes(package)
    path = package / file
    text = path.read_text() if path.exists() else ""
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text + new)
    after = hashes(package)
    return {name for name in before if before[name] != after[name]}


def test_a_copy_elsewhere_has_the_same_hashes(package):
    assert hashes(package) == hashes(source.PACKAGE)


def test_a_new_loss_and_its_line_change_nothing(package):
    (package / "losses/new.py").write_text("class New:\n    pass\n")
    assert (
        changed(package, "losses/__init__.py", "LOSSES = {", 'LOSSES = {"new": "semcom.losses.new:New",')
        == set()
    )


def test_a_mended_loss_changes_what_uses_it(package):
    assert changed(package, "losses/mmssl.py", "", "\nX = 1\n") == {MMSSL}
    assert changed(package, "losses/correlation.py", "", "\nX = 1\n") == {MMSSL, INTRA}


def test_comments_docstrings_and_layout_change_nothing(package):
    everything = [path for path in package.rglob("*.py") if path.read_text().strip()]
    before = hashes(package)
    for path in everything:
        text = path.read_text()
        first = ast.parse(text).body[0]
        lines = text.splitlines()
        if ast.get_docstring(ast.parse(text)) is not None:
            lines[first.lineno - 1 : first.end_lineno] = ['"""Another docstring."""', "", ""]
        path.write_text("# A comment.\n" + "\n".join(lines) + "\n\n# The end.\n")
    assert hashes(package) == before


def test_what_no_result_depends_on_is_left_out(package):
    for file in (
        "cli/stages.py",
        "tracking/journal.py",
        "progress.py",
        "params/schema.py",
        "params/entries.py",
    ):
        assert changed(package, file, "", "\nX = 1\n") == set(), file


def test_the_training_loop_concerns_all_that_trains(package):
    concerned = changed(package, "training/loop.py", "", "\nX = 1\n")
    assert {"pretrain", "tune", "finetune", MMSSL, INTRA} <= concerned
    assert not {"prepare", "report"} & concerned


def write(package: Path, **files: str) -> None:
    for name, text in files.items():
        path = package / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "from semcom.room.b import x",
        "import semcom.room.b",
        "from semcom.room import b",
        "from .b import x",
        "from . import b",
        "from ..room import b",
        "def f():\n    if True:\n        from semcom.room import b",
        "class C:\n    import semcom.room.b as b",
    ],
)
def test_every_kind_of_import_is_followed(tmp_path, text):
    package = tmp_path / "semcom"
    write(package, room__a=text, room__b="x = 1", room__other="y = 1")
    (package / "__init__.py").write_text("")
    (package / "room/__init__.py").write_text("")
    before = code_hash("semcom.room.a", package=package)
    write(package, room__other="y = 2")
    assert code_hash("semcom.room.a", package=package) == before
    write(package, room__b="x = 22")
    assert code_hash("semcom.room.a", package=package) != before


def test_a_package_counts_with_its_modules(tmp_path):
    package = tmp_path / "semcom"
    write(package, room__a="x = 1")
    (package / "__init__.py").write_text("")
    (package / "room/__init__.py").write_text("")
    before = code_hash("semcom.room.a", package=package)
    (package / "room/__init__.py").write_text("import os")
    assert code_hash("semcom.room.a", package=package) != before


def test_a_dict_that_is_no_family_counts(tmp_path):
    package = tmp_path / "semcom"
    write(package, a='F = {"x": "semcom.b:C"}\nD = {"x": "text"}')
    before = code_hash("semcom.a", package=package)
    write(package, a='F = {"x": "semcom.b:C", "y": "semcom.c:D"}\nD = {"x": "text"}')
    assert code_hash("semcom.a", package=package) == before
    write(package, a='F = {"x": "semcom.b:C"}\nD = {"x": "other text"}')
    assert code_hash("semcom.a", package=package) != before


def test_a_module_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(SemcomError, match=r"no module semcom\.nowhere"):
        code_hash("semcom.nowhere")
