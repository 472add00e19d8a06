"""Probes of encoders whose features, and so accuracies, are known."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import coloured
from coloured import LIES, PARTS, TEST, TRAIN, TRUE
from semcom.cli import app
from semcom.evaluate import probe
from semcom.files.errors import SemcomError
from semcom.frames.parts import Part
from semcom.metrics import outcomes
from semcom.params.crlsc.entries import ProbeEntry
from semcom.params.crlsc.section import Network
from semcom.params.entries import to_json
from semcom.quantise import party
from semcom.quantise.private import PrivateBase
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory

TARGETS = {"colours": {"train": "own", "test": "test"}}
KEYS = ["target", "space", "head", "fraction", "metric"]
NUMBER = 60
"""Images of the private part: those left of 90."""


def entry(network: Network | None, **given: object) -> ProbeEntry:
    said: dict[str, object] = {
        "study": "s",
        "data": "d",
        "code": "c",
        "compute": {},
        "seed": 1,
        "parts": PARTS,
        "method": "mentor" if network is None else "guided",
        "encoder": "raw" if network is None else "small",
        "network": network,
        "targets": TARGETS,
        "probe": {"label_fractions": (0.5, 1.0), "neighbours": 3},
    }
    return ProbeEntry.model_validate(said | given)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured.images(tmp_path_factory.mktemp("frames"))


def measured(folder: Path, given: ProbeEntry, frames: Path, **files: object) -> pd.Series:
    """Values by target, space, head, share of the labels and metric."""
    more = {"encoder": None, "embeddings": [], "base": None} | files
    probe.run(
        given,
        frames=[frames],
        table=folder / "t.csv",
        outcomes=folder / "t.npz",
        journal=folder / "j.jsonl",
        **more,
    )
    table = pd.read_csv(folder / "t.csv")
    assert set(table["study"]) == {"s"}
    assert set(table["system"]) == {"crlsc"}
    assert set(table["seed"]) == {1}
    assert set(table["method"]) == {given.method}
    assert set(table["encoder"]) == {given.encoder}
    assert not table.duplicated(KEYS).any()
    return table.set_index(KEYS)["value"].sort_index()


def test_an_encoder_that_tells_the_colour_is_right_where_the_colour_does_not_lie(
    tmp_path: Path, frames: Path
) -> None:
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=0)
    found = measured(tmp_path, entry(net), frames, encoder=file)
    own = found["colours", "features"]
    for head in ("linear", "class_mean", "knn"):
        for fraction in (0.5, 1.0):
            assert own[head, fraction, "accuracy"] == pytest.approx(TRUE)
    labels = pd.read_csv(tmp_path / "t.csv").set_index(KEYS)["labels"].sort_index()["colours", "features"]
    everything = labels["linear", 1.0, "accuracy"]
    assert everything + own["linear", 1.0, "validation_labels"] == NUMBER
    half = labels["linear", 0.5, "accuracy"]
    assert half == labels["knn", 0.5, "accuracy"] == pytest.approx(everything / 2, abs=1.5)
    assert own["private", 1.0, "accuracy"] == own["private", 1.0, "precision"] == pytest.approx(TRUE)
    assert labels["private", 1.0, "accuracy"] == NUMBER
    # Unit vectors of three directions at cosines of about -1/3: singular values 1 : 2 : 2.
    assert own["none", 1.0, "effective_rank"] == pytest.approx(
        np.exp(-np.log([0.2, 0.4, 0.4]) @ [0.2, 0.4, 0.4]), rel=0.01
    )
    counts = np.bincount(np.arange(TRAIN, TRAIN + TEST) % 3)
    assert found["colours", "none", "majority", 1.0, "accuracy"] == pytest.approx(counts.max() / TEST)
    assert found["none", "none", "none", 1.0, "parameters"] == 1
    assert "space" not in found.index.get_level_values("space"), "it learnt under no base"


def test_the_space_of_a_base_is_measured_beside_the_features(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=3)
    found = measured(tmp_path, entry(net), frames, encoder=file)
    assert found["none", "none", "none", 1.0, "parameters"] == 1 + 3 * 3 + 3
    assert found["none", "none", "none", 1.0, "multiply_adds"] == 3 * 3
    for head in ("class_mean", "knn", "private"):
        assert found["colours", "space", head, 1.0, "accuracy"] == pytest.approx(TRUE)
    heads = set(found["colours", "features"].index.get_level_values("head"))
    assert "linear" in heads
    assert "private" not in heads, "the private base is in the base's space"


def test_shared_and_private_base_are_searched_together(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=3)
    found = measured(tmp_path, entry(net), frames, encoder=file, base=coloured.base(tmp_path / "b", "Flat"))
    own = found["colours", "space"]
    # The party's own images of a colour lie at the query itself, the base's 600 vectors all about.
    assert own["both", 1.0, "private_share"] > 0.9
    assert own["both", 1.0, "accuracy"] == own["private", 1.0, "accuracy"] == pytest.approx(TRUE)
    assert ("both", 1.0, "accuracy") not in measured(tmp_path, entry(net), frames, encoder=file)[
        "colours", "space"
    ]


@pytest.mark.parametrize("k", [1, 4, 9])
def test_of_both_bases_the_private_ones_vote(k: int) -> None:
    draws = np.random.default_rng(k)
    means = 2 * draws.normal(size=(3, 6))

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        classes = draws.integers(3, size=count)
        vectors = (means[classes] + draws.normal(size=(count, 6))).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), classes

    public, (stored, labels), (asked, classes) = drawn(40)[0], drawn(30), drawn(25)
    shared = SharedBase.build(InMemory.numbered(public), form="Flat")
    private = PrivateBase.build(stored, np.arange(30), labels, form="Flat")
    right, share = [], []
    for query, own in zip(asked, classes, strict=True):
        near = np.argsort(-np.concatenate([public, stored]) @ query)[:k] - 40
        votes = Counter(labels[near[near >= 0]].tolist()).most_common()
        share.append((near >= 0).mean())
        first = {c: i for i, c in reversed(list(enumerate(labels[near[near >= 0]].tolist())))}
        right.append(bool(votes) and max(votes, key=lambda vote: (vote[1], -first[vote[0]]))[0] == own)
    found = party.both(shared, private, asked, classes, k)
    assert found["private_share"] == pytest.approx(np.mean(share))
    assert found["accuracy"] == pytest.approx(np.mean(right))
    assert 0.2 < found["private_share"] < 0.7


def test_which_images_are_right_is_kept_beside_how_many(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=3)
    found = measured(tmp_path, entry(net), frames, encoder=file)["colours"]
    (kept,) = outcomes.read(tmp_path / "t.npz").values()
    assert set(kept.right) == {"features/linear/0.5", "features/linear/1", "space/private/1"}
    lies = np.arange(TEST) >= TEST - LIES
    for name, right in kept.right.items():
        np.testing.assert_array_equal(right, ~lies, err_msg="the images whose colour lies are wrong")
        space, head, fraction = name.split("/")
        assert right.mean() == found[space, head, float(fraction), "accuracy"]
    np.testing.assert_array_equal(kept.index, np.arange(TRAIN, TRAIN + TEST) + 1)
    assert len(set(kept.group)) == TEST
    embeddings = [coloured.embeddings(frames, tmp_path / "m.h5")]
    measured(tmp_path, entry(None), frames, embeddings=embeddings)
    assert "features/private/1" in outcomes.read(tmp_path / "t.npz")["colours"].right


def test_an_encoder_that_says_the_same_of_all_is_at_chance_and_of_rank_one(
    tmp_path: Path, frames: Path
) -> None:
    net = Network(backbone={"use": "coloured:Blind"})
    file = coloured.encoder(tmp_path / "e.pt", net, dim=0)
    own = measured(tmp_path, entry(net), frames, encoder=file)["colours", "features"]
    shares = np.bincount(np.arange(TRAIN, TRAIN + TEST) % 3) / TEST
    for head in ("linear", "class_mean", "knn", "private"):
        assert min(abs(own[head, 1.0, "accuracy"] - shares)) < 1e-9, "always the same class"
    assert own["none", 1.0, "effective_rank"] == pytest.approx(1, abs=1e-6)


def test_the_mentor_as_it_is_and_as_a_base_codes_it(tmp_path: Path, frames: Path) -> None:
    embeddings = [coloured.embeddings(frames, tmp_path / "m.h5")]
    raw = measured(tmp_path, entry(None), frames, embeddings=embeddings)
    assert raw["colours", "features", "linear", 1.0, "accuracy"] == pytest.approx(TRUE)
    assert ("none", "none", "none", 1.0, "parameters") not in raw.index
    assert raw["none", "none", "none", 1.0, "shipped_bytes"] == 99
    assert raw["colours", "features", "private", 1.0, "bytes"] == NUMBER * 3 * 2
    assert raw["colours", "features", "private", 1.0, "accuracy"] == pytest.approx(TRUE)
    flat = coloured.base(tmp_path / "flat.skb", "Flat")
    same = measured(tmp_path, entry(None, encoder="flat"), frames, embeddings=embeddings, base=flat)
    assert ("none", "none", "none", 1.0, "shipped_bytes") not in same.index
    heads = ["linear", "class_mean", "knn"]
    for head in heads:
        assert same["colours", "features", head, 1.0, "accuracy"] == pytest.approx(TRUE)
    assert same["colours", "features", "private", 1.0, "bytes"] == NUMBER * 3 * 4
    two = coloured.base(tmp_path / "two.skb", "Clusters2")
    coarse = measured(tmp_path, entry(None, encoder="two"), frames, embeddings=embeddings, base=two)
    assert coarse["colours", "features", "private", 1.0, "bytes"] == NUMBER
    # Two codes tell two of three classes apart at most: the third's images are all wrong.
    wrong = 1 - np.bincount(np.arange(TRAIN, TRAIN + TEST) % 3).min() / TEST
    assert coarse["colours", "features", "private", 1.0, "accuracy"] <= wrong


def test_no_label_of_a_public_part_is_read(
    tmp_path: Path, frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    asked = Part.labels.fget
    assert asked is not None
    monkeypatch.setattr(Part, "labels", property(lambda part: (read.append(part.name), asked(part))[1]))
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=0)
    measured(tmp_path, entry(net), frames, encoder=file)
    assert set(read) == {"own", "test"}
    wrong = entry(net, targets={"colours": {"train": "public", "test": "test"}})
    with pytest.raises(SemcomError, match="the part public is public: no label of it can be read"):
        measured(tmp_path, wrong, frames, encoder=file)


def test_files_that_do_not_fit_are_refused(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    with pytest.raises(SemcomError, match="the encoder small of guided has no file; give it as --encoder"):
        measured(tmp_path, entry(net), frames)
    other = coloured.encoder(tmp_path / "e.pt", net, dim=3)
    with pytest.raises(SemcomError, match=r"e\.pt does not hold the weights of the encoder"):
        measured(tmp_path, entry(net, hidden=(4,)), frames, encoder=other)
    with pytest.raises(SemcomError, match="0 files of embeddings for coloured: give one for each"):
        measured(tmp_path, entry(None), frames)
    (tmp_path / "others").mkdir()
    others = coloured.images(tmp_path / "others", first=7)
    embeddings = [coloured.embeddings(others, tmp_path / "m.h5")]
    with pytest.raises(SemcomError, match=r"m\.h5 holds embeddings of other images"):
        measured(tmp_path, entry(None), frames, embeddings=embeddings)
    mine = coloured.embeddings(frames, tmp_path / "mine.h5")
    vectors = InMemory(np.eye(3, dtype=np.float32), np.arange(3), {"name": "another"})
    SharedBase.build(vectors, form="Flat").save(tmp_path / "another.skb")
    with pytest.raises(SemcomError, match="the base was built by the mentor .*another"):
        measured(tmp_path, entry(None), frames, embeddings=[mine], base=tmp_path / "another.skb")


def test_an_encoder_whose_features_are_not_finite_is_named(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    broken = coloured.encoder(tmp_path / "broken.pt", net, dim=3, scale=3e38)
    with pytest.raises(
        SemcomError, match=r"broken\.pt: the encoder's features of own are not finite; remove"
    ):
        measured(tmp_path, entry(net), frames, encoder=broken)


def test_the_verb(tmp_path: Path, frames: Path) -> None:
    net = coloured.network()
    file = coloured.encoder(tmp_path / "e.pt", net, dim=3)
    words = ["evaluate", "probe", to_json(entry(net)), f"--frames={frames}", f"--encoder={file}"]
    words += [f"--table={tmp_path / 't.csv'}", f"--outcomes={tmp_path / 't.npz'}"]
    words += [f"--journal={tmp_path / 'j.jsonl'}", f"--log={tmp_path / 'l'}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "features/linear 0.800" in (tmp_path / "l").read_text()
    first = [(tmp_path / name).read_bytes() for name in ("t.csv", "t.npz")]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert [(tmp_path / name).read_bytes() for name in ("t.csv", "t.npz")] == first, "the same to the bit"


def test_each_data_set_has_files_of_its_own(tmp_path: Path, frames: Path) -> None:
    (tmp_path / "second").mkdir()
    second = coloured.images(tmp_path / "second", first=7, name="second")
    parts = (
        *PARTS,
        *((f"second_{name}", part.model_copy(update={"data": "second"})) for name, part in PARTS),
    )
    targets = TARGETS | {"others": {"train": "second_own", "test": "second_test"}}
    given = entry(None, parts=parts, targets=targets)
    files = [coloured.embeddings(frames, tmp_path / "a.h5"), coloured.embeddings(second, tmp_path / "b.h5")]
    probe.run(
        given, frames=[frames, second], encoder=None, embeddings=files, base=None, table=tmp_path / "t.csv",
        outcomes=tmp_path / "t.npz", journal=tmp_path / "j.jsonl",
    )  # fmt: skip
    found = pd.read_csv(tmp_path / "t.csv").set_index(KEYS)["value"].sort_index()
    for target in targets:
        assert found[target, "features", "linear", 1.0, "accuracy"] == pytest.approx(TRUE)
    with pytest.raises(SemcomError, match=r"b\.h5 holds embeddings of other images"):
        probe.run(
            given, frames=[frames, second], encoder=None, embeddings=files[::-1], base=None,
            table=tmp_path / "t.csv", outcomes=tmp_path / "t.npz", journal=tmp_path / "j.jsonl",
        )  # fmt: skip
