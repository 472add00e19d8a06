import pytest
import torch

from semcom.frames.device import DeviceFrames
from semcom.models.system import System, encode_frames, transmit
from semcom.params.entries import Encoder, Link
from semcom.training.randomness import generator, seeded


@pytest.fixture
def system(encoder: Encoder, link: Link) -> System:
    with seeded(0, "system"):
        return System(
            ("rgb", "depth"), size=(32, 24), classes=3, encoder=encoder, link=link, head={"use": "mlp"}
        )


def test_every_frame_and_device_sends_unit_power(system: System, frames: DeviceFrames) -> None:
    symbols = encode_frames(system, frames.plain(torch.arange(50).numpy()))
    assert symbols.shape == (50, 2, 8)
    assert symbols.is_complex()
    torch.testing.assert_close(symbols.abs().square().mean(-1), torch.ones(50, 2))


def test_encoding_in_batches_of_any_size_is_the_same(system: System, frames: DeviceFrames) -> None:
    index = torch.arange(50).numpy()
    whole, parts = (encode_frames(system, frames.plain(index, batch_size=size)) for size in (50, 7))
    torch.testing.assert_close(whole, parts)


def test_one_broadcast_gives_what_sending_one_by_one_gives(system: System, frames: DeviceFrames) -> None:
    symbols = encode_frames(system, frames.plain(torch.arange(20).numpy()))
    n0 = torch.tensor([1.0, 0.1, 0.01])
    scores, received = transmit(system, symbols, n0, draws=4, generator=generator(0))
    assert scores.shape == (3, 4, 20, 3)
    for s, variance in enumerate(n0):
        draws = generator(0)
        sent = system.channel(symbols.expand(4, -1, -1, -1), variance, draws)
        torch.testing.assert_close(received[s], sent)
        for draw in range(4):
            torch.testing.assert_close(scores[s, draw], system.decide(sent[draw]))


def test_all_variances_see_the_same_draws(system: System, frames: DeviceFrames) -> None:
    symbols = encode_frames(system, frames.plain(torch.arange(20).numpy()))
    _, received = transmit(system, symbols, torch.tensor([1.0, 0.25]), draws=3, generator=generator(0))
    torch.testing.assert_close(received[0] - symbols, 2 * (received[1] - symbols), rtol=1e-4, atol=1e-5)


def test_one_device_alone(encoder: Encoder, link: Link, frames: DeviceFrames) -> None:
    system = System(("depth",), size=(32, 24), classes=3, encoder=encoder, link=link, head={"use": "mlp"})
    (views,) = frames.plain(torch.arange(4).numpy())
    assert system(views, torch.tensor(0.1), generator(0)).shape == (4, 3)
