"""The private base of a local encoder whose features are known: what the verb writes, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

import coloured
from coloured import CLASSES, MENTOR, PARTS, TEST, TRUE
from semcom.cli import app
from semcom.evaluate import probe
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.frames.prepared import Prepared
from semcom.knowledge.party import run
from semcom.params.crlsc.entries import PrivateEntry, ProbeEntry
from semcom.params.entries import to_json
from semcom.quantise.private import PrivateBase, search_both
from semcom.quantise.shared import SharedBase

TARGET = {"train": "own", "test": "test"}
SAID: dict[str, object] = {
    "seed": 1,
    "parts": PARTS,
    "method": "guided",
    "encoder": "small",
    "network": coloured.network(),
}
NUMBER = 60
"""Images of the private part."""


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured.images(tmp_path_factory.mktemp("frames"))


def entry(**given: object) -> PrivateEntry:
    more = {"name": "colours", "target": TARGET, "neighbours": 3}
    return PrivateEntry.model_validate(SAID | more | given)


def built(
    folder: Path, given: PrivateEntry, frames: Path, encoder: Path, shared: Path | None = None
) -> tuple[PrivateBase, pd.Series]:
    """The base and its one row."""
    run(
        given,
        frames=[frames],
        encoder=encoder,
        shared=shared,
        base=folder / "o.pkb",
        retrieval=folder / "o.csv",
        journal=folder / "j.jsonl",
    )
    (_, row), = pd.read_csv(folder / "o.csv").iterrows()  # fmt: skip
    return PrivateBase.load(folder / "o.pkb"), row


@pytest.mark.parametrize(("dim", "form"), [(0, "Flat"), (3, "Flat"), (3, "PCA2,SQ8")])
def test_it_is_the_base_that_the_probe_measures(tmp_path: Path, frames: Path, dim: int, form: str) -> None:
    file = coloured.encoder(tmp_path / "e.pt", coloured.network(), dim=dim)
    shared = coloured.base(tmp_path / "s.skb", "Flat") if dim else None
    base, row = built(tmp_path, entry(form=form), frames, file, shared)
    asked = {"label_fractions": (1.0,), "neighbours": 3, "private": form}
    place = {"study": "", "data": "", "code": "", "compute": {}}
    same = ProbeEntry.model_validate(SAID | place | {"targets": {"colours": TARGET}, "probe": asked})
    probe.run(
        same, frames=[frames], encoder=file, embeddings=[], base=shared, table=tmp_path / "t.csv",
        outcomes=tmp_path / "t.npz", journal=tmp_path / "j.jsonl",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "t.csv").set_index(["space", "head", "metric"])["value"]
    space = "space" if dim else "features"
    assert row["space"] == space
    for metric in ("accuracy", "precision", "bytes"):
        assert row[metric] == table[space, "private", metric]
    for metric in ("accuracy", "private_share") if dim else ():
        assert row[f"both_{metric}"] == table[space, "both", metric]
    assert row["accuracy"] == pytest.approx(TRUE)
    assert (row["vectors"], row["dim"], row["test_images"], row["trained"]) == (NUMBER, 3, TEST, form)
    size = (tmp_path / "o.pkb").stat().st_size
    assert row["file_bytes"] == row.filter(like="bytes_").sum() == sum(base.sizes().values()) == size
    assert base.bytes == row["bytes"]


def test_the_file_says_whose_it_is_and_has_ids_labels_and_no_image(tmp_path: Path, frames: Path) -> None:
    file = coloured.encoder(tmp_path / "e.pt", coloured.network(), dim=3)
    shared = coloured.base(tmp_path / "s.skb", "Flat")
    base, _ = built(tmp_path, entry(), frames, file, shared)
    prepared = Prepared.open(frames)
    assert base.owner.classes == CLASSES
    assert base.owner.encoder["sha256"] == sha256(file)
    assert (base.owner.encoder["method"], base.owner.encoder["seed"]) == ("guided", 1)
    assert base.owner.encoder["network"]["backbone"] == coloured.network().backbone
    assert base.owner.mentor == MENTOR
    said = {"name": "coloured", "part": "own", "sha256": prepared.attributes["sha256"]}
    assert base.owner.data == said
    place = np.searchsorted(prepared.index, base.base.ids)
    np.testing.assert_array_equal(prepared.index[place], base.base.ids)
    np.testing.assert_array_equal(prepared.scene[place], base.labels)
    assert prepared.train[place].all()
    content = (tmp_path / "o.pkb").read_bytes()
    assert not any(image.tobytes() in content for image in prepared.rgb)
    found = search_both(SharedBase.load(shared), base, base.base.decode(np.arange(5)), 3)
    assert found.private.any(axis=1).all()


def words(folder: Path, text: str, *options: str) -> list[str]:
    files = [f"--base={folder / 'o.pkb'}", f"--retrieval={folder / 'o.csv'}", f"--journal={folder / 'j'}"]
    return ["knowledge", "private", text, *files, f"--log={folder / 'l'}", *options]


def test_the_verb_writes_the_same_bytes_again(tmp_path: Path, frames: Path) -> None:
    file = coloured.encoder(tmp_path / "e.pt", coloured.network(), dim=0)
    given = words(tmp_path, to_json(entry()), f"--frames={frames}", f"--encoder={file}")
    first = []
    for _ in range(2):
        done = CliRunner().invoke(app, given)
        assert done.exit_code == 0, done.output
        first.append([(tmp_path / name).read_bytes() for name in ("o.pkb", "o.csv")])
    assert first[0] == first[1]
    assert (
        f"{NUMBER} vectors in {len(first[0][0])} bytes, retrieval accuracy 0.800"
        in (tmp_path / "l").read_text()
    )


def test_what_does_not_fit_is_one_line(tmp_path: Path, frames: Path, encoder, place) -> None:
    own = coloured.encoder(tmp_path / "e.pt", coloured.network(), dim=0)
    inside = coloured.encoder(tmp_path / "i.pt", coloured.network(), dim=3)
    shared = coloured.base(tmp_path / "s.skb", "Flat")
    private = tmp_path / "p.pkb"
    vectors = np.eye(3, dtype=np.float32)
    PrivateBase.build(vectors, np.arange(3), np.arange(3), form="Flat").save(private)
    small = tmp_path / "small.pt"
    torch.save(torch.load(own) | {"size": [8, 8]}, small)
    other = PARTS[2][1].model_copy(update={"classes": CLASSES[::-1]})
    swapped = (*PARTS[:2], ("test", other))
    before = shared.read_bytes(), own.read_bytes()
    first = {**place, "compute": place["compute"].model_dump(), "method": "mmssl", "seed": 0}
    first |= {"modalities": ["rgb"], "encoder": encoder.model_dump(), "knowledge": {}}
    first_text = json.dumps(first)
    with_frames = f"--frames={frames}"
    for text, options, message in (
        (to_json(entry()), [], "give its file as --encoder"),
        (to_json(entry()), [f"--encoder={own}", f"--encoders={inside}"], "give its file as --encoder"),
        (to_json(entry()), [f"--encoder={own}", f"--shared={shared}"], "learnt under no base"),
        (
            to_json(entry(form="PQ2")),
            [f"--encoder={inside}"],
            "the private base: PQ2 of the form PQ2 cuts",
        ),
        (to_json(entry(hidden=(4,))), [f"--encoder={inside}"], "does not hold the weights"),
        (to_json(entry(target={"train": "public", "test": "test"})), [f"--encoder={own}"], "no label of it"),
        (first_text, [f"--encoder={own}"], "ENTRY is no PrivateEntry"),
        (first_text, [f"--shared={shared}"], "--shared is for entries of a local encoder"),
        (to_json(entry()), [f"--encoder={inside}", f"--shared={private}"], "is a private knowledge base"),
        (to_json(entry()), [f"--encoder={small}"], "was trained on images of 8x8, these are of"),
        (to_json(entry(parts=swapped)), [f"--encoder={own}"], "test has other classes than own"),
        (to_json(entry()), [f"--encoder={own}", f"--base={shared}"], "place the private one would take"),
        (to_json(entry()), [f"--encoder={own}", f"--base={own}"], "--encoder are one file"),
        (first_text, [with_frames], "2 prepared files for one set of frames; give one --frames"),
        ("{", [], "ENTRY is no JSON text"),
        ('{"parts": []}', [], "ENTRY is no PrivateEntry"),
        ("{}", [], "ENTRY is no KnowledgeEntry"),
    ):
        done = CliRunner().invoke(app, words(tmp_path, text, with_frames, *options))
        assert done.exit_code == 1
        assert message in str(done.exception), text
    assert not (tmp_path / "o.pkb").exists()
    assert before == (shared.read_bytes(), own.read_bytes())


def test_a_private_base_is_no_shared_one(tmp_path: Path) -> None:
    PrivateBase.build(np.eye(3, dtype=np.float32), np.arange(3), np.arange(3), form="Flat").save(
        tmp_path / "p.pkb"
    )
    with pytest.raises(SemcomError, match=r"p\.pkb is a private knowledge base; give the shared one"):
        SharedBase.load(tmp_path / "p.pkb")
