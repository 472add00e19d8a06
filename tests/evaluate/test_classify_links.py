"""Classification over links: what a sweep says is what heads, codebooks and link do."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import coloured
from coloured import LIES, TEST, TRUE
from semcom.channel.digital.table import read as read_table
from semcom.evaluate import classify as sweep
from semcom.files.errors import SemcomError
from semcom.finetune import classify as stage
from semcom.frames.images import DrawnParts
from semcom.models import local
from semcom.models.classify import Ends, Receiver, looked, read, scaled
from semcom.params.crlsc.classify import ClassifyLink
from semcom.params.crlsc.classifyentries import ClassifyEntry, ClassifyTestEntry
from semcom.params.parts import PartEntry
from semcom.quantise.codes import BaseCodes
from semcom.quantise.shared import SharedBase
from semcom.quantise.source import InMemory
from semcom.training import loop

USES = 4
LINK = ClassifyLink(channel={"use": "awgn"}, channel_uses=USES, train_snr_db={"uniform": (5.0, 15.0)})
TABLE = Path("results/reference/links/qpsk_ldpc_1-2_32_awgn.csv")
ROLLS = {"a": 0, "b": 0, "rolled": 2}
"""Two encoders that say the same, and one of whose axes each is another's."""
WAYS = ("direct", "symbols", "shared", "private")
DIM = 3
PARTS = (
    ("own", PartEntry(data="coloured", role="private")),
    ("test", PartEntry(data="coloured", role="test")),
)


def common(way: str) -> dict[str, Any]:
    bits = {"shared": 32, "private": 3}.get(way)
    return {
        "study": "s",
        "data": "d",
        "code": "c",
        "compute": {},
        "seed": 1,
        "parts": PARTS,
        "method": "guided",
        "link_name": way,
        "target_name": "colours",
        "labels": 1.0,
        "target": {"train": "own", "test": "test"},
        "channel_uses": USES if way == "symbols" else None,
        "indices": way if bits else None,
        "bits": bits,
        "sender": {"use": "linear"} if way == "symbols" else None,
        "head": {"use": "mlp", "hidden": 16, "dropout": 0.0},
    }


def training(way: str, name: str, **more: Any) -> ClassifyEntry:
    fields: dict[str, Any] = {
        "encoder": name,
        "network": coloured.network(ROLLS[name]),
        "link": LINK if way == "symbols" else None,
        "encoder_lr_scale": None,
        "views": None,
        "epochs": 40,
        "images": None,
        "batch_size": 16,
        "optimiser": {"use": "adamw", "lr": 1e-2, "weight_decay": 0.0},
        "warmup": 0.05,
    }
    return ClassifyEntry.model_validate(common(way) | fields | more)


def sweeping(way: str, **more: Any) -> ClassifyTestEntry:
    bits = way in ("shared", "private")
    fields: dict[str, Any] = {
        "networks": {name: coloured.network(roll) for name, roll in ROLLS.items()},
        "tuned": False,
        "channel": None if way == "direct" else LINK.channel,
        "scheme": "qpsk_ldpc_1/2" if bits else None,
        "scheme_uses": 32 if bits else None,
        "exact": False,
        "table": {TABLE.name: ""} if bits else {},
        "snr_db": (-20, 0, 60),
        "draws": 3,
    }
    return ClassifyTestEntry.model_validate(common(way) | fields | more)


@dataclass(frozen=True)
class Trained:
    """Encoders, receivers by way and name, a base of colours, and where they are."""

    folder: Path
    frames: Path
    base: Path

    def encoder(self, name: str) -> Path:
        return self.folder / f"{name}.pt"

    def receiver(self, way: str, name: str) -> Path:
        return self.folder / way / name / "receiver.pt"

    def train(self, given: ClassifyEntry, folder: Path) -> Path:
        stage.run(
            given,
            frames=self.frames,
            encoder=self.encoder(given.encoder),
            base=self.base if given.indices == "shared" else None,
            receiver=folder / "receiver.pt",
            history=folder / "history.csv",
            journal=folder / "journal.jsonl",
            states=self.folder / "states",
        )
        return folder / "receiver.pt"

    def sweep(self, given: ClassifyTestEntry, folder: Path, **more: Any) -> pd.DataFrame:
        files = {"base": self.base, "error_table": TABLE} if given.scheme else {}
        sweep.run(
            given,
            frames=self.frames,
            encoders=[self.encoder(name) for name in ROLLS],
            receivers=[self.receiver(given.link_name, name) for name in ROLLS],
            table=folder / "table.csv",
            journal=folder / "journal.jsonl",
            **({"base": None, "error_table": None} | files | more),
        )
        return pd.read_csv(folder / "table.csv")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("trained")
    colours = np.random.default_rng(0).dirichlet((0.3, 0.3, 0.3), 600).astype(np.float32)
    SharedBase.build(InMemory.numbered(colours), form="PQ3x3").save(folder / "base.skb")
    made = Trained(folder, coloured.images(folder), folder / "base.skb")
    for name, roll in ROLLS.items():
        coloured.encoder(made.encoder(name), coloured.network(roll), dim=DIM)
        for way in WAYS:
            made.train(training(way, name), folder / way / name)
    return made


