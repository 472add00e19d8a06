"""Images through a mentor, batch by batch, each kept before the next."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semcom.files.errors import SemcomError, Stopped
from semcom.params.shared import EmbedEntry
from semcom.progress import Progress
from semcom.quantise.pieces import Pieces
from semcom.quantise.source import Positions
from semcom.training.state import State


@dataclass(frozen=True, eq=False)
class Images:
    """Some images of a prepared file.

    Attributes:
        rgb: (N, H, W, 3), all of them.
        positions: (n,) those that are meant.
    """

    rgb: NDArray[np.uint8]
    positions: Positions

    def __len__(self) -> int:
        return len(self.positions)

    def batch(self, start: int, size: int) -> NDArray[np.uint8]:
        """`size` images from the one at `start` on, black ones behind the last.

        Batches of one size are computed in one way, so that an image's bits depend on itself alone.
        """
        chosen = self.rgb[self.positions[start : start + size]]
        if len(chosen) == size:
            return chosen
        return np.concatenate([chosen, np.zeros((size - len(chosen), *chosen.shape[1:]), np.uint8)])


@torch.inference_mode()
def embed(mentor: Any, images: Images, pieces: Pieces, held: State, entry: EmbedEntry) -> None:
    """Put the embeddings of all images among `pieces`, behind those that are there.

    Raises:
        SemcomError: an embedding does not fit float16.
        Stopped: SIGTERM came; the batches so far are kept.
    """
    total, device = len(images), entry.compute.device
    progress = Progress(total, done=pieces.done)
    for batch in _ahead(mentor, images, pieces.done, entry.batch_size, threaded=device == "cuda"):
        with torch.autocast(device, torch.bfloat16, enabled=entry.precision == "bf16"):
            features = mentor(batch.to(device))
        rows = features[: total - pieces.done].half().cpu().numpy()
        if not np.isfinite(rows).all():
            bad = images.positions[pieces.done + int(np.isfinite(rows).all(1).argmin())]
            raise SemcomError(f"the embedding of image {bad} is not finite in float16; take another mentor")
        pieces.append(rows)
        progress.step(pieces.done, f"image {pieces.done} of {total}")
        if held.stop.asked and pieces.done < total:
            raise Stopped(
                f"SIGTERM: stopped after image {pieces.done} of {total}; run the same command again and it "
                "goes on there"
            )


def _ahead(mentor: Any, images: Images, done: int, size: int, *, threaded: bool) -> Iterator[Tensor]:
    """Batches made ready; the next one on a thread of its own while a GPU computes."""

    def ready(start: int) -> Tensor:
        batch: Tensor = mentor.prepare(images.batch(start, size))
        return batch

    starts = range(done, len(images), size)
    if not threaded:
        yield from map(ready, starts)
        return
    with ThreadPoolExecutor(1) as pool:
        before: Future[Tensor] | None = None
        for start in starts:
            after = pool.submit(ready, start)
            if before is not None:
                yield before.result()
            before = after
        if before is not None:
            yield before.result()
