"""`semcom knowledge shared`: what the verb writes, from real embeddings of drawn frames."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from semcom.cli import app
from semcom.files.errors import SemcomError
from semcom.knowledge import embed, shared
from semcom.params.entries import to_json
from semcom.params.shared import EmbedEntry, SharedEntry
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.shared import SharedBase

PLACE = {"study": "test", "data": "0", "code": "1", "compute": {}}
RANDOM = {"use": "efficientnet_lite0", "size": [32, 32], "weights": "random"}


@pytest.fixture(scope="module")
def embeddings(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("embeddings")
    entry = EmbedEntry.model_validate({**PLACE, "name": "lite0", "mentor": RANDOM})
    files = {"output": folder / "e.h5", "journal": folder / "j", "states": folder / "s"}
    embed.run(prepared_file, entry, **files)
    return folder / "e.h5"


def entry(**changes: object) -> SharedEntry:
    return SharedEntry.model_validate({**PLACE, "name": "pq", "seed": 0, "form": "PCA32,PQ8x1", **changes})


def built(embeddings: Path, folder: Path, like: SharedEntry, **more: object) -> tuple[SharedBase, pd.Series]:
    files = {"base": folder / "b.skb", "table": folder / "b.csv", "journal": folder / "b.jsonl"}
    shared.run(embeddings, like, **files, **more)
    (row,) = (row for _, row in pd.read_csv(folder / "b.csv").iterrows())
    return SharedBase.load(folder / "b.skb"), row


def test_the_base_holds_the_training_images_and_the_table_says_its_bytes(
    embeddings: Path, tmp_path: Path
) -> None:
    base, row = built(embeddings, tmp_path, entry())
    every = Embeddings.open(embeddings)
    assert np.array_equal(base.ids, every.index[every.train])
    assert base.about.mentor == every.mentor
    assert base.about.sources == ((every.data, 100),)
    assert row.form == row.trained == "PCA32,PQ8x1"
    assert (row.vectors, row.trained_on, row.dim) == (100, 100, 1280)
    assert row.bytes == (tmp_path / "b.skb").stat().st_size
    parts = [value for name, value in row.items() if name.startswith("bytes_")]
    assert sum(parts) == row.bytes
    assert row.bytes_codes == 100
    assert row.bytes_rotation == 4 * (32 * 1280 + 32 + 1280)
    own = every.take(every.train).vectors()
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    assert row.cosine == pytest.approx((own * base.decode()).sum(1).mean(), abs=1e-6)
    events = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().splitlines()]
    assert events[1]["values"]["shared/bytes"] == row.bytes
    assert events[0]["tags"]["stage"] == "shared"


def test_what_a_picture_file_takes_is_counted_where_there_are_files(embeddings: Path, tmp_path: Path) -> None:
    _, row = built(embeddings, tmp_path, entry(), pictures=tmp_path / "images.zip")
    assert np.isnan(row.image_bytes), "there are none"
    every = Embeddings.open(embeddings)
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for number in every.index:
            archive.writestr(f"{number:06d}", bytes(10 * int(number)))
    _, row = built(embeddings, tmp_path, entry(), pictures=tmp_path / "images.zip")
    assert row.image_bytes == 10 * every.index[every.train].mean()
    with zipfile.ZipFile(tmp_path / "few.zip", "w") as archive:
        archive.writestr("000001", b"x")
    with pytest.raises(SemcomError, match=r"few\.zip is damaged, or has other images than the base"):
        built(embeddings, tmp_path, entry(), pictures=tmp_path / "few.zip")


@pytest.mark.parametrize(("part", "count"), [("train", 100), ("test", 50), ("all", 150)])
def test_of_which_images(part: str, count: int, embeddings: Path, tmp_path: Path) -> None:
    base, row = built(embeddings, tmp_path, entry(form="SQ8", part=part))
    assert len(base) == row.vectors == count
    assert row.cosine > 0.999


def test_an_earlier_base_goes_on(embeddings: Path, tmp_path: Path) -> None:
    few, _ = built(embeddings, tmp_path, entry())
    before = few.decode()
    few.save(tmp_path / "few.skb")
    more, row = built(embeddings, tmp_path, entry(part="all"), extends=tmp_path / "few.skb")
    every = Embeddings.open(embeddings)
    assert len(more) == row.vectors == 150
    assert row.trained_on == 100
    assert np.array_equal(more.decode()[:100], before)
    assert np.array_equal(more.ids[100:], every.index[~every.train])
    again, _ = built(embeddings, tmp_path, entry(part="all"), extends=tmp_path / "b.skb")
    assert len(again) == 150


def test_an_earlier_base_of_another_form_or_mentor_does_not(
    embeddings: Path, prepared_file: Path, tmp_path: Path
) -> None:
    built(embeddings, tmp_path, entry())
    (tmp_path / "b.skb").rename(tmp_path / "pq.skb")
    with pytest.raises(SemcomError, match=r"pq\.skb is a base of the form PCA32,PQ8x1 and seed 0 and cannot"):
        built(embeddings, tmp_path, entry(form="Flat"), extends=tmp_path / "pq.skb")
    other = EmbedEntry.model_validate({**PLACE, "name": "other", "mentor": {**RANDOM, "seed": 1}})
    files = {"output": tmp_path / "e.h5", "journal": tmp_path / "j", "states": tmp_path / "s"}
    embed.run(prepared_file, other, **files)
    with pytest.raises(SemcomError, match=r"base was built by the mentor efficientnet_lite0 \(\w+\), these"):
        built(tmp_path / "e.h5", tmp_path, entry(part="all"), extends=tmp_path / "pq.skb")
    assert not (tmp_path / "b.skb").exists()


def test_the_verb(embeddings: Path, tmp_path: Path) -> None:
    files = {"embeddings": embeddings} | {name: tmp_path / name for name in ("base", "table", "journal")}
    words = [f"--{name}={path}" for name, path in files.items()]
    result = CliRunner().invoke(app, ["knowledge", "shared", to_json(entry()), *words])
    assert result.exit_code == 0, result.output
    assert len(SharedBase.load(tmp_path / "base")) == 100


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"form": "PQ64x99"}, "a codebook has at most 16 bits; write PQ64x8"),
        (
            {"form": "HNSW32"},
            "'HNSW32' in the form 'HNSW32' is not supported there; a form",
        ),
        ({"too_few": "guess"}, "fewer_bits"),
        ({"sample": 1}, "greater than or equal to 2"),
    ],
)
def test_entries_are_checked(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        entry(**changes)
    assert said in str(caught.value)
