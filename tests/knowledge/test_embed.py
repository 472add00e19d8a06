"""`semcom knowledge embed`: each image once, whatever was killed, grew or stands twice."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from drawn_frames import prepared
from pydantic import ValidationError

from semcom.files.errors import SemcomError
from semcom.frames.prepared import Prepared
from semcom.knowledge.embed import run
from semcom.models import int8
from semcom.models.mentor_lite0 import Lite0
from semcom.params.entries import to_json
from semcom.params.shared import EmbedEntry
from semcom.params.weights import weights_sha256
from semcom.quantise.embeddings import Embeddings
from semcom.quantise.pieces import Pieces

MENTOR = {"use": "efficientnet_lite0", "size": [32, 32]}
BATCH = 16


def entry(**changes: object) -> EmbedEntry:
    given = {"study": "test", "data": "0", "code": "1", "compute": {}, "name": "lite0", "batch_size": BATCH}
    return EmbedEntry.model_validate({**given, "mentor": MENTOR, **changes})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("prepared")
    return {count: prepared(folder / f"{count}.h5", count) for count in (60, 100)}


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each forward pass saw."""
    seen: list[int] = []
    forward = Lite0.forward

    def counted(self: Lite0, given: torch.Tensor) -> torch.Tensor:
        if len(given) > 1:  # not the try at its making
            seen.append(len(given))
        return forward(self, given)

    monkeypatch.setattr(Lite0, "forward", counted)
    return seen


def embed(frames: Path, folder: Path, name: str = "e.h5", **more: object) -> Path:
    output = folder / name
    paths = {"output": output, "journal": folder / "j.jsonl", "states": folder / "state"}
    run(frames, more.pop("like", entry()), **paths, **more)
    return output


