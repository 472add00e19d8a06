"""docs/knowledge.md: its commands and its Python run, one after the other."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from semcom.params.form import parse
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.private import Found, PrivateBase
from semcom.quantise.shared import SharedBase

PAGE = (Path(__file__).parents[2] / "docs/knowledge.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def place(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's prepared file, where its commands have run."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "results/data").mkdir(parents=True)
    (folder / "results/data/rooms_48x36.h5").symlink_to(prepared_file)
    commands = re.findall(r"^    (semcom knowledge .*)$", PAGE, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        words = command.replace("semcom", f"{sys.executable} -m semcom", 1)
        subprocess.run(words, shell=True, cwd=folder, check=True, capture_output=True, env=os.environ)
    return folder


def test_the_commands_make_a_base(place: Path) -> None:
    base = SharedBase.load(place / "results/pq8.skb")
    assert (base.about.asked, len(base), base.about.dim) == ("PCA32,PQ8", 100, 1280)
    assert sum(base.sizes().values()) == (place / "results/pq8.skb").stat().st_size


def test_the_python_runs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    code, private = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    base, public = names["base"], names["public"]
    assert isinstance(base, SharedBase)
    assert isinstance(public, Embeddings)
    assert len(base) == len(public) == 150
    assert names["position"].shape == (5, 10)
    own = public.vectors()[:5]
    cosines = (names["targets"] * own).sum(1) / np.linalg.norm(own, axis=1)
    assert (cosines > 0.9).all()
    assert "PCA32,PQ8x1" in capsys.readouterr().out
    exec(private, names)
    built, found, path = names["built"], names["found"], place / "results/mine.pkb"
    assert isinstance(built, PrivateBase)
    assert isinstance(found, Found)
    assert sum(built.sizes().values()) == path.stat().st_size
    assert set(names["names"]) <= {"a", "b", "c"}
    assert found.position.shape == (5, 10)
    assert found.private[:, 0].all(), "each is nearest to its own entry, which SQ8 keeps better than PQ8"


def test_every_form_of_the_table_is_one() -> None:
    table = PAGE.partition("## Forms")[2].partition("**Size")[0]
    first = [line.split("|")[1] for line in table.splitlines() if "|" in line]
    parts = re.findall(r"`([A-Z]\w+)`", "".join(first))
    assert len(parts) == 18
    for part in parts:
        form = f"{part},Flat" if re.match("OPQ|PCA|RR|IVF", part) else part
        assert parse(f"IVF8,{form}" if part.endswith("fsr") else form)
