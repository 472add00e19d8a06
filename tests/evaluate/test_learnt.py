"""What pre-training has learnt: of representations with a known content, and of a small pre-training."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from semcom.cli import app
from semcom.evaluate import learnt
from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import validation_fold
from semcom.metrics.readout import Parts, cross_r2, rotated
from semcom.models.learner import Learner
from semcom.params.entries import LearntEntry, PretrainEntry, to_json
from semcom.params.sections import Encoder, Pretrain
from semcom.pretrain import stage
from semcom.training import weights

SIZES = (120, 60, 90)
CUTS = {"embedding": (0, 10), "shared": (0, 6), "unique": (6, 10)}


def built() -> tuple[learnt.Seen, Parts]:
    """6 columns that both modalities have, 4 that each has alone; the scene shows in colour's unique ones."""
    draw = np.random.default_rng(0)

    def values(dim: int) -> Parts:
        return Parts(*(draw.standard_normal((n, dim)) for n in SIZES))

    common, own = values(6), {"rgb": values(4), "depth": values(4)}
    scene = Parts(*(part[:, :3].argmax(1) for part in own["rgb"]))
    whole = {m: Parts(*map(np.hstack, zip(common, mine, strict=True))) for m, mine in own.items()}
    return {"features": whole, "embedding": whole, "shared": dict.fromkeys(own, common), "unique": own}, scene


def table(rows: list[learnt.Measured]) -> dict[tuple[str, str, str], float]:
    found = {tuple(row[:3]): row[3] for row in rows}
    assert len(found) == len(rows), "no row twice"
    return found


def test_known_representations_give_known_measures() -> None:
    seen, scene = built()
    found = table(list(learnt.measures(seen, CUTS, scene)))
    for modality in ("rgb", "depth"):
        assert found[modality, "shared", "cross_modal_r2"] == pytest.approx(1, abs=1e-3)
        assert found[modality, "shared", "cross_modal_r2_from_features"] == pytest.approx(1, abs=1e-3)
        assert found[modality, "unique", "cross_modal_r2"] < 0.05
        assert found[modality, "unique", "cross_modal_r2_from_embedding"] < 0.05
        assert found[modality, "embedding", "cross_modal_r2"] == pytest.approx(0.6, abs=0.1)
        # Ten independent columns, and 90 frames: the entropy of their singular values is all but even.
        assert 5.5 < found[modality, "shared", "effective_rank"] <= 6
        assert 9 < found[modality, "embedding", "effective_rank"] <= 10
    assert found["both", "shared", "matching_correlation"] == pytest.approx(1)
    assert abs(found["both", "unique", "matching_correlation"]) < 0.15
    assert found["both", "embedding", "matching_correlation"] == pytest.approx(0.6, abs=0.06)
    assert found["rgb", "unique", "probe_accuracy"] > 0.9
    assert found["both", "unique", "probe_accuracy"] > 0.85
    # Guesses: a third, of 90 frames with a standard error of 0.05.
    assert found["depth", "unique", "probe_accuracy"] < 0.33 + 4 * 0.05
    assert found["rgb", "shared", "probe_accuracy"] < 0.33 + 4 * 0.05
    assert ("both", "features", "matching_correlation") not in found
    assert ("rgb", "features", "cross_modal_r2_from_features") not in found


def test_each_direction_is_of_the_modality_that_is_explained() -> None:
    seen, scene = built()
    depth = seen["embedding"]["depth"]
    wider = Parts(*(np.hstack([part[:, :6], 0 * part[:, 6:]]) for part in depth))
    seen["embedding"] = seen["features"] = {"rgb": seen["embedding"]["rgb"], "depth": wider}
    found = table(list(learnt.measures(seen, {"embedding": (0, 10)}, scene)))
    assert found["depth", "embedding", "cross_modal_r2"] == pytest.approx(1, abs=1e-3), "colour has it all"
    assert found["rgb", "embedding", "cross_modal_r2"] == pytest.approx(0.6, abs=0.1)


def test_a_block_that_is_all_of_the_embedding_has_its_values() -> None:
    seen, scene = built()
    del seen["unique"]
    seen["shared"] = seen["embedding"]
    found = table(list(learnt.measures(seen, {"embedding": (0, 10), "shared": (0, 10)}, scene)))
    embedding = {key: value for key, value in found.items() if key[1] == "embedding"}
    assert len(embedding) == 14
    assert all(found[modality, "shared", name] == value for (modality, _, name), value in embedding.items())


def test_one_modality_has_no_other() -> None:
    seen, scene = built()
    alone = {name: {"depth": of["depth"]} for name, of in seen.items()}
    found = table(list(learnt.measures(alone, CUTS, scene)))
    assert {(key[0], key[2]) for key in found} == {
        ("depth", "effective_rank"),
        ("depth", "probe_accuracy"),
    }


