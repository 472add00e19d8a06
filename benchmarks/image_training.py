"""A step of training DeepJSCC and a VQ-VAE by `fit`, beside a bare PyTorch loop over the same network.

The same batches of 32×32 pixels, the same optimiser; the bare loop has noise by `randn`, and for the VQ-VAE
the codes as a parameter-free codebook would be written first: distances, argmin, straight-through gradients,
moving averages by one-hot products. Alternating in one process, best of several rounds, CPU time.

    python benchmarks/image_training.py [--batch 64] [--steps 30] [--rounds 5] [--threads 1]
        [--precision fp32]
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from semcom.finetune.images import Loss
from semcom.frames.images import DeviceImages
from semcom.models.images import Network, made
from semcom.models.jscc import DeepJSCC
from semcom.models.vqvae import GREY, VQVAE
from semcom.params.crlsc.imageentries import ImagesEntry
from semcom.params.crlsc.images import Codebook, ImageLink
from semcom.params.parts import PartEntry
from semcom.params.sections import Compute
from semcom.training.loop import Plan, fit, minibatches
from semcom.training.optimisers import AdamW
from semcom.training.state import state

BOUND = 1.05
"""Our step may take so many times the bare one."""
SIZE = (32, 32)
USES = 256
SNR_DB = 10.0
DECAY, COMMITMENT = 0.99, 0.25
RATE = AdamW(lr=1e-3, weight_decay=0.0)


def entry_of(kind: str, batch: int, precision: Any) -> ImagesEntry:
    """What the job of that network is handed."""
    link = ImageLink(channel={"use": "awgn"}, channel_uses=USES, train_snr_db=SNR_DB)
    return ImagesEntry(
        study="benchmark",
        data="",
        code="",
        compute=Compute(),
        seed=0,
        parts=(("a", PartEntry(data="random", role="private")),),
        method=kind,
        link_name="awgn",
        link=link if kind == "DeepJSCC" else None,
        vqvae=None if kind == "DeepJSCC" else Codebook(codes=256, dim=32, width=64),
        ordered=False,
        size=SIZE,
        part="a",
        epochs=1,
        images=None,
        batch_size=batch,
        precision=precision,
        optimiser={"use": "adamw"},
        warmup=0.0,
    )


def by_fit(entry: ImagesEntry, images: DeviceImages, steps: int) -> Callable[[], object]:
    """Our way to train."""
    network, index = started(entry, images), torch.arange(len(images.rgb))
    optimiser, loss = RATE(network), Loss(entry, network, images, index)

    def work() -> None:
        with tempfile.TemporaryDirectory() as folder, state(Path(folder), "x") as held:
            fit(
                network,
                optimiser,
                batches=lambda draws: minibatches(
                    index, steps=steps, batch_size=entry.batch_size, draws=draws
                ),
                loss=loss,
                plan=Plan(1, steps, 0.0, 0, "benchmark"),
                held=held,
                after=lambda epoch, means: {},
            )

    return work


def bare(entry: ImagesEntry, images: DeviceImages, steps: int) -> Callable[[], object]:
    """The loop that one writes first."""
    network = started(entry, images)
    optimiser, variance = RATE(network), images.take(torch.arange(256)).var()

    def work() -> None:
        for step in range(steps):
            first = step * entry.batch_size % (len(images.rgb) - entry.batch_size)
            batch = images.rgb[first : first + entry.batch_size].permute(0, 3, 1, 2).float() / 255
            if entry.precision == "bf16":
                batch = batch.contiguous(memory_format=torch.channels_last)
            optimiser.zero_grad()
            error = jscc_error if isinstance(network, DeepJSCC) else vqvae_error
            error(cast(Any, network), batch, variance, entry.precision).backward()
            optimiser.step()

    return work


def through(layers: nn.Module, x: Tensor, precision: str) -> Tensor:
    """What layers make of `x` in a precision, in fp32."""
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        made: Tensor = layers(x)
    return made if made.is_complex() else made.float()


def jscc_error(network: DeepJSCC, batch: Tensor, variance: Tensor, precision: str) -> Tensor:
    """Squared error behind AWGN."""
    sent = through(network.encoder, batch, precision)
    noise = torch.view_as_complex(torch.randn(*sent.shape, 2)) * (10 ** (-SNR_DB / 10) / 2) ** 0.5
    return functional.mse_loss(through(network.decoder, sent + noise, precision), batch)


def vqvae_error(network: VQVAE, batch: Tensor, variance: Tensor, precision: str) -> Tensor:
    """Squared error and commitment; the codes follow."""
    codes = network.quantiser
    maps = through(network.encoder, batch - GREY, precision)
    flat = maps.permute(0, 2, 3, 1).reshape(-1, codes.dim)
    index = (
        flat.detach().square().sum(1, keepdim=True)
        - 2 * flat.detach() @ codes.codebook.T
        + codes.codebook.square().sum(1)
    ).argmin(1)
    chosen = codes.codebook[index]
    commitment = functional.mse_loss(flat, chosen)
    straight = (flat + (chosen - flat).detach()).view(len(batch), *maps.shape[2:], codes.dim)
    with torch.no_grad():
        one_hot = functional.one_hot(index, codes.codes).float()
        codes.share.mul_(DECAY).add_(one_hot.mean(0), alpha=1 - DECAY)
        codes.sums.mul_(DECAY).add_(one_hot.T @ flat / len(flat), alpha=1 - DECAY)
        codes.codebook.copy_(codes.sums / codes.share.clamp(min=1e-9)[:, None])
    images = through(network.decoder, straight.permute(0, 3, 1, 2), precision) + GREY
    return functional.mse_loss(images, batch) / variance + COMMITMENT * commitment


def started(entry: ImagesEntry, images: DeviceImages) -> Network:
    """The network of an entry, the same each time."""
    torch.manual_seed(0)
    network = made(SIZE, entry.vqvae, USES)
    if isinstance(network, VQVAE):
        network.start(images.take(torch.arange(256)), seed=0)
    if entry.precision == "bf16":
        network.to(memory_format=torch.channels_last)
    return network.train()


def main() -> None:
    """Print one line a network; exit 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    pixels = torch.randint(0, 256, (4096, *SIZE, 3), dtype=torch.uint8)
    images = DeviceImages(pixels, cast(Any, None))
    missed = False
    for kind in ("DeepJSCC", "VQ-VAE"):
        entry = entry_of(kind, options.batch, options.precision)
        ways = [make(entry, images, options.steps) for make in (by_fit, bare)]
        best = [float("inf")] * 2
        for _ in range(options.rounds):
            for place, work in enumerate(ways):
                begin = time.process_time()
                work()
                best[place] = min(best[place], (time.process_time() - begin) / options.steps)
        ratio = best[0] / best[1]
        missed |= ratio > BOUND
        ours, plain = (1000 * seconds for seconds in best)
        print(
            f"{kind}, {options.precision}, batches of {options.batch}: ",
            f"{ours:.1f} ms a step by fit, {plain:.1f} ms bare: ",
            sep="",
            end="",
        )
        print(f"ratio {ratio:.3f} (at most {BOUND}); {options.batch / best[0]:.0f} images/s")
    raise SystemExit(missed)


if __name__ == "__main__":
    main()
