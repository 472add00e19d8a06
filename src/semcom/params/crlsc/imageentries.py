"""What the rules of images over links hand to their verbs."""

from typing import Annotated, Literal

from annotated_types import Gt, MinLen

from semcom.params.crlsc.entries import PartsEntry
from semcom.params.crlsc.images import Analog, Borrowed, Classifier, Codebook, ImageFiles, ImageLink
from semcom.params.crlsc.section import Network
from semcom.params.ranges import Fraction, Positive, PositiveInt, WholeNumber, WholeSnrDb
from semcom.params.sections import Component, Size, Strict


class BorrowedEncoder(Strict):
    """A local encoder in place of a VQ-VAE's own: what it is, and how it goes on."""

    borrowed: Borrowed
    network: Network

    @property
    def frozen(self) -> bool:
        """Whether it stays as it was trained."""
        return self.borrowed.encoder_lr_scale is None


class ImagesEntry(PartsEntry):
    """`semcom finetune images`: one network."""

    method: str
    link_name: str
    """Of the link that it trains over; `any` for a VQ-VAE, which knows none."""
    link: ImageLink | None
    vqvae: Codebook | None
    """None: an analog network."""
    network: Analog = None
    """None: DeepJSCC, where there is no VQ-VAE."""
    encoder: BorrowedEncoder | None = None
    """None: the network's own."""
    ordered: bool
    """Whether the codebook is put in an order that bit errors hurt little: some scheme has no code."""
    size: Size
    part: str
    epochs: PositiveInt
    images: PositiveInt | None
    batch_size: Annotated[WholeNumber, Gt(1)]
    precision: Literal["fp32", "bf16"] = "fp32"
    optimiser: Component
    warmup: Fraction


class GuidedImagesEntry(ImagesEntry):
    """`semcom finetune images` with a base or the mentor's embeddings: one network under a guide."""

    guide: Component
    base: str | None
    """None: the mentor's embeddings as they are."""
    weight: Positive
    """Of the guide's loss."""
    mentor: Component
    """Whose space it is."""


class ClassifierEntry(PartsEntry):
    """`semcom finetune classifier`: the classifier of what arrives."""

    size: Size
    part: str
    classifier: Classifier


class EncodingEntry(PartsEntry):
    """`semcom evaluate files`: test images as image files at every quality."""

    name: str
    size: Size
    part: str
    codec: str
    mosaic: PositiveInt


class ImagesTestEntry(PartsEntry):
    """`semcom evaluate images`: one network, or image files, over one link."""

    method: str
    link_name: str
    channel: Component
    channel_uses: PositiveInt
    vqvae: Codebook | None
    network: Analog = None
    """None: DeepJSCC, where there are neither a VQ-VAE nor files."""
    encoder: BorrowedEncoder | None = None
    scheme: str | None
    exact: bool
    entropy: bool = False
    """Indices in bits of unlike length."""
    order: Literal["near", "random"] = "near"
    """Of the codes where bits are sent without a code."""
    table: dict[str, str]
    """Error tables of schemes with a code: file names, and digests if they were measured beforehand."""
    size: Size
    part: str
    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1)]
    draws: PositiveInt
    backbone: Component | None = None
    """Of the classifier of what arrives; None: there is none."""
    files: ImageFiles | None = None
    """None: a network."""
    capacity: bool = False
    """Files as large as the channel's capacity allows, in place of a scheme."""
    mean_of: str | None = None
    """Of image files: the part whose mean image stands for a lost one; a network brings it along."""
