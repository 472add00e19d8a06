"""The examples of docs/guided.md run as they stand, and its figures are those of the code."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from semcom.cli import app
from semcom.frames.prepared import Prepared
from semcom.models import BACKBONES
from semcom.models.cost import multiply_adds
from semcom.params.component import build
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory

PAGE = (Path(__file__).parents[2] / "docs/guided.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SIZES = ((28, 28), (32, 32), (64, 48))


def run(code: str) -> dict:
    names: dict = {}
    exec(compile(code, "docs/guided.md", "exec"), names)
    return names


def test_the_example_of_a_guide_runs() -> None:
    names = run(EXAMPLES[0])
    assert names["logs"]["negatives"] == 31 + 16
    assert names["embedding"].grad.norm() > 0


def test_the_example_of_a_consensus_shows_what_a_map_is_for() -> None:
    torch.manual_seed(0)
    names = run(EXAMPLES[1])
    apart, joined = (
        [row["accuracy"] for row in names[table] if row["owner"] != row["guest"]]
        for table in ("apart", "joined")
    )
    assert max(apart) < 0.6
    assert min(joined) > 0.85


def test_the_example_of_a_private_base_finds_classes_in_it() -> None:
    names = run(EXAMPLES[2])
    assert names["right"] > 0.95
    assert names["found"].position.shape == (200, 5)
    assert 0.2 < names["found"].private.mean() < 0.8


def test_the_commands_run(prepared_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On fewer and smaller images, under a base of drawn vectors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/data").mkdir(parents=True)
    (tmp_path / "results/data/rooms_48x36.h5").symlink_to(prepared_file)
    ids = Prepared.open(prepared_file).index
    vectors = np.random.default_rng(0).normal(size=(len(ids), 16)).astype(np.float32)
    SharedBase.build(InMemory(vectors, ids), form="SQ8").save(tmp_path / "results/pq8.skb")
    (block,) = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for said, small in (
        ('"rooms",', '"drawn",'),
        ("300", "50"),
        ("[100]", "[20]"),
        ('"patch":12', '"patch":8'),
    ):
        assert said in block
        block = block.replace(said, small)
    values: dict[str, str] = {}
    for line in filter(None, block.splitlines()):
        name, assigns, value = line.partition("='")
        if assigns and name.isalpha():
            values[name] = value.removesuffix("'")
            continue
        words = [re.sub(r"\$([a-z]+)", lambda m: values[m[1]], word) for word in shlex.split(line)]
        done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
    probe = pd.read_csv("results/probe.csv")
    assert set(probe["target"]) == {"rooms", "none"}
    assert probe.loc[probe["head"] == "linear", "value"].notna().all()
    compared = pd.read_csv("results/consensus.csv")
    assert {("resnet", "vit", 20), ("vit", "resnet", 0)} <= set(
        compared[["owner", "guest", "shared_images"]].itertuples(index=False, name=None)
    )


@pytest.mark.parametrize(
    ("row", "options"),
    [
        ("`{use: mobilenet_v3_small}`", {"use": "mobilenet_v3_small"}),
        ("`{use: resnet18, width_mult: 0.5}`", {"use": "resnet18", "width_mult": 0.5}),
        ("`{use: vit}`; at 64×48 `patch: 8`", {"use": "vit"}),
    ],
)
def test_the_table_of_local_encoders(row, options) -> None:
    (cells,) = [line.split("|")[2:-1] for line in PAGE.splitlines() if line.startswith(f"| {row} |")]
    said = [cell.strip() for cell in cells]
    for text, (width, height) in zip(said[1:], SIZES, strict=True):
        more = {"patch": 8} if options["use"] == "vit" and width == 64 else {}
        net = build(BACKBONES, options | more, 3, (width, height))
        assert text == f"{multiply_adds(net, torch.zeros(1, 3, height, width)) / 1e6:.1f} M"
        if not more:
            assert said[0] == f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f} M"
