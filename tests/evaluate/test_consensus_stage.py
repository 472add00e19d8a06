"""Encoders that are copies of each other, or rolled ones, and what their heads are worth to each other."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import coloured
from coloured import PARTS, TRUE
from semcom.cli import app
from semcom.evaluate import consensus
from semcom.files.errors import SemcomError
from semcom.frames.parts import Part
from semcom.metrics import outcomes
from semcom.params.crlsc.entries import ConsensusEntry
from semcom.params.entries import to_json

KEYS = ["owner", "guest", "shared_images", "head"]
HEADS = ("linear", "class_mean", "knn", "retrieval")


def entry(rolls: dict[str, int], *, maps: tuple[int, ...] = (20,)) -> ConsensusEntry:
    return ConsensusEntry.model_validate(
        {
            "study": "s",
            "data": "d",
            "code": "c",
            "compute": {},
            "seed": 1,
            "parts": PARTS,
            "method": "guided",
            "networks": {name: coloured.network(roll) for name, roll in rolls.items()},
            "target": {"train": "own", "test": "test"},
            "shared": "public",
            "consensus": {"target": "colours", "maps": maps},
            "neighbours": 3,
        }
    )


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured.images(tmp_path_factory.mktemp("frames"))


def files(folder: Path, given: ConsensusEntry, *, dim: int) -> list[Path]:
    return [coloured.encoder(folder / f"{name}.pt", net, dim=dim) for name, net in given.networks.items()]


def measured(folder: Path, given: ConsensusEntry, frames: Path, *, dim: int) -> pd.DataFrame:
    encoders = files(folder, given, dim=dim)
    consensus.run(
        given,
        frames=[frames],
        encoders=encoders,
        table=folder / "t.csv",
        outcomes=folder / "t.npz",
        journal=folder / "j.jsonl",
    )
    table = pd.read_csv(folder / "t.csv")
    assert not table.duplicated(["space", *KEYS, "metric"]).any()
    space = "space" if dim else "features"
    return table[table["space"] == space].set_index(KEYS)


def test_copies_in_one_space_understand_each_other_without_a_map(tmp_path: Path, frames: Path) -> None:
    found = measured(tmp_path, entry({"a": 0, "b": 0}), frames, dim=3)
    for pair in (("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")):
        for head in HEADS:
            row = found.loc[(*pair, 0, head)]
            assert row["value"] == row["own_value"] == pytest.approx(TRUE)
            assert row["exchanged_bytes"] == 0
            assert row["metric"] == ("precision" if head == "retrieval" else "accuracy")
    assert found.loc[("a", "b", 20, "linear"), "exchanged_bytes"] == 20 * 3 * 2
    assert ("a", "a", 20, "linear") not in found.index, "nobody needs a map to itself"


def test_unlike_spaces_meet_through_a_map_alone(tmp_path: Path, frames: Path) -> None:
    """One says the colours in another order: without a map all its red is the other's green."""
    rolled = entry({"a": 0, "b": 1})
    apart = measured(tmp_path, rolled, frames, dim=3)
    assert apart.loc[("a", "b", 0, "linear"), "value"] <= 1 - TRUE
    assert apart.loc[("a", "b", 0, "linear"), "own_value"] == pytest.approx(TRUE)
    assert apart.loc[("a", "b", 20, "linear"), "value"] == pytest.approx(TRUE)
    without = measured(tmp_path, rolled, frames, dim=0)
    assert set(without.index.get_level_values("shared_images")) == {0, 20}
    alone = without.xs(0, level="shared_images").reset_index()
    assert (alone["owner"] == alone["guest"]).all(), (
        "encoders of no common space are not compared as they are"
    )
    for head in HEADS:
        assert without.loc[("b", "a", 20, head), "value"] == pytest.approx(TRUE)


def test_which_images_are_right_is_kept_of_each_head(tmp_path: Path, frames: Path) -> None:
    found = measured(tmp_path, entry({"a": 0, "b": 1}), frames, dim=3)
    kept = outcomes.read(tmp_path / "t.npz")
    assert list(kept) == ["colours"]
    right = kept["colours"].right
    pairs = {("a", "b", 0), ("b", "a", 0), ("a", "a", 0), ("b", "b", 0), ("a", "b", 20), ("b", "a", 20)}
    assert {name for name in right if name.startswith("space/")} == {
        f"space/{shared}/{owner}/{guest}{head}"
        for owner, guest, shared in pairs
        for head in ("", "/class_mean", "/knn")
    }
    for pair in pairs:
        owner, guest, shared = pair
        for head in ("linear", "class_mean", "knn"):
            value = found.loc[(*pair, head), "value"]
            name = outcomes.across("space", shared, owner, guest, head)
            assert right[name].mean() == pytest.approx(value)


def test_labels_of_shared_images_are_never_read(
    tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    asked = Part.labels.fget
    assert asked is not None
    monkeypatch.setattr(Part, "labels", property(lambda part: (read.append(part.name), asked(part))[1]))
    measured(tmp_path, entry({"a": 0, "b": 1}), frames, dim=0)
    assert set(read) == {"own", "test"}


def test_too_few_shared_images_or_files_are_refused(tmp_path: Path, frames: Path) -> None:
    with pytest.raises(SemcomError, match="a map on 31 shared images, but there are 30; take at most those"):
        measured(tmp_path, entry({"a": 0, "b": 1}, maps=(31,)), frames, dim=0)
    given = entry({"a": 0, "b": 1})
    (one, _) = files(tmp_path, given, dim=0)
    with pytest.raises(SemcomError, match="1 files for the encoders a, b: give one for each, in order"):
        consensus.run(
            given,
            frames=[frames],
            encoders=[one],
            table=tmp_path / "t",
            outcomes=tmp_path / "o",
            journal=tmp_path / "j",
        )


def test_an_encoder_whose_features_are_not_finite_is_named(tmp_path: Path, frames: Path) -> None:
    """Its weights are finite, so that they can be loaded."""
    given = entry({"a": 0, "b": 1})
    one, _ = files(tmp_path, given, dim=0)
    broken = coloured.encoder(tmp_path / "broken.pt", given.networks["b"], dim=0, scale=3e38)
    with pytest.raises(
        SemcomError, match=r"broken\.pt: the encoder's features of own are not finite; remove"
    ):
        consensus.run(
            given,
            frames=[frames],
            encoders=[one, broken],
            table=tmp_path / "t",
            outcomes=tmp_path / "o",
            journal=tmp_path / "j",
        )


def test_the_verb(tmp_path: Path, frames: Path) -> None:
    given = entry({"a": 0, "b": 0})
    words = ["evaluate", "consensus", to_json(given), f"--frames={frames}"]
    words += [f"--encoder={file}" for file in files(tmp_path, given, dim=3)]
    words += [f"--table={tmp_path / 't.csv'}", f"--outcomes={tmp_path / 't.npz'}"]
    words += [f"--journal={tmp_path / 'j.jsonl'}", f"--log={tmp_path / 'l'}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "maps of 20 shared images" in (tmp_path / "l").read_text()
    first = [(tmp_path / name).read_bytes() for name in ("t.csv", "t.npz")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert [(tmp_path / name).read_bytes() for name in ("t.csv", "t.npz")] == first
