"""Images over links: what a sweep says is what network, quantiser and link do; a kill changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from semcom.channel import power, symbols
from semcom.channel.awgn import AWGN
from semcom.channel.digital import bounds
from semcom.channel.digital.table import read
from semcom.evaluate import images as sweep
from semcom.evaluate.judge import Judge
from semcom.evaluate.transmission import Coded, huffman, of_sheet, transmission
from semcom.files.errors import SemcomError
from semcom.finetune import images as stage
from semcom.frames.images import DeviceImages, DrawnParts
from semcom.metrics.reconstruction import pixels, psnr_db, ssim
from semcom.models import images as networks
from semcom.models.jscc import DeepJSCC
from semcom.models.vqvae import VQVAE
from semcom.params.crlsc.imageentries import ImagesEntry, ImagesTestEntry
from semcom.params.crlsc.images import Codebook, ImageLink
from semcom.params.parts import PartEntry
from semcom.params.sections import Compute
from semcom.quantise.bits import from_bits
from semcom.quantise.ordering import harm
from semcom.training import loop

SIZE = (32, 24)
PARTS = (
    ("a", PartEntry(data="drawn", role="private")),
    ("test", PartEntry(data="drawn", role="test")),
)
LINK = ImageLink(channel={"use": "awgn"}, channel_uses=24, train_snr_db={"uniform": (5.0, 15.0)})
VQ = Codebook(codes=4, dim=4, width=8, hidden=4, blocks=1, halvings=3)
TABLE = Path("results/reference/links/qpsk_ldpc_1-2_32_awgn.csv")
WRONG = ("lost", "bit_error_rate")
KINDS = ("deepjscc", "uncoded", "coded")
Send = Callable[[str, float], Any]


def place(kind: str) -> dict[str, Any]:
    return {
        "study": "test",
        "data": "0" * 32,
        "code": "1" * 16,
        "compute": Compute(),
        "seed": 0,
        "parts": PARTS,
        "method": kind,
        "size": SIZE,
        "vqvae": None if kind == "deepjscc" else VQ,
    }


def training(kind: str, **more: Any) -> ImagesEntry:
    fields: dict[str, Any] = {
        "link_name": "awgn" if kind == "deepjscc" else "any",
        "link": LINK if kind == "deepjscc" else None,
        "ordered": kind == "uncoded",
        "part": "a",
        "epochs": 3,
        "images": 60,
        "batch_size": 16,
        "optimiser": {"use": "adamw", "lr": 2e-3, "weight_decay": 0.0},
        "warmup": 0.05,
    }
    return ImagesEntry(**(place(kind) | fields | more))


def sweeping(kind: str, **more: Any) -> ImagesTestEntry:
    scheme = {"deepjscc": None, "uncoded": "qpsk_uncoded", "coded": "qpsk_ldpc_1/2"}[kind]
    fields: dict[str, Any] = {
        "link_name": "awgn",
        "channel": LINK.channel,
        "channel_uses": LINK.channel_uses if kind == "deepjscc" else 32,  # which there is a table for
        "scheme": scheme,
        "exact": False,
        "table": {TABLE.name: ""} if kind == "coded" else {},
        "part": "test",
        "snr_db": (-10, 3, 10, 60),
        "draws": 2,
    }
    return ImagesTestEntry(**(place(kind) | fields | more))


def train(given: ImagesEntry, frames: Path, folder: Path) -> Path:
    stage.run(
        given,
        frames=frames,
        network=folder / "network.pt",
        history=folder / "history.csv",
        journal=folder / "journal.jsonl",
        states=folder.parent / "states",
    )
    return folder / "network.pt"


@pytest.fixture(scope="module")
def frames(prepared_file: Path) -> Path:
    return prepared_file


@pytest.fixture(scope="module")
def trained(frames: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("trained")
    return {kind: train(training(kind), frames, folder / kind) for kind in KINDS}


@pytest.fixture(scope="module")
def sent(frames: Path) -> tuple[DeviceImages, torch.Tensor]:
    images, part = DrawnParts.open([frames], PARTS, seed=0, device=torch.device("cpu")).of("test")
    return images, torch.from_numpy(part.index)


@pytest.fixture
def send(trained: dict[str, Path], sent: tuple[DeviceImages, torch.Tensor]) -> Send:
    """What arrives by a kind at an Es/N0."""

    def arrived(kind: str, snr_db: float) -> Any:
        given = sweeping(kind)
        network, mean = loaded(kind, trained)
        error_table = TABLE if kind == "coded" else None
        way = transmission(given, network, *sent, mean=mean, error_table=error_table, judge=judge(*sent))
        return way.send(snr_db, torch.Generator().manual_seed(1))

    return arrived


def judge(images: DeviceImages, index: torch.Tensor) -> Judge:
    return Judge(images.rgb[index].numpy())


def loaded(kind: str, trained: dict[str, Path]) -> tuple[networks.Network, torch.Tensor]:
    given = sweeping(kind)
    network = networks.made(SIZE, given.vqvae, LINK.channel_uses)
    mean = networks.load_into(network, trained[kind])
    return network.eval(), mean


class Straight(torch.nn.Module):
    """An analog network of one's own: no forward, no channel, one linear map there and one back."""

    def __init__(
        self, channels: int, size: tuple[int, int], channel_uses: int, *, loudness: float = 1.0
    ) -> None:
        super().__init__()
        shape = (channels, size[1], size[0])
        self.encoder = torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(channels * size[0] * size[1], 2 * channel_uses),
            Loud(loudness),
        )
        self.decoder = torch.nn.Sequential(
            Reals(), torch.nn.Linear(2 * channel_uses, channels * size[0] * size[1]), torch.nn.Sigmoid(),
            torch.nn.Unflatten(1, shape),
        )  # fmt: skip


