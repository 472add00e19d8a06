"""Random numbers from a seed and a purpose, so that no draw depends on what was drawn before it.

Every epoch has generators of its own. A checkpoint within an epoch holds their states, so that a resumed
training draws what an uninterrupted one would have drawn.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor


def _seed(seed: int, purpose: tuple[object, ...]) -> int:
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *purpose: object, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on `device` for this seed and purpose."""
    return torch.Generator(device).manual_seed(_seed(seed, purpose))


@contextmanager
def seeded(seed: int, *purpose: object) -> Iterator[None]:
    """Seed torch's global state for library code that takes no generator; restored afterwards."""
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices):
        # torch.manual_seed formats a traceback for a CUDA that is not there: 2 ms.
        torch.default_generator.manual_seed(_seed(seed, purpose))
        if devices:
            torch.cuda.manual_seed_all(_seed(seed, purpose))
        yield


def random_state(draws: torch.Generator) -> dict[str, Tensor]:
    """States of `draws` and of torch's global generators, on the CPU and on the device of `draws`."""
    states = {"draws": draws.get_state(), "cpu": torch.get_rng_state()}
    if draws.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(draws.device)
    return states


def set_random_state(states: Mapping[str, Tensor], draws: torch.Generator) -> None:
    """Go back to what `random_state` returned."""
    draws.set_state(states["draws"])
    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], draws.device)