def party(trained: Trained, way: str, name: str) -> sweep.Party:
    ends = Ends(DIM, 3, **{key: common(way)[key] for key in ("channel_uses", "sender", "head")})
    receiver = read(trained.receiver(way, name), ends.eval())
    drawn = DrawnParts.open([trained.frames], PARTS, seed=1, device=torch.device("cpu"))
    images, part = drawn.of("test")
    net = local.read(
        trained.encoder(name),
        size=images.size,
        encoder=coloured.network(ROLLS[name]).encoder,
        hidden=(),
        device=torch.device("cpu"),
    )
    return sweep.Party(receiver, receiver.own(looked(net, images, part.index)))


def accuracies(rows: pd.DataFrame) -> pd.Series:
    """Mean over draws by owner, guest, sending end and Es/N0."""
    rows = rows[rows["metric"] == "accuracy"]
    return rows.groupby(["owner", "guest", "sender", "snr_db"])["value"].mean()


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_is_lost_it_is_classified_as_without_a_link(way, trained, tmp_path):
    found = accuracies(trained.sweep(sweeping(way), tmp_path))
    whose = "owner" if way in ("symbols", "private") else "nobody"
    for name in ROLLS:
        assert found[name, name, whose, 60] == pytest.approx(TRUE), "but for images whose colour lies"
    if way != "direct":
        assert found["a", "a", whose, -20] < 0.6, "almost nothing arrives"


@pytest.mark.parametrize("way", ["direct", "symbols", "private"])
def test_a_receiver_works_with_an_encoder_that_says_the_same_and_with_no_other(way, trained, tmp_path):
    found = accuracies(trained.sweep(sweeping(way), tmp_path))
    whose = "nobody" if way == "direct" else "owner"
    assert found["a", "b", whose, 60] == pytest.approx(TRUE)
    # Every colour is taken for the one before: right are those that lie.
    assert found["a", "rolled", whose, 60] == pytest.approx(LIES / TEST)
    if way == "direct":
        assert "guest" not in found.index.get_level_values("sender")
    else:
        assert set(found["a", "a"].index.get_level_values("sender")) == {"owner"}


def test_of_shared_codebooks_all_have_the_same(trained, tmp_path):
    found = accuracies(trained.sweep(sweeping("shared"), tmp_path))
    assert set(found.index.get_level_values("sender")) == {"nobody"}
    assert found["a", "b", "nobody", 60] == pytest.approx(TRUE)
    assert found["a", "rolled", "nobody", 60] == pytest.approx(LIES / TEST)


def test_own_senders_of_two_trainings_do_not_mean_the_same(trained, tmp_path):
    found = accuracies(trained.sweep(sweeping("symbols"), tmp_path))
    ends = [party(trained, "symbols", name).receiver.ends for name in ("a", "rolled")]
    vectors = scaled(party(trained, "symbols", "rolled").vectors, torch.device("cpu"))
    with torch.no_grad():
        taken = ends[0].decide(ends[1].encode(vectors)).argmax(-1).numpy()
    truth = np.arange(90, 90 + TEST) % 3
    assert found["a", "rolled", "guest", 60] == pytest.approx((taken == truth).mean())


def test_symbols_have_power_one_for_every_image(trained):
    one = party(trained, "symbols", "a")
    symbols = one.receiver.ends.encode(scaled(one.vectors, torch.device("cpu")))
    assert symbols.shape == (TEST, USES)
    assert abs(symbols.abs().square().mean(-1) - 1).max() < 1e-5


@pytest.mark.parametrize("way", ["shared", "private"])
def test_blocks_are_lost_where_the_error_table_has_it_and_the_mean_vector_stands_for_them(
    way, trained, tmp_path
):
    curve = read_table(TABLE)
    snr_db = tuple(round(curve.snr_db_at(rate)) for rate in (0.9, 0.1))
    rows = trained.sweep(sweeping(way, snr_db=snr_db, draws=20), tmp_path)
    rows = rows[(rows["owner"] == "a") & (rows["guest"] == "a")]
    for at in snr_db:
        bler = float(curve.bler(at, outside="bound"))
        lost = rows[(rows["snr_db"] == at) & (rows["metric"] == "lost_blocks")]["value"].mean()
        assert abs(lost - bler) < 4 * (bler * (1 - bler) / (20 * TEST)) ** 0.5 + 1e-9
    every = trained.sweep(sweeping(way, snr_db=(-30,), draws=1), tmp_path)
    one = party(trained, way, "a")
    assert one.receiver.lost is not None
    taken = int(one.receiver.ends.decide(torch.from_numpy(one.receiver.lost)).argmax())
    share = (np.arange(90, 90 + TEST) % 3 == taken).mean()
    assert accuracies(every)["a", "a"].iloc[0] == pytest.approx(share)
    bits = rows[rows["metric"] == "payload_bits"]["value"].unique()
    assert bits == {"shared": 9, "private": 3}[way]