class Loud(torch.nn.Module):
    def __init__(self, loudness: float) -> None:
        super().__init__()
        self.loudness = loudness

    def forward(self, reals: torch.Tensor) -> torch.Tensor:
        return self.loudness * power.normalise(symbols.to_complex(reals))


class Reals(torch.nn.Module):
    def forward(self, received: torch.Tensor) -> torch.Tensor:
        return symbols.to_real(received)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_network_of_ones_own_is_trained_and_sent(precision, frames, sent, tmp_path):
    own = {"use": "test_image_links:Straight"}
    given = training("deepjscc", network=own, precision=precision)
    path = train(given, frames, tmp_path / "own")
    errors = pd.read_csv(path.with_name("history.csv")).query("metric == 'mse'")["value"]
    assert errors.iloc[-1] < errors.iloc[0]
    outputs = {name: tmp_path / name for name in ("table", "sheet", "journal")}
    sweep.run(sweeping("deepjscc", network=own, snr_db=(0, 60)), frames=[frames], network=path, **outputs)
    rows = pd.read_csv(outputs["table"]).query("metric == 'psnr_db'").groupby("snr_db")["value"].mean()
    network = Straight(3, SIZE, LINK.channel_uses)
    networks.load_into(network, path)
    images, index = sent
    with torch.no_grad():
        plain = pixels(network.decoder(network.encoder(images.take(index))))
    assert rows[60] == pytest.approx(psnr_db(images.rgb[index].numpy(), plain).mean(), abs=0.01)
    assert rows[0] < rows[60]


def test_a_network_that_sends_at_another_power_is_refused_before_it_trains_or_sends(frames, tmp_path):
    loud = {"use": "test_image_links:Straight", "loudness": 1.5}
    said = r"test_image_links:Straight: the encoder gives images. symbols an average power of 2.25 to 2.25;"
    with pytest.raises(SemcomError, match=said):
        train(training("deepjscc", network=loud), frames, tmp_path / "loud")
    path = train(training("deepjscc", network={"use": loud["use"]}, epochs=1), frames, tmp_path / "own")
    outputs = {name: tmp_path / name for name in ("table", "sheet", "journal")}
    with pytest.raises(SemcomError, match=said):
        sweep.run(sweeping("deepjscc", network=loud), frames=[frames], network=path, **outputs)