@pytest.fixture(scope="module")
def trained(prepared_file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PretrainEntry]:
    """A small pre-training of `mmssl`, 12 of whose 16 dimensions are shared."""
    folder = tmp_path_factory.mktemp("trained")
    entry = PretrainEntry(
        study="test",
        data="0" * 32,
        code="1" * 16,
        compute={},
        method="m",
        seed=1,
        modalities=("rgb", "depth"),
        encoder=Encoder(backbone={"use": "resnet18", "width_mult": 0.125}),
        pretrain=Pretrain(
            loss={"use": "mmssl", "lambd": 0.01},
            projector=(32, 16),
            epochs=12,
            batch_size=16,
            optimiser={"use": "adamw", "lr": 2e-3, "weight_decay": 1e-4},
            views={"use": "rgbd"},
            validate_every=12,
            snapshots=(0, 3),
        ),
    )
    names = {"encoders": "encoders.pt", "learner": "learner.pt", "history": "history.csv"}
    stage.run(
        prepared_file,
        entry,
        **{name: folder / file for name, file in names.items()},
        journal=folder / "pretrain.jsonl",
        states=folder / "states",
    )
    return folder, entry


def entry_of(given: PretrainEntry, **more: object) -> LearntEntry:
    return LearntEntry(**(given.model_dump() | more))


def test_the_verb_measures_every_epoch_that_was_kept(
    trained: tuple[Path, PretrainEntry], prepared_file: Path
) -> None:
    folder, given = trained
    text = to_json(entry_of(given))
    options = [f"--frames={prepared_file}", f"--learner={folder / 'learner.pt'}"]
    tables = []
    for name in ("one", "two"):
        more = [f"--table={folder / name}.csv", f"--journal={folder / name}.jsonl"]
        done = CliRunner().invoke(app, ["evaluate", "learnt", text, *options, *more])
        assert done.exit_code == 0, done.output
        tables.append((folder / f"{name}.csv").read_bytes())
    assert tables[0] == tables[1], "the same bits"
    found = pd.read_csv(folder / "one.csv")
    assert list(found) == [
        "study", "system", "method", "seed", "epoch", "modality", "block", "measure", "value"
    ]  # fmt: skip
    assert list(dict.fromkeys(found.epoch)) == [0, 3, 12]
    assert set(found.block) == {"features", "embedding", "shared", "unique"}
    assert not found.duplicated(["epoch", "modality", "block", "measure"]).any()
    at = found.set_index(["epoch", "modality", "block", "measure"]).value
    probed = at.xs("probe_accuracy", level="measure").xs("both", level="modality")
    assert probed[12, "features"] > probed[0, "features"] + 0.15, "of 50 frames"
    lines = (folder / "one.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 3 + 1
    assert '"learnt/rgb/shared/cross_modal_r2"' in lines[1]


def test_measures_are_of_test_frames_with_readers_of_the_others(
    trained: tuple[Path, PretrainEntry], prepared_file: Path, frames: DeviceFrames, tmp_path: Path
) -> None:
    folder, given = trained
    learnt.run(
        prepared_file,
        entry_of(given),
        learner=folder / "learner.pt",
        table=tmp_path / "t.csv",
        journal=tmp_path / "j",
    )
    found = pd.read_csv(tmp_path / "t.csv").set_index(["epoch", "modality", "block", "measure"]).value
    net = Learner(given, (32, 24))
    net.load_state_dict(weights.load(folder / "learner.pt")["12"])
    prepared = frames.prepared
    fit, choose = validation_fold(prepared.scene, prepared.group, prepared.train, seed=1)
    of = (fit, choose, np.arange(100, 150))
    (views,) = frames.plain(fit)
    for layer in net.modules():  # statistics of all training frames at once
        if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        net.train()(views)
        z = [net.eval()(next(frames.plain(index))) for index in of]
    rgb, depth = (Parts(*(part[m].numpy()[:, 12:] for part in z)) for m in ("rgb", "depth"))
    expected = cross_r2(rotated(depth), rgb)
    assert found[12, "rgb", "unique", "cross_modal_r2"] == pytest.approx(expected.weighted, abs=1e-6)
    assert found[12, "rgb", "unique", "cross_modal_r2_uniform"] == pytest.approx(expected.uniform, abs=1e-6)


def test_weights_of_another_network_are_refused(
    trained: tuple[Path, PretrainEntry], prepared_file: Path, tmp_path: Path
) -> None:
    folder, given = trained
    other = given.pretrain.model_copy(update={"projector": (8, 16)})
    with pytest.raises(SemcomError, match=r"does not hold under '0' the weights of the network"):
        learnt.run(
            prepared_file,
            entry_of(given, pretrain=other.model_dump()),
            learner=folder / "learner.pt",
            table=tmp_path / "t.csv",
            journal=tmp_path / "j",
        )


@pytest.mark.parametrize(("frames", "size"), [(636, 212), (257, 129), (256, 256), (1, 1), (513, 171)])
def test_no_batch_of_one_is_left_over(frames: int, size: int) -> None:
    assert learnt._even(frames) == size
    assert frames % size != 1 or frames == 1
