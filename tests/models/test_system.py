import pytest
import torch

from semcom.channel.snr import n0_from_db
from semcom.files.errors import SemcomError
from semcom.frames.device import DeviceFrames
from semcom.models.system import System, encode_frames, transmit
from semcom.params.sections import Component, Encoder, Link
from semcom.training.randomness import generator, seeded


@pytest.fixture
def system(encoder: Encoder, link: Link) -> System:
    with seeded(0, "system"):
        return make(encoder, link, {"use": "linear"})


def make(
    encoder: Encoder, link: Link, sender: Component, modalities: tuple[str, ...] = ("rgb", "depth")
) -> System:
    return System(
        modalities,
        size=(32, 24),
        classes=3,
        encoder=encoder,
        link=link,
        sender=sender,
        head={"use": "mlp"},
    )


@pytest.fixture
def aware(encoder: Encoder, link: Link) -> System:
    """A system whose devices see the SNR, and make something of it."""
    with seeded(0, "system"):
        made = make(encoder, link, {"use": "snr_aware", "hidden": 8})
        for sender in made.jscc.values():
            torch.nn.init.normal_(sender.modulation[-1].weight)
    return made


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
    system = make(encoder, link, {"use": "linear"}, ("depth",))
    (views,) = frames.plain(torch.arange(4).numpy())
    assert system(views, torch.tensor(0.1), generator(0)).shape == (4, 3)


def test_a_variance_a_frame_is_each_frame_at_its_own(system: System, frames: DeviceFrames) -> None:
    symbols = encode_frames(system, frames.plain(torch.arange(20).numpy()))
    n0 = torch.tensor([1.0, 0.01]).repeat(10).view(1, 20, 1, 1)
    mixed, received = transmit(system, symbols, n0, draws=4, generator=generator(0))
    assert mixed.shape == (1, 4, 20, 3)
    both, _ = transmit(system, symbols, torch.tensor([1.0, 0.01]), draws=4, generator=generator(0))
    torch.testing.assert_close(mixed[0, :, 0::2], both[0, :, 0::2])
    torch.testing.assert_close(mixed[0, :, 1::2], both[1, :, 1::2])


def test_one_encoding_for_a_sweep_is_refused_where_devices_see_the_snr(
    system: System, aware: System, frames: DeviceFrames
) -> None:
    index = torch.arange(6).numpy()
    assert not system.needs_snr
    assert aware.needs_snr
    with pytest.raises(SemcomError, match="encode anew at each SNR"):
        encode_frames(aware, frames.plain(index))
    low, high = (encode_frames(aware, frames.plain(index), torch.tensor(snr)) for snr in (0.0, 20.0))
    assert (low - high).abs().max() > 0.1
    torch.testing.assert_close(high.abs().square().mean(-1), torch.ones(6, 2))
    own = torch.tensor([0.0, 20.0]).repeat(3)
    mixed = encode_frames(aware, frames.plain(index, batch_size=4), own)  # batches of 4 and 2
    torch.testing.assert_close(mixed[0::2], low[0::2])
    torch.testing.assert_close(mixed[1::2], high[1::2])


def test_training_tells_devices_the_snr_of_each_frame(aware: System, frames: DeviceFrames) -> None:
    (views,) = frames.plain(torch.arange(6).numpy())
    own = torch.tensor([0.0, 5.0, 20.0]).repeat(2)
    n0 = n0_from_db(own).view(-1, 1, 1)
    aware.eval()
    expected = aware.decide(aware.channel(aware.encode(views, own), n0, generator(0)))
    torch.testing.assert_close(aware(views, n0, generator(0)), expected)
    fixed = aware.decide(aware.channel(aware.encode(views, torch.tensor(5.0)), n0[1, 0, 0], generator(0)))
    torch.testing.assert_close(aware(views, n0[1, 0, 0], generator(0)), fixed)


def gradients(
    system: System, frames: DeviceFrames, downlink_n0: torch.Tensor | None
) -> dict[str, torch.Tensor]:
    (views,) = frames.plain(torch.arange(6).numpy())
    system.eval()
    system.zero_grad()
    system(views, torch.tensor(0.1), generator(0), downlink_n0=downlink_n0).square().sum().backward()
    return {name: weight.grad.clone() for name, weight in system.named_parameters()}


def test_a_noisy_downlink_disturbs_what_devices_learn_and_not_the_server(
    system: System, frames: DeviceFrames
) -> None:
    exact = gradients(system, frames, None)
    nearly, noisy = (gradients(system, frames, torch.tensor(n0)) for n0 in (1e-12, 1.0))
    for name, gradient in exact.items():
        size = gradient.norm()
        torch.testing.assert_close(nearly[name], gradient, rtol=1e-3, atol=1e-4 * float(size))
        if name.startswith("server"):
            assert torch.equal(noisy[name], gradient), name
        elif name.startswith("jscc"):
            assert (noisy[name] - gradient).norm() > 0.1 * size, name