@pytest.fixture(scope="module")
def whole(images: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return embed(images[100], tmp_path_factory.mktemp("whole"))


def test_every_row_is_what_the_mentor_says_of_its_image(whole: Path, images: dict[int, Path]) -> None:
    found, frames = Embeddings.open(whole), Prepared.open(images[100])
    found.verify()
    mentor = Lite0(size=(32, 32))
    with torch.inference_mode():
        expected = mentor(mentor.prepare(frames.rgb))
    torch.testing.assert_close(torch.from_numpy(found.vectors()), expected, rtol=1e-3, atol=1e-4)
    assert np.array_equal(found.index, frames.index)
    assert np.array_equal(found.train, frames.train)
    assert found.data == frames.attributes["sha256"]
    assert found.mentor == {
        "use": "efficientnet_lite0",
        "size": [32, 32],
        "interpolation": "bicubic",
        "seed": 0,
        "weights": weights_sha256("imagenet", "efficientnet_lite0"),
        "precision": "fp32",
    }
    assert not any((whole.parent / "state").glob("*/"))
    events = [json.loads(line) for line in (whole.parent / "j.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["start", "metrics", "end"]
    assert events[1]["values"]["embed/images"] == 100


def test_a_mentor_in_int8_is_what_its_receiver_would_have(
    whole: Path, images: dict[int, Path], tmp_path: Path
) -> None:
    coarse = Embeddings.open(embed(images[100], tmp_path, like=entry(int8=True), earlier=[whole]))
    plain, frames = Embeddings.open(whole), Prepared.open(images[100])
    sent, received = Lite0(size=(32, 32)), Lite0(size=(32, 32), weights="random", seed=3)
    int8.unpack(received, int8.pack(sent))
    with torch.inference_mode():
        expected = received(received.prepare(frames.rgb))
    torch.testing.assert_close(torch.from_numpy(coarse.vectors()), expected, rtol=1e-3, atol=1e-4)
    assert coarse.mentor == {**plain.mentor, "int8": True}
    assert coarse.mentor_sha256 != plain.mentor_sha256, "no row of the other is taken over"
    assert coarse.network["shipped_bytes"] == int8.pack(sent).bytes
    assert 3.8 < plain.network["shipped_bytes"] / coarse.network["shipped_bytes"] < 4
    for what in ("parameters", "multiply_adds"):
        assert coarse.network[what] == plain.network[what]
    assert plain.network["parameters"] == sum(p.numel() for p in sent.parameters())


@pytest.mark.parametrize("after", [1, 3, 6])
def test_a_killed_run_goes_on_where_it_was_and_ends_with_the_same_bytes(
    after: int,
    whole: Path,
    images: dict[int, Path],
    embedded: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append, kept = Pieces.append, []

    def killed(self: Pieces, rows: np.ndarray) -> None:
        append(self, rows)
        kept.append(len(rows))
        if len(kept) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Pieces, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            embed(images[100], tmp_path)
    (rows,) = (tmp_path / "state").glob("*/rows")
    with open(rows, "ab") as file:
        file.write(b"torn")
    again = embed(images[100], tmp_path)
    assert embedded == [BATCH] * 7  # of 100 images, none twice
    assert again.read_bytes() == whole.read_bytes()
    assert not any((tmp_path / "state").glob("*/"))


def test_a_data_set_that_grew_embeds_what_is_new(
    whole: Path, images: dict[int, Path], embedded: list[int], tmp_path: Path
) -> None:
    """In place, over the file of before; the bits are those of a run over all of it."""
    embed(images[60], tmp_path)
    assert len(embedded) == 4
    assert embed(images[100], tmp_path).read_bytes() == whole.read_bytes()
    assert len(embedded) == 4 + 3  # 40 images
    assert embed(images[100], tmp_path).read_bytes() == whole.read_bytes()
    assert len(embedded) == 4 + 3


def test_rows_of_earlier_files_are_taken_over(
    whole: Path, images: dict[int, Path], embedded: list[int], tmp_path: Path
) -> None:
    few = embed(images[60], tmp_path, "few.h5", earlier=[whole])
    assert embedded == []
    assert np.array_equal(Embeddings.open(few).vectors(), Embeddings.open(whole).vectors()[:60])


def test_those_of_another_mentor_or_damaged_are_not(
    whole: Path,
    images: dict[int, Path],
    embedded: list[int],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(whole.read_bytes())
    with h5py.File(damaged, "r+") as file:
        file["pixels"][7] = 7
    other = entry(mentor={**MENTOR, "interpolation": "bilinear"})
    with caplog.at_level("INFO", logger="semcom"):
        embed(images[60], tmp_path, "a.h5", like=other, earlier=[whole])
        embed(images[60], tmp_path, "b.h5", earlier=[damaged, tmp_path / "gone.h5"])
    assert len(embedded) == 8
    said = [message for message in caplog.messages if message.startswith("not used")]
    assert [text.split("/")[-1] for text in said] == [
        "e.h5 is of another mentor",
        "damaged.h5 are damaged: remove it and run its job again",
        "gone.h5: run `semcom knowledge embed`",
    ]


def test_of_equal_images_one_is_embedded(embedded: list[int], tmp_path: Path) -> None:
    frames = prepared(tmp_path / "twice.h5", 70, kinds=20)
    found = Embeddings.open(embed(frames, tmp_path)).vectors()
    assert len(embedded) == 2  # 20 images
    assert np.array_equal(found, found[np.arange(70) % 20])
    assert len(np.unique(found, axis=0)) == 20


def test_sigterm_stops_the_verb_and_the_same_command_goes_on(
    whole: Path, images: dict[int, Path], tmp_path: Path
) -> None:
    """A real process: exit code 75 on SIGTERM, none on SIGKILL; then it ends, with the same bytes."""
    files = {"output": tmp_path / "e.h5", "journal": tmp_path / "j", "state": tmp_path / "s"}
    words = [f"--{name}={path}" for name, path in {"frames": images[100], **files}.items()]
    slow = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    text = to_json(entry()).replace(MENTOR["use"], "slow_mentor:Slow")
    command = [sys.executable, "-m", "semcom", "knowledge", "embed", text, *words]
    for which, code in ((signal.SIGTERM, os.EX_TEMPFAIL), (signal.SIGKILL, -signal.SIGKILL)):
        process = subprocess.Popen(command, env=slow, stderr=subprocess.PIPE, text=True)
        grown(tmp_path / "s")
        process.send_signal(which)
        _, said = process.communicate(timeout=120)
        assert process.returncode == code, said
        if which == signal.SIGTERM:
            assert "[embed lite0] SIGTERM: stopped after image" in said
    done = subprocess.run(command, env={**slow, "QUICK": "1"}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(Embeddings.open(tmp_path / "e.h5").vectors(), Embeddings.open(whole).vectors())


def grown(states: Path) -> None:
    """Wait until another batch is kept."""
    before = sum(path.stat().st_size for path in states.glob("*/checksums"))
    for _ in range(1200):
        if sum(path.stat().st_size for path in states.glob("*/checksums")) > before:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was kept")


def test_weights_that_changed_since_the_run_was_planned(images: dict[int, Path], tmp_path: Path) -> None:
    planned = weights_sha256("imagenet", "efficientnet_lite0")
    embed(images[60], tmp_path, like=entry(weights_sha256=planned))
    with pytest.raises(SemcomError, match="has changed since the run was planned; run the same"):
        embed(images[60], tmp_path, like=entry(weights_sha256="0" * 64))


def test_an_embedding_that_does_not_fit_is_named(
    images: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Lite0.forward
    rgb = torch.from_numpy(Prepared.open(images[60]).rgb[37].copy()).permute(2, 0, 1)

    def large(self: Lite0, given: torch.Tensor) -> torch.Tensor:
        same = (given == self.prepare(rgb.permute(1, 2, 0)[None].numpy())).flatten(1).all(1)
        return forward(self, given) + 1e6 * same[:, None]

    monkeypatch.setattr(Lite0, "forward", large)
    with pytest.raises(SemcomError, match="the embedding of image 37 is not finite in float16"):
        embed(images[60], tmp_path)


@pytest.mark.parametrize(
    ("mentor", "said"),
    [
        (
            {"use": "clip"},
            "use: 'clip' is unknown; did you mean 'open_clip'?; choices: efficien",
        ),
        ({"use": "torchvision", "name": "resnet18"}, "weights: missing; it takes a text"),
        ({**MENTOR, "sizes": 3}, "sizes: no such key (its value is 3); did you mean 'size'?"),
        ({**MENTOR, "size": [8, 8]}, "size: [8, 8] is not a list of 2: a number"),
        (
            {**MENTOR, "interpolation": "cubic"},
            "'cubic' is not one of bicubic, bilinear; did you mean 'bicub",
        ),
    ],
)
def test_options_are_checked(mentor: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        entry(mentor=mentor)
    assert said in str(caught.value).replace("a whole number", "a number")
