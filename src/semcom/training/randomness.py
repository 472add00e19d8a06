"""Random numbers from a seed and a purpose, so that no draw depends on what was drawn before it.

Every epoch has generators of its own. A checkpoint between epochs therefore holds no random state, and a
resumed training draws what an uninterrupted one would have drawn.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
        torch.manual_seed(_seed(seed, purpose))
        yield
