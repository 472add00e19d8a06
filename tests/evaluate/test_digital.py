"""Quantised features over a digital link: what is sent, lost, decoded and counted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F
from typer.testing import CliRunner

from semcom.channel.digital import table
from semcom.channel.digital.bounds import uncoded_bler
from semcom.channel.digital.link import Delivered, DigitalLink
from semcom.channel.digital.table import Tally
from semcom.cli import app
from semcom.evaluate import digital
from semcom.evaluate.receivers import Receiver, Server
from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.frames.folds import labelled, validation_fold
from semcom.models.encoder import Encoders
from semcom.models.system import system_for
from semcom.params.entries import DigitalEntry, to_json
from semcom.params.scheme import Scheme, parse
from semcom.params.sections import Digital, Encoder, Evaluate, Finetune, Link
from semcom.quantise.product import ProductQuantiser
from semcom.training import loop, weights
from semcom.training.batchnorm import recompute

TEST = np.arange(100, 150)
SNR_DB = (-20, 4, 6, 8, 30)
"""The first is below the tables, where all is lost, the last above, where less than 1 in 10^6 is."""
DRAWS = 20
BLOCKS = 2_000
"""Over one SNR: 50 frames, 2 devices, 20 draws."""
OUTPUTS = ("sweep.csv", "predictions.npz", "communication.csv")


def error_table(folder: Path, scheme: Scheme) -> Path:
    """Of an uncoded scheme, 0 to 22 dB, from the closed form."""
    path = folder / f"{scheme.stem}_awgn.csv"
    snr_db = np.arange(0, 22.5, 0.5)
    lost = np.round(1e7 * uncoded_bler(snr_db, scheme=scheme)).astype(int)
    tallies = [Tally(float(snr), 10**7, int(n)) for snr, n in zip(snr_db, lost, strict=True)]
    table.write(path, scheme, "awgn", tallies)
    return path


@dataclass
class Made:
    """What a run wrote and did."""

    folder: Path
    entry: DigitalEntry
    receivers: dict[tuple[int, str], Receiver] = field(default_factory=dict)
    """By budget and modulation."""
    sent: list[tuple[float, Delivered]] = field(default_factory=list)
    """Es/N0 in dB, and what arrived: once a budget, SNR, draw and device, in this order."""

    @property
    def sweep(self) -> "pd.Series[float]":
        rows = pd.read_csv(self.folder / "sweep.csv")
        return rows.set_index(["metric", "budget_epochs", "snr_db", "draw"])["value"].sort_index()

    def lost(self, budget: int, snr_db: int) -> np.ndarray:
        """(draws, devices, frames)."""
        here = self.entry.evaluate
        every = np.array([d.lost.numpy() for _, d in self.sent])
        shaped = every.reshape(len(self.entry.budgets), len(here.snr_db), here.draws, 2, -1)
        return shaped[self.entry.budgets.index(budget), here.snr_db.index(snr_db)]


Make = Callable[..., Made]


@pytest.fixture
def make(
    place: dict[str, object],
    encoder: Encoder,
    finetuning: Finetune,
    frames: DeviceFrames,
    prepared_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    """Runs the stage with random encoders: others in the models of each budget than before fine-tuning."""

    def run(
        name: str = "out",
        *,
        schemes: tuple[str, ...] = ("qpsk_uncoded",),
        budgets: tuple[int, ...] = (3,),
        snr_db: tuple[int, ...] = SNR_DB,
        draws: int = DRAWS,
        fraction: float = 1.0,
        train_snr_db: float = 10,
        encoders: bool = True,
        fusion: Literal["concat", "average"] = "concat",
        **options: object,
    ) -> Made:
        link = Link(channel={"use": "awgn"}, channel_uses=8, train_snr_db=train_snr_db)
        settings = Digital(link="l", schemes=schemes, head_epochs=20, **options)  # type: ignore[arg-type]
        uses = 8 * settings.frames_per_block
        tables = [error_table(tmp_path, parse(scheme, channel_uses=uses)) for scheme in schemes]
        entry = DigitalEntry(
            **place,  # type: ignore[arg-type]
            method="m",
            labels="all",
            modalities=("rgb", "depth"),
            encoder=encoder,
            finetune=finetuning.model_copy(update={"fusion": fusion}),
            link=link,
            link_name="pq",
            digital=settings,
            tables={path.name: "" for path in tables},
            fraction=fraction,
            seed=0,
            budgets=budgets,
            neighbours=5,
            evaluate=Evaluate(snr_db=snr_db, draws=draws),
        )
        made = Made(tmp_path / name, entry)
        made.folder.mkdir(exist_ok=True)
        before, models = made.folder / "encoders.pt", made.folder / "models.pt"
        torch.manual_seed(1)
        weights.save(before, Encoders(("rgb", "depth"), frames.size, encoder).state_dict())
        weights.save(models, {str(b): system_for(entry, frames).state_dict() for b in (1, 3)})
        train, send = Receiver.train, DigitalLink.send

        def trained(server: Server, scheme: Scheme) -> Receiver:
            made.receivers[server.budget, scheme.modulation] = train(server, scheme)
            return made.receivers[server.budget, scheme.modulation]

        def delivered(link: DigitalLink, bits: torch.Tensor, **options: object) -> Delivered:
            made.sent.append((float(options["snr_db"]), send(link, bits, **options)))  # type: ignore[arg-type]
            return made.sent[-1][1]

        with monkeypatch.context() as patch:
            patch.setattr(Receiver, "train", trained)
            patch.setattr(DigitalLink, "send", delivered)
            digital.run(
                prepared_file,
                entry,
                models=models,
                encoders=before if encoders else None,
                tables=tables,
                sweep=made.folder / "sweep.csv",
                predictions=made.folder / "predictions.npz",
                communication=made.folder / "communication.csv",
                journal=made.folder / "j.jsonl",
                states=made.folder / "states",
            )
        return made

    return run


@torch.no_grad()
def features(made: Made, frames: DeviceFrames, which: np.ndarray, budget: int) -> dict[str, np.ndarray]:
    """What the devices' encoders make of some frames, by our own way."""
    if budget:
        system = system_for(made.entry, frames)
        weights.load_into(system, made.folder / "models.pt", part=str(budget))
        encoders = system.encoders
    else:
        encoders = Encoders(("rgb", "depth"), frames.size, made.entry.encoder)
        weights.load_into(encoders, made.folder / "encoders.pt")
        recompute(encoders, frames.plain(folds(frames, 1.0)[0]))
    encoders.eval()
    seen = [encoders(views) for views in frames.plain(which)]
    return {name: torch.cat([part[name] for part in seen]).numpy() for name in ("rgb", "depth")}