def test_without_noise_deepjscc_is_its_plain_forward_pass(send, sent, trained):
    network, _ = loaded("deepjscc", trained)
    images, index = sent
    assert isinstance(network, DeepJSCC)
    with torch.no_grad():
        plain = pixels(network(images.take(index), AWGN(), 0.0))
    arrived = send("deepjscc", float("inf"))
    original = images.rgb[index].numpy()
    np.testing.assert_array_equal(arrived.images, plain[of_sheet(len(plain))])
    np.testing.assert_array_equal(arrived.measures["psnr_db"], psnr_db(original, plain))
    np.testing.assert_array_equal(arrived.measures["ssim"], ssim(original, plain))
    noisy = send("deepjscc", -5.0).measures["psnr_db"]
    assert noisy.mean() < arrived.measures["psnr_db"].mean(), "channel noise costs something"


@pytest.mark.parametrize("kind", ["uncoded", "coded"])
def test_without_noise_a_vqvae_is_its_quantiser_alone(kind, send, sent, trained):
    network, _ = loaded(kind, trained)
    images, index = sent
    assert isinstance(network, VQVAE)
    own = pixels(network.decode(network.encode(images.take(index))))
    arrived = send(kind, 60.0)
    original = images.rgb[index].numpy()
    np.testing.assert_array_equal(arrived.images, own[of_sheet(len(own))])
    np.testing.assert_allclose(arrived.measures["psnr_db"], psnr_db(original, own))
    np.testing.assert_allclose(arrived.measures["ssim"], ssim(original, own))
    assert arrived.measures["lost" if kind == "coded" else "bit_error_rate"].max() == 0


@pytest.mark.parametrize(("count", "shown"), [(5, range(5)), (8, range(8)), (20, range(0, 16, 2))])
def test_a_sheet_shows_images_from_all_over_the_part(count, shown):
    assert list(range(count))[of_sheet(count)] == list(shown)


def test_codes_in_a_random_order_have_other_bits_and_the_same_images(sent, trained):
    network, mean = loaded("uncoded", trained)

    def way(order: str) -> Any:
        given = sweeping("uncoded", order=order)
        return transmission(given, network, *sent, mean=mean, error_table=None, judge=judge(*sent))

    near, other = way("near"), way("random")
    assert sorted(other.meant.tolist()) == [0, 1, 2, 3]
    assert other.meant.tolist() != [0, 1, 2, 3]
    assert not torch.equal(near.bits, other.bits)
    for of in (near, other):
        assert np.array_equal(of.meant[from_bits(of.bits, width=2)], of.indices)
    found = [of.send(60.0, torch.Generator().manual_seed(1)).images for of in (near, other)]
    np.testing.assert_array_equal(*found)


def test_uncoded_bits_are_wrong_as_often_as_the_closed_form_says(send):
    wrong = send("uncoded", 2.0).measures["bit_error_rate"]
    aim = float(bounds.uncoded_ber(2.0, modulation="qpsk"))
    bits = 24 * len(wrong)
    assert abs(wrong.mean() - aim) < 4 * (aim * (1 - aim) / bits) ** 0.5


def test_lost_images_are_the_mean_one(send, sent, trained):
    _, mean = loaded("coded", trained)
    images, index = sent
    original = images.rgb[index].numpy()
    instead = np.repeat(pixels(mean[None]), len(index), axis=0)
    every = images.take(torch.from_numpy(np.nonzero(images.prepared.train)[0]))
    assert abs(mean - every.mean(0)).max() < 1e-6
    all_lost = send("coded", -20.0)
    assert all_lost.measures["lost"].min() == 1
    np.testing.assert_array_equal(all_lost.measures["psnr_db"], psnr_db(original, instead))
    np.testing.assert_array_equal(all_lost.images, instead[of_sheet(len(instead))])
    snr_db = read(TABLE).snr_db_at(0.5)
    some, whole = send("coded", snr_db).measures, send("coded", 60.0).measures
    lost = some["lost"].astype(bool)
    assert 0.1 < lost.mean() < 0.9
    expected = np.where(lost, all_lost.measures["ssim"], whole["ssim"])
    np.testing.assert_array_equal(some["ssim"], expected)