def test_blocks_that_are_really_sent_are_lost_as_often(trained, tmp_path):
    snr_db = 1
    rows = trained.sweep(sweeping("shared", exact=True, snr_db=(snr_db, 20), draws=3), tmp_path)
    lost = rows[rows["metric"] == "lost_blocks"].groupby("snr_db")["value"].mean()
    bler = float(read_table(TABLE).bler(snr_db, outside="bound"))
    assert (
        abs(lost[snr_db] - bler) < 4 * (bler * (1 - bler) / (3 * TEST)) ** 0.5
    )  # the same draws for all pairs
    assert lost[20] == 0
    assert accuracies(rows)["a", "a", "nobody", 20] == pytest.approx(TRUE)


def test_encoders_of_another_width_get_no_sender_that_does_not_fit():
    ends = Ends(2, 3, channel_uses=2, sender={"use": "linear"}, head={"use": "mlp"})
    narrow, wide = (sweep.Party(Receiver(ends, np.zeros(d)), np.zeros((4, d))) for d in (2, 5))
    asked = {"same": False}
    assert sweep.ends_between(sweeping("symbols"), narrow, wide, **asked) == ("guest",)
    assert sweep.ends_between(sweeping("symbols"), narrow, narrow, **asked) == ("owner", "guest")
    assert sweep.ends_between(sweeping("private"), narrow, wide, **asked) == ("guest",)
    assert sweep.ends_between(sweeping("direct"), narrow, wide, **asked) == ()


def test_codes_of_a_base_are_those_that_it_stores_itself(trained):
    base = SharedBase.load(trained.base)
    codes = BaseCodes(base)
    draws = np.random.default_rng(1)
    centred = draws.normal(size=(40, DIM)).astype(np.float32)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    bits = codes.encode(centred)
    assert bits.shape == (40, codes.bits) == (40, 9)
    assert set(np.unique(bits)) == {0, 1}
    placed = codes.mean + codes.spread * centred
    base.add(InMemory(placed, 1000 + np.arange(40)))
    stored = base.decode()[-40:]
    expected = stored - codes.mean
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(codes.decode(bits), expected, atol=1e-5)


@pytest.mark.parametrize("form", ["Flat", "SQ8", "IVF4,PQ3x3"])
def test_a_base_without_such_indices_is_refused(form):
    vectors = np.random.default_rng(0).normal(size=(600, DIM)).astype(np.float32)
    with pytest.raises(SemcomError, match="take a form such as PQ32x4"):
        BaseCodes(SharedBase.build(InMemory.numbered(vectors), form=form))


def test_fewer_labels_are_fewer_steps_and_all_ways_have_as_many(trained, tmp_path):
    for way in WAYS:
        history = pd.read_csv(trained.receiver(way, "a").with_name("history.csv"))
        assert set(history["metric"]) == {"loss", "validation_accuracy"}
        assert history["epoch"].max() == 40
        losses = history[history["metric"] == "loss"]["value"]
        assert losses.iloc[-1] < 0.2 < losses.iloc[0]
    trained.train(training("direct", "a", labels=0.05, epochs=1), tmp_path)
    few = pd.read_csv(tmp_path / "history.csv")
    assert few["epoch"].max() == 1


@pytest.mark.parametrize("way", ["symbols", "private"])
def test_a_kill_changes_nothing(way, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    validated, epochs = stage._validated, []

    def killed(*given: Any) -> float:
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return validated(*given)

    monkeypatch.setattr(stage, "_validated", killed)
    with pytest.raises(KeyboardInterrupt):
        trained.train(training(way, "a"), tmp_path)
    monkeypatch.setattr(stage, "_validated", validated)
    path = trained.train(training(way, "a"), tmp_path)
    assert path.read_bytes() == trained.receiver(way, "a").read_bytes()
    before = trained.receiver(way, "a").with_name("history.csv").read_text()
    assert path.with_name("history.csv").read_text() == before


def test_what_is_missing_is_named(trained, tmp_path):
    with pytest.raises(SemcomError, match="need the base, and none is given: --base"):
        trained.sweep(sweeping("shared"), tmp_path, base=None)
    with pytest.raises(SemcomError, match="qpsk_ldpc_1/2 needs its error table; give --error-table"):
        trained.sweep(sweeping("private"), tmp_path, error_table=None)
    with pytest.raises(SemcomError, match="give one of each, in order"):
        trained.sweep(sweeping("direct", networks={"a": coloured.network()}), tmp_path)
    ends = Ends(DIM, 3, **{key: common("direct")[key] for key in ("channel_uses", "sender", "head")})
    with pytest.raises(SemcomError, match="does not hold"):
        read(trained.receiver("symbols", "a"), ends)
