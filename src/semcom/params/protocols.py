"""What a component of each family is, and how it is made and called: the one place that says so.

A component of your own is a class of that form, in any package; `docs/extending.md` quotes these. What it is
made with comes from the code, in order; its options stand behind a `*` and come from the params file. The
schema compares a class's source with these before any job starts.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor, nn
    from torch.optim import Optimizer

    from semcom.frames.device import DeviceFrames


class Loss(Protocol):
    """A loss of pre-training. It learns nothing and remembers nothing from call to call.

    In a data-parallel pre-training every process calls it with the embeddings of the whole batch, so it must
    give the same value in each: no random draws, and no talk between processes of its own. A module that
    holds it may say `MODALITIES = ("rgb", "depth")`: what it cannot do without. A loss that divides the
    embedding has an attribute `shared_fraction`: the first round(shared_fraction * D) dimensions are to be
    shared by the modalities, the others are not; `semcom evaluate learnt` looks at both.
    """

    def __init__(self) -> None: ...

    def __call__(self, views: "Mapping[str, tuple[Tensor, Tensor]]") -> "tuple[Tensor, dict[str, Tensor]]":
        """The scalar to minimise, and detached scalars to log, of {modality: (z, z')}.

        z and z' are fp32 embeddings (N, D) of two views of the same N frames, not standardised. No scalar to
        log is called `loss`, as the whole is.
        """
        ...


class Guide(Protocol):
    """How a knowledge base guides an encoder: a loss of one view's embeddings in the base's space.

    Like a loss of pre-training it learns nothing, remembers nothing and draws nothing. `needs` says what it
    is given of the base for each image, and how many vectors of it: `target`, the vector that the image is
    drawn to (1); `negatives`, the nearest other entries; `neighbours`, the entries nearest to the embedding.
    """

    needs: "Mapping[str, int]"

    def __init__(self) -> None: ...

    def __call__(
        self, embedding: "Tensor", known: "Mapping[str, Tensor]"
    ) -> "tuple[Tensor, dict[str, Tensor]]":
        """The scalar to minimise, and detached scalars to log, of embeddings (N, D) of any length.

        `known` has what `needs` names: (N, D) for `target`, else (N, number, D), a row of zeros being none.
        Beside `neighbours` it may have `query` (N, D), with which they were found if not with `embedding`.
        """
        ...


class Backbone(Protocol):
    """A device's encoder, an `nn.Module`. It has `dim`, the width of its features.

    To stand in for a VQ-VAE's encoder it also has `maps(x)`, which yields its maps (N, filters, h, w) as they
    come, from the largest to the last.
    """

    dim: int

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        """For images of `channels` (3 for colour, 1 for depth) and of width and height `size` in pixels."""
        ...

    def forward(self, x: "Tensor") -> "Tensor":
        """Features (N, dim) of standardised images (N, channels, height, width)."""
        ...


class Mentor(Protocol):
    """The server's image encoder, an `nn.Module` that stays frozen and in evaluation mode.

    `dim` is the width of its embeddings; `file` that of its weights, None if they are random: then `weights`
    is the word `random`. Whatever else changes its embeddings is an option.
    """

    dim: int
    file: "Path | None"

    def __init__(self, *, weights: str) -> None: ...

    def prepare(self, rgb: "NDArray[np.uint8]") -> "Tensor":
        """What `forward` takes (N, …), on the CPU, of images (N, H, W, 3) of 0..255 as prepared."""
        ...

    def forward(self, images: "Tensor") -> "Tensor":
        """Embeddings (N, dim), fp32, of any length; none depends on another image of the batch."""
        ...


class Sender(Protocol):
    """From a device's features to what its channel uses carry, an `nn.Module`.

    One that looks at the SNR has `needs_snr = True`. The power constraint comes after it.
    """

    def __init__(self, features: int, outputs: int) -> None:
        """For features of width `features`; `outputs` is 2 × channel uses."""
        ...

    def forward(self, features: "Tensor", snr_db: "Tensor | None" = None) -> "Tensor":
        """Real values (N, outputs) of features (N, features); `snr_db` (Es/N0) is one value or (N,)."""
        ...


class Head(Protocol):
    """The server's head, an `nn.Module`: one for all devices, or with `fusion: average` one a device."""

    def __init__(self, features: int, classes: int) -> None:
        """For `features` = 2 × channel uses × its devices received reals, and `classes` scores."""
        ...

    def forward(self, received: "Tensor") -> "Tensor":
        """Class scores (..., classes) of received reals (..., features), the devices side by side."""
        ...


class Network(Protocol):
    """An analog network that sends images, an `nn.Module` of two: DeepJSCC, say. The channel is between them.

    `encoder` makes complex symbols (N, channel_uses) of images (N, C, H, W) in 0…1, the average power of each
    image's being 1; `decoder` makes images (N, C, H, W) of symbols as received. A guide also needs
    `encoder.layers`, the module whose maps (N, c, h, w) are what is sent before the power constraint.
    """

    encoder: "nn.Module"
    decoder: "nn.Module"

    def __init__(self, channels: int, size: tuple[int, int], channel_uses: int) -> None:
        """For images of width and height `size` in pixels; a SemcomError says which it cannot send."""
        ...


class Channel(Protocol):
    """A wireless channel from each device to the server, differentiable in the symbols.

    It may have `pilots`, channel uses a frame and device beside the symbols' own; without it, none.
    Calibration holds it to be AWGN unless it says `k_factor` (linear; 0 is Rayleigh, infinity no fading),
    `csi` (what the receiver knows: `none`, `receiver`, `estimated`), `law = "own"`, for gains or noise of
    other laws, or `law = "unchecked"`, for what distorts the symbols: erasures, phase noise, clipping.
    """

    def __init__(self) -> None: ...

    def __call__(
        self, symbols: "Tensor", n0: "Tensor | float", generator: "Generator | None" = None
    ) -> "Tensor":
        """What is received of complex symbols (..., k) of power 1, of their shape or of that with `n0`.

        `n0` is the noise variance a complex channel use, broadcastable against `symbols`; each draw comes
        from `generator`. Leading dimensions may be expanded: each copy gets draws of its own.
        """
        ...


class Views(Protocol):
    """How augmented or degraded views are drawn, in batches."""

    def __init__(self) -> None: ...

    def __call__(self, rgb: "Tensor", depth: "Tensor", generator: "Generator") -> "tuple[Tensor, Tensor]":
        """New views of colours (N, 3, H, W) in 0…1 and depths (N, 1, H, W) in metres, of the same shapes.

        Each draw comes from `generator`. Depth is NaN where nothing was measured.
        """
        ...


class Optimiser(Protocol):
    """Makes an optimiser. It has the option `lr`, the learning rate that tuning's tables name."""

    def __init__(self, *, lr: float) -> None: ...

    def __call__(self, module: "nn.Module") -> "Optimizer":
        """A torch optimiser of the module's parameters; the schedule scales the `lr` of its groups."""
        ...


class Task(Protocol):
    """What the server decides on a frame, and how well it does.

    `measure` is the metric that runs are judged by, in 0..1, more is better; `title` is it in words; `needs`
    are the fields of dataset.json that a data set must have (`objects`). All three are class attributes,
    written out as plain values. `scores` is the number of scores that the server's head gives.
    """

    measure: str
    title: str
    needs: tuple[str, ...]
    scores: int

    def __init__(self, frames: "DeviceFrames") -> None:
        """For a prepared data set; a SemcomError says what it lacks."""
        ...

    def loss(self, scores: "Tensor", index: "Tensor") -> "Tensor":
        """The scalar to minimise, of scores (B, scores) of the frames at `index` (B,)."""
        ...

    def value(self, scores: "Tensor", index: "NDArray[np.int64]") -> float:
        """`measure` of scores (..., N, scores) of the frames at `index` (N,), averaged over the rest."""
        ...

    def judge(
        self, scores: "Tensor", index: "NDArray[np.int64]"
    ) -> "tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[Any]]]":
        """Metrics (S, draws), `measure` first, of scores (S, draws, N, scores), and what predictions keep.

        Kept, (S, …) each: the classes `predicted` (S, draws, N), if `measure` is accuracy; else `credit`
        (S, N), draws averaged, whose mean over frames is `measure`.
        """
        ...

    def truth(self, index: "NDArray[np.int64]") -> "dict[str, NDArray[Any]]":
        """What predictions keep of the frames at `index` themselves, `truth` (N, …) among it."""
        ...


PROTOCOLS: dict[str, type] = {
    "LOSSES": Loss,
    "GUIDES": Guide,
    "BACKBONES": Backbone,
    "MENTORS": Mentor,
    "SENDERS": Sender,
    "HEADS": Head,
    "NETWORKS": Network,
    "CHANNELS": Channel,
    "VIEWS": Views,
    "OPTIMISERS": Optimiser,
    "TASKS": Task,
}
"""By family."""