def test_blocks_that_are_really_sent_are_lost_as_often_as_the_table_says(sent, trained):
    network, mean = loaded("coded", trained)
    assert isinstance(network, VQVAE)
    curve = read(TABLE)
    way = Coded(network, curve, *sent, mean=mean, exact=True, judge=judge(*sent))
    snr_db, draws = curve.snr_db_at(0.3), torch.Generator().manual_seed(2)
    lost = np.concatenate([way.send(snr_db, draws).measures["lost"] for _ in range(5)])
    assert abs(lost.mean() - 0.3) < 4 * (0.3 * 0.7 / len(lost)) ** 0.5


@pytest.mark.parametrize("exact", [False, True])
def test_bits_of_unlike_length_lose_what_has_no_room(exact, sent, trained):
    network, mean = loaded("coded", trained)
    assert isinstance(network, VQVAE)
    images, index = sent
    given = sweeping("coded", entropy=True, exact=exact)
    network.quantiser.share.copy_(torch.tensor([0.7, 0.2, 0.07, 0.03]))
    code = huffman(network)
    own = network.encode(images.take(index)).numpy()
    need = np.array([len(code.encode(one)) for one in own])
    fixed = transmission(
        sweeping("coded", exact=exact), network, *sent, mean=mean, error_table=TABLE, judge=judge(*sent)
    )
    room, curve = int(np.median(need)), read(TABLE)
    small = replace(curve, scheme=replace(curve.scheme, payload_bits=room))
    for way, most in (
        (transmission(given, network, *sent, mean=mean, error_table=TABLE, judge=judge(*sent)), 32),
        (Coded(network, small, *sent, mean=mean, exact=False, judge=judge(*sent), code=code), room),
    ):
        arrived = way.send(60.0, torch.Generator().manual_seed(1)).measures
        np.testing.assert_array_equal(arrived["payload_bits"], need)
        np.testing.assert_array_equal(arrived["lost"], need > most)
        whole = fixed.send(60.0, torch.Generator().manual_seed(1)).measures["ssim"]
        fits = need <= most
        np.testing.assert_array_equal(arrived["ssim"][fits], whole[fits])
    assert 0 < (need > room).sum() < len(need)


@pytest.mark.parametrize("kind", ["deepjscc", "coded"])
def test_training_in_bf16_is_nearly_that_in_fp32(kind, frames, trained, tmp_path):
    given = training(kind, precision="bf16")
    network = networks.made(given.size, given.vqvae, LINK.channel_uses)
    networks.load_into(network, train(given, frames, tmp_path / "half"))
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    errors = [
        pd.read_csv(folder / "history.csv").query("metric == 'mse'").value.to_numpy()
        for folder in (tmp_path / "half", trained[kind].parent)
    ]
    assert not np.array_equal(*errors)
    np.testing.assert_allclose(*errors, rtol=0.01)  # of some 12 steps, 0.4 % an operation; seen: 0.1 %


@pytest.mark.parametrize("kind", KINDS)
def test_a_sweep_changes_no_bit_of_the_network(kind, sent, trained):
    network, mean = loaded(kind, trained)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    error_table = TABLE if kind == "coded" else None
    way = transmission(sweeping(kind), network, *sent, mean=mean, error_table=error_table, judge=judge(*sent))
    way.send(5.0, torch.Generator().manual_seed(0))
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_has_every_draw_and_the_sheet_its_rows(kind, frames, sent, trained, tmp_path):
    given = sweeping(kind)
    sweep.run(
        given,
        frames=[frames],
        network=trained[kind],
        error_tables=[TABLE] if kind == "coded" else [],
        table=tmp_path / "table.csv",
        sheet=tmp_path / "sheet.png",
        journal=tmp_path / "journal.jsonl",
    )
    rows = pd.read_csv(tmp_path / "table.csv")
    psnr = rows[rows["metric"] == "psnr_db"].groupby("snr_db")["value"].mean()
    assert list(psnr.index) == [-10, 3, 10, 60]
    bad = {"deepjscc": -psnr}.get(kind, rows[rows["metric"].isin(WRONG)].groupby("snr_db")["value"].mean())
    assert bad[-10] > bad[60], "more goes wrong where there is more noise"
    assert set(rows["draw"]) == {0, 1}
    assert not rows.isna().any(axis=None)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    images, index = sent
    assert sheet.shape == (6 * 24, 8 * 32, 3)
    original = np.concatenate(list(images.rgb[index[of_sheet(len(index))]].numpy()), axis=1)
    for row in (1, 3, 5):
        np.testing.assert_array_equal(sheet[24 * row : 24 * (row + 1)], original)
    if kind != "uncoded":  # after so little training all codes give nearly one image
        assert not np.array_equal(sheet[:24], sheet[-48:-24]), "the lowest Es/N0 and the highest differ"