def folds(frames: DeviceFrames, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Training frames of seed 0, and those with a label."""
    prepared = frames.prepared
    train, _ = validation_fold(prepared.scene, prepared.group, prepared.train, seed=0)
    return train, labelled(train, prepared.scene, fraction=fraction, seed=0)


def quantised(
    made: Made, own: dict[str, np.ndarray], budget: int, modulation: str = "qpsk"
) -> dict[str, np.ndarray]:
    """Features as they arrive if nothing is lost."""
    receiver = made.receivers[budget, modulation]
    return {
        name: receiver.quantisers[name].decode(receiver.quantisers[name].encode(own[name])) for name in own
    }


def joined(parts: dict[str, np.ndarray], *, unit: bool = False) -> np.ndarray:
    if unit:
        parts = {name: part / np.linalg.norm(part, axis=1, keepdims=True) for name, part in parts.items()}
    return np.concatenate([parts["rgb"], parts["depth"]], axis=1)


@pytest.mark.parametrize("budget", [0, 3])
def test_without_losses_the_head_scores_the_decoded_features(
    make: Make, frames: DeviceFrames, budget: int
) -> None:
    made = make(budgets=(0, 3), draws=2)
    arrived = joined(quantised(made, features(made, frames, TEST, budget), budget))
    receiver = made.receivers[budget, "qpsk"]
    with torch.no_grad():
        scores = receiver.head((torch.from_numpy(arrived) - receiver.mean) / receiver.spread)
    truth = frames.prepared.scene[TEST]
    assert not made.lost(budget, 30).any()
    assert len(set(scores.argmax(-1).tolist())) > 1
    for draw in range(2):
        right = (scores.argmax(-1).numpy() == truth).mean()
        assert made.sweep["accuracy", budget, 30, draw] == pytest.approx(right)
        expected = float(F.cross_entropy(scores, torch.from_numpy(truth)))
        assert made.sweep["nll", budget, 30, draw] == pytest.approx(expected, rel=1e-5)
        with np.load(made.folder / "predictions.npz") as said:
            at = (made.entry.budgets.index(budget), SNR_DB.index(30), draw)
            np.testing.assert_array_equal(said["predicted"][at], scores.argmax(-1).numpy())
    assert right > 0.5, "three easy classes show in random features"


def test_averaged_heads_see_a_device_each_here_too(make: Make, frames: DeviceFrames) -> None:
    made = make(snr_db=(30,), draws=1, fusion="average")
    receiver = made.receivers[3, "qpsk"]
    arrived = quantised(made, features(made, frames, TEST, 3), 3)
    wide = [part.shape[1] for part in arrived.values()]
    x = (torch.from_numpy(joined(arrived)) - receiver.mean) / receiver.spread
    with torch.no_grad():
        rgb, depth = (head(x) for head, x in zip(receiver.head.heads, x.split(wide, 1), strict=True))
    truth = frames.prepared.scene[TEST]
    right = (((rgb + depth) / 2).argmax(-1).numpy() == truth).mean()
    assert made.sweep["accuracy", 3, 30, 0] == pytest.approx(right)
    assert right > 0.5


def test_budgets_have_encoders_of_their_own_and_0_those_before_fine_tuning(
    make: Make, frames: DeviceFrames
) -> None:
    made = make(budgets=(0, 1, 3), snr_db=(30,), draws=1)
    train, _ = folds(frames, 1.0)
    means = {}
    for budget in (0, 1, 3):
        own = features(made, frames, train, budget)
        for name, quantiser in made.receivers[budget, "qpsk"].quantisers.items():
            # Codebooks are learnt on all training frames, whose mean stands in for a lost feature.
            np.testing.assert_allclose(quantiser.mean, own[name].mean(0), rtol=1e-5, atol=1e-6)
            oracle = ProductQuantiser.train(own[name], bits=16, seed=0)
            for book, expected in zip(quantiser.codebooks, oracle.codebooks, strict=True):
                np.testing.assert_array_equal(book, expected)
        means[budget] = own["rgb"].mean(0)
    assert not np.allclose(means[0], means[1], atol=1e-3)
    assert not np.allclose(means[1], means[3], atol=1e-3)


def test_head_and_base_know_labelled_frames_only_as_they_arrived(make: Make, frames: DeviceFrames) -> None:
    made = make(budgets=(3,), fraction=0.5, snr_db=(30,), draws=1)
    train, known = folds(frames, 0.5)
    assert len(train) == 80
    assert len(known) < 50
    arrived = quantised(made, features(made, frames, known, 3), 3)
    receiver = made.receivers[3, "qpsk"]
    np.testing.assert_allclose(receiver.mean.numpy(), joined(arrived).mean(0), rtol=1e-4, atol=1e-6)
    assert receiver.base.ids.tolist() == frames.prepared.index[known].tolist()
    # Retrieval by hand: the five nearest by the mean of the devices' cosines; of equal votes the nearest's.
    base = joined(arrived, unit=True)
    query = joined(quantised(made, features(made, frames, TEST, 3), 3), unit=True)
    classes = frames.prepared.scene
    right = []
    for i, similarity in enumerate(query @ base.T):
        nearest = classes[known][np.argsort(-similarity, kind="stable")[:5]].tolist()
        vote = max(nearest, key=lambda c: (nearest.count(c), -nearest.index(c)))
        right.append(vote == classes[TEST[i]])
    # Quantised features may be equally near: two of 50 frames may go the other way.
    assert made.sweep["retrieval_accuracy", 3, 30, 0] == pytest.approx(np.mean(right), abs=0.041)
    assert np.mean(right) > 0.5


def test_frames_whose_blocks_are_all_lost_have_one_class(make: Make) -> None:
    made = make(draws=3)
    assert made.lost(3, -20).all()
    with np.load(made.folder / "predictions.npz") as said:
        assert np.unique(said["predicted"][0, 0]).size == 1
        assert np.unique(said["predicted"][0, -1]).size > 1
    assert (made.sweep["lost_blocks", 3, -20] == 1).all()
    assert made.sweep["retrieval_accuracy", 3, -20].nunique() == 1


@pytest.mark.parametrize("exact", [False, True])
def test_the_lost_share_is_the_block_error_rate(make: Make, exact: bool) -> None:
    made = make(exact=exact)
    scheme = parse("qpsk_uncoded", channel_uses=8)
    for snr_db in (4, 6, 8):
        rate = float(uncoded_bler(snr_db, scheme=scheme))
        assert 0.05 < rate < 0.75
        lost = made.lost(3, snr_db)
        assert lost.mean() == pytest.approx(made.sweep["lost_blocks", 3, snr_db].mean())
        assert lost.size == BLOCKS
        # 4 standard errors of a share
        assert abs(lost.mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / BLOCKS)


def test_blocks_really_sent_cost_as_much_accuracy_as_drawn_losses(make: Make) -> None:
    drawn, sent = make("drawn").sweep, make("sent", exact=True).sweep
    for metric in ("accuracy", "retrieval_accuracy", "nll"):
        assert sent[metric, 3, 30, 0] == drawn[metric, 3, 30, 0], "nothing is lost"
        for snr_db in (4, 6, 8):
            a, b = (of[metric, 3, snr_db].to_numpy() for of in (drawn, sent))
            assert a.std() > 0
            # draws are independent, given frames and head: 4 standard errors of the difference
            assert abs(a.mean() - b.mean()) < 4 * np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / DRAWS)


def test_what_is_lost_at_a_higher_snr_is_lost_at_a_lower_one_at_every_budget(make: Make) -> None:
    made = make(budgets=(0, 3))
    for low, high in ((4, 6), (6, 8), (8, 30)):
        assert (made.lost(3, low) >= made.lost(3, high)).all()
        assert made.lost(3, low).sum() > made.lost(3, high).sum()
    for snr_db in SNR_DB:
        np.testing.assert_array_equal(made.lost(0, snr_db), made.lost(3, snr_db))
    first = made.lost(3, 6)
    assert (first[0, 0] != first[0, 1]).any(), "devices have draws of their own"
    assert (first[0] != first[1]).any()


def test_frames_of_a_block_are_lost_together(make: Make) -> None:
    made = make(frames_per_block=3, snr_db=(2, 4), draws=10)
    lost = made.lost(3, 4)  # 50 frames: 16 blocks of three, and one of two
    assert (lost[..., :48:3] == lost[..., 1:48:3]).all()
    assert (lost[..., :48:3] == lost[..., 2:48:3]).all()
    assert (lost[..., 48] == lost[..., 49]).all()
    assert (lost[..., 2:47:3] != lost[..., 3:48:3]).any()
    assert set(made.sweep["payload_bits", 3, 4]) == {16.0}


def test_training_features_are_sent_once_each_block_until_it_arrives(
    make: Make, frames: DeviceFrames
) -> None:
    made = make(frames_per_block=3, fraction=0.5, budgets=(0, 3), snr_db=(30,), draws=1, train_snr_db=4)
    known = len(folds(frames, 0.5)[1])
    assert known % 3, "the last block is not full"
    rate = float(uncoded_bler(4, scheme=parse("qpsk_uncoded", channel_uses=24)))
    assert rate > 0.5
    blocks = 2 * (known // 3 + 1) / (1 - rate)  # two devices
    rows = pd.read_csv(made.folder / "communication.csv").set_index("budget_epochs")
    assert rows.uplink_uses.tolist() == [pytest.approx(24 * blocks, rel=1e-3)] * 2
    assert rows.uplink_bits.tolist() == [pytest.approx(48 * blocks, rel=1e-3)] * 2
    assert not rows[["rounds", "downlink_uses", "downlink_bits", "pretrain_uses"]].any().any()


def test_the_scheme_goes_with_the_snr_and_has_its_own_head(make: Make) -> None:
    both = {"schemes": ("16qam_uncoded", "qpsk_uncoded"), "objective": "reliable"}
    made = make("both", **both)
    bits = made.sweep["payload_bits", 3].groupby("snr_db").unique()
    assert {snr: found.tolist() for snr, found in bits.items()} == {
        **dict.fromkeys(SNR_DB[:-1], [16.0]),
        30: [32.0],
    }
    assert [q.bits for q in made.receivers[3, "16qam"].quantisers.values()] == [32, 32]
    alone = make("alone", schemes=("qpsk_uncoded",), snr_db=(6,))
    metrics = ["accuracy", "nll", "retrieval_accuracy", "lost_blocks"]
    for metric in metrics:
        pd.testing.assert_series_equal(made.sweep[metric, 3, 6], alone.sweep[metric, 3, 6])


def test_the_same_seed_gives_the_same_bytes_and_so_does_a_killed_run(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    whole, again = make("whole", budgets=(0, 3), draws=2), make("again", budgets=(0, 3), draws=2)

    class Killed(BaseException):
        pass

    def die(*_args: object, **_kwargs: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(digital, "write_rows", die)
        with pytest.raises(Killed):
            make("cut", budgets=(0, 3), draws=2)
    cut = make("cut", budgets=(0, 3), draws=2)
    for name in OUTPUTS:
        assert (whole.folder / name).read_bytes() == (again.folder / name).read_bytes(), name
        assert (whole.folder / name).read_bytes() == (cut.folder / name).read_bytes(), name


def test_the_verb_does_the_same(make: Make, prepared_file: Path, tmp_path: Path) -> None:
    made = make(schemes=("16qam_uncoded", "qpsk_uncoded"), budgets=(0, 3), draws=2)
    files = {name: tmp_path / name for name in OUTPUTS}
    options = {
        "frames": prepared_file,
        "models": made.folder / "models.pt",
        "encoders": made.folder / "encoders.pt",
        "journal": tmp_path / "j.jsonl",
        "state": tmp_path / "states",
        **{path.stem: path for path in files.values()},
    }
    words = [f"--{name}={path}" for name, path in options.items()]
    words += [f"--table={tmp_path / name}" for name in made.entry.tables]
    done = CliRunner().invoke(app, ["evaluate", "digital", to_json(made.entry), *words])
    assert done.exit_code == 0, done.exception
    for name, path in files.items():
        assert path.read_bytes() == (made.folder / name).read_bytes(), name


def test_what_cannot_be_is_said(make: Make) -> None:
    with pytest.raises(SemcomError, match="budget 0 takes pre-trained encoders, and there are none"):
        make(budgets=(0,), encoders=False)
    with pytest.raises(SemcomError, match="at the -20 dB of training no block of qpsk_uncoded .* arrives"):
        make(train_snr_db=-20)