def test_all_networks_see_as_many_images_and_a_codebook_is_used(trained):
    last = {
        kind: pd.read_csv(path.with_name("history.csv")).query("epoch == 3").set_index("metric")["value"]
        for kind, path in trained.items()
    }
    assert {table["images_seen"] for table in last.values()} == {3 * 48}
    assert last["coded"]["codes_used"] > 0.5
    first = pd.read_csv(trained["deepjscc"].with_name("history.csv")).query("metric == 'mse'")["value"]
    assert first.iloc[-1] < first.iloc[0]


def test_the_order_of_the_codebook_makes_bit_errors_cheap(trained):
    plain, ordered = (loaded(kind, trained)[0] for kind in ("coded", "uncoded"))
    assert isinstance(plain, VQVAE)
    assert isinstance(ordered, VQVAE)
    codes = [network.quantiser.codebook.numpy() for network in (plain, ordered)]
    np.testing.assert_array_equal(np.sort(codes[0], axis=0), np.sort(codes[1], axis=0))
    share = [network.quantiser.share.numpy() for network in (plain, ordered)]
    assert harm(codes[1], ber=0.01, weights=share[1]) <= harm(codes[0], ber=0.01, weights=share[0])


@pytest.mark.parametrize("kind", ["deepjscc", "uncoded"])
def test_a_kill_changes_nothing(kind, frames, trained, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_S", 0.0)
    usage, epochs = stage.usage_of, []

    def killed(network: networks.Network) -> dict[str, float]:
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt
        return usage(network)

    monkeypatch.setattr(stage, "usage_of", killed)
    with pytest.raises(KeyboardInterrupt):
        train(training(kind), frames, tmp_path / "again")
    monkeypatch.setattr(stage, "usage_of", usage)
    path = train(training(kind), frames, tmp_path / "again")
    assert path.read_bytes() == trained[kind].read_bytes()
    history = [file.with_name("history.csv").read_text() for file in (path, trained[kind])]
    assert history[0] == history[1]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_no_numbers_are_refused(kind, trained, tmp_path):
    network, mean = loaded(kind, trained)
    next(network.decoder.parameters()).data.view(-1)[0] = torch.nan
    networks.save(tmp_path / "network.pt", network, mean)
    with pytest.raises(SemcomError, match=r"network\.pt: decoder\..* is not finite; remove it and run"):
        networks.load_into(network, tmp_path / "network.pt")


def test_a_training_that_diverges_says_so(frames, tmp_path):
    given = training("coded", optimiser={"use": "adamw", "lr": 1e12, "weight_decay": 0.0})
    with pytest.raises(SemcomError, match=r"lower the optimiser.s lr"):
        train(given, frames, tmp_path / "diverged")


def test_a_step_of_more_images_than_an_epoch_has_is_refused(frames, tmp_path):
    with pytest.raises(SemcomError, match="batch_size: 70 images a step, and an epoch has 60; take at most"):
        train(training("coded", batch_size=70), frames, tmp_path / "large")


def test_another_network_in_a_file_is_refused(trained):
    network = networks.made(SIZE, VQ, None)
    with pytest.raises(SemcomError, match="does not hold"):
        networks.load_into(network, trained["deepjscc"])


def test_a_codebook_larger_than_the_data_is_refused(frames, tmp_path):
    given = training("coded", vqvae=VQ.model_copy(update={"codes": 2048}))
    with pytest.raises(SemcomError, match="1200 vectors cannot start a codebook of 2048 codes"):
        train(given, frames, tmp_path / "large")
