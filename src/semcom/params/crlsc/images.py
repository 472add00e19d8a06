"""Images over links, the key `images` of the section `crlsc`: which networks send which images over what.

train part ─► analog network, DeepJSCC, once a link; VQ-VAE, once ─► test part over the links ─► PSNR, SSIM
test part ─► image files at every quality ─────────────────────────┘
"""

from typing import Annotated, Literal

from annotated_types import Gt, MinLen
from pydantic import AfterValidator, BeforeValidator, Field

from semcom.params.mapsize import map_size
from semcom.params.ranges import (
    Draws,
    Fraction,
    ImageUses,
    NonNegative,
    NonNegativeInt,
    Positive,
    PositiveInt,
    WholeNumber,
    WholeSnrDb,
    increasing,
    listed,
    unique,
)
from semcom.params.schema import Name
from semcom.params.sections import Component, Strict
from semcom.params.trainsnr import TrainSnr

CHANNELS = 3
"""Values a pixel: prepared images are in colour."""
CAPACITY = "capacity"
"""In place of a scheme: as many bits as the channel's capacity, none lost."""
DEEPJSCC: Component = {"use": "deepjscc"}
"""The analog network where none is named."""
ANY = "any"
"""Folder of a network that knows no link."""
OF_SENDING = ("schemes", "entropy", "exact", "order", "links")
"""Keys of a method that its network does not depend on."""

Analog = Annotated[Component | None, Field(exclude_if=lambda network: network in (None, DEEPJSCC))]
"""An analog network. To name DeepJSCC or nothing gives the same entries."""
Schemes = Annotated[
    tuple[str, ...], MinLen(1), AfterValidator(unique), BeforeValidator(listed), "a scheme or a list of some"
]


def low_middle_high(snr_db: tuple[int, ...]) -> tuple[int, ...]:
    """The Es/N0 of sheets and of curves over CBR: the lowest, a middle and the highest, each once."""
    return tuple(dict.fromkeys((snr_db[0], snr_db[len(snr_db) // 2], snr_db[-1])))


def _power_of_two(codes: int) -> int:
    if codes < 2 or codes & (codes - 1):
        below = 1 << max(codes.bit_length() - 1, 1)
        raise ValueError(f"{codes} codes do not fill indices of whole bits; take {below} or {2 * below}")
    return codes


class Codebook(Strict):
    """A VQ-VAE: options of `semcom.models.vqvae.VQVAE`."""

    codes: Annotated[WholeNumber, AfterValidator(_power_of_two)] = 512
    dim: PositiveInt = 64
    width: PositiveInt = 128
    hidden: PositiveInt = 32
    blocks: NonNegativeInt = 2
    halvings: PositiveInt = 2
    decay: Fraction = 0.99
    commitment: NonNegative = 0.25
    dead_below: Fraction = 0.1

    def bits(self, size: tuple[int, int]) -> int:
        """Of an image: the bits of all its indices.

        Raises:
            SemcomError: the size cannot be halved so often.
        """
        width, height = map_size(size, self.halvings)
        return width * height * (self.codes.bit_length() - 1)


class ImageFiles(Strict):
    """Image files, as the codecs of the world write them."""

    codec: Literal["avif", "webp", "jpeg", "jpeg2000"]
    mosaic: PositiveInt = 1
    """Images across and down that share a file; 1: each has its own."""
    counted: Literal["payload", "file"] = "payload"
    """What must fit: a file without its container headers, or all of it."""
    objective: Literal["goodput", "reliable"] = "reliable"
    """What the choice among several schemes goes by, see `channel.digital.adaptive`."""
    words: PositiveInt | None = None
    """Code words that a file's channel uses are cut into; None: the fewest that the code can have."""

    @property
    def name(self) -> str:
        """Of what is encoded: `avif`, `avif_8x8`."""
        return self.codec if self.mosaic == 1 else f"{self.codec}_{self.mosaic}x{self.mosaic}"


class ImageLink(Strict):
    """A wireless link that images go over."""

    channel: Component
    channel_uses: ImageUses
    """Complex channel uses an image (k), pilots not counted."""
    train_snr_db: TrainSnr = 10.0
    """Es/N0 in dB while a network trains over it."""


class Borrowed(Strict):
    """A trained local encoder in place of a VQ-VAE's own."""

    method: str
    """That trained it; of a method that does not train, it is at its random start."""
    encoder: str
    encoder_lr_scale: Positive | None = None
    """Its learning rate, times the optimiser's; None: it is frozen."""


class ImageMethod(Strict):
    """An analog network; with `vqvae` a VQ-VAE whose indices are sent as bits; with `files` image files."""

    network: Analog = None
    """None: DeepJSCC, if nothing else is sent."""
    vqvae: Codebook | None = None
    borrowed: Borrowed | None = None
    """Of a VQ-VAE: the local encoder whose last map of the indices' size it quantises; None: its own."""
    files: ImageFiles | None = None
    schemes: dict[str, Schemes] = {}
    """Of what is sent as bits: each link that it is sent over, and MODULATION_CODE_RATE, such as
    `qpsk_ldpc_1/2`; of image files also several, of which the best at each Es/N0 is taken, or `capacity`."""
    entropy: bool = False
    """Indices of a VQ-VAE in bits of unlike length; images of too many bits are lost."""
    exact: bool = False
    """Code, send and decode each block, instead of drawing its fate from the error table."""
    order: Literal["near", "random"] = "near"
    """Of a VQ-VAE's codes where bits are sent without a code: near ones have near indices, or none has."""
    links: Annotated[tuple[str, ...], MinLen(1), AfterValidator(unique)] | None = None
    """Of an analog network: those that it trains over and is sent over; None: all."""
    guide: Component | None = None
    """The loss that draws a network's map, pooled, to what the knowledge base says of the image."""
    base: str | None = None
    """The shared knowledge base that guides; None: the mentor's embeddings as they are."""
    weight: Positive | None = None
    """Of the guide's loss, beside that of the images as received."""

    def schemes_on(self, link: str) -> tuple[str, ...]:
        """The schemes over a link; none of an analog network."""
        return self.schemes.get(link, ())

    @property
    def digital(self) -> bool:
        """Whether bits are sent."""
        return bool(self.vqvae or self.files)

    @property
    def analog(self) -> Component | None:
        """The analog network; None: bits are sent."""
        return None if self.digital else self.network or DEEPJSCC


class Classifier(Strict):
    """One fixed classifier, trained on original images, that tells the classes of what arrives."""

    train: str | None = None
    """A private part, whose labels it learns; None: that which networks train on."""
    backbone: Component = {"use": "resnet18", "width_mult": 0.25}
    """Below a linear head."""
    epochs: PositiveInt = 20
    batch_size: Annotated[WholeNumber, Gt(1)] = 64
    optimiser: Component = {"use": "adamw"}
    warmup: Fraction = 0.05
    views: Component | None = None
    """Augmented views to train on; None: the images as they are."""


class Images(Strict):
    """The key `images`."""

    train: str
    """A public or private part."""
    test: str
    links: Annotated[dict[Name, ImageLink], MinLen(1)]
    methods: Annotated[dict[Name, ImageMethod], MinLen(1)]
    epochs: PositiveInt = 20
    images: PositiveInt | None = None
    """In an epoch; None: all of the part. A smaller part is gone through again."""
    batch_size: Annotated[WholeNumber, Gt(1)] = 64
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the networks' convolutions in training, but for a borrowed encoder; what is sent is made in fp32."""
    optimiser: Component = {"use": "adamw"}
    warmup: Fraction = 0.05
    snr_db: Annotated[tuple[WholeSnrDb, ...], MinLen(1), AfterValidator(increasing)] = (0, 5, 10, 15, 20)
    """Es/N0 in dB of the test."""
    draws: Draws = 3
    classifier: Classifier | None = None
    """None: no classes are told of what arrives."""

    @property
    def labelled(self) -> str:
        """The part whose labels the classifier learns."""
        return (self.classifier and self.classifier.train) or self.train

    @property
    def several_uses(self) -> bool:
        """Whether links differ in their channel uses."""
        return len({link.channel_uses for link in self.links.values()}) > 1

    def links_of(self, method: str) -> tuple[str, ...]:
        """The links that a method's images go over."""
        chosen = self.methods[method]
        return tuple(chosen.schemes) if chosen.digital else chosen.links or tuple(self.links)

    def sharing(self, method: str) -> list[str]:
        """The methods of one network, which differ in how it is sent; it has the name of the first."""

        def network(name: str) -> dict[str, object]:
            return self.methods[name].model_dump(exclude=set(OF_SENDING))

        return [name for name in self.methods if network(name) == network(method)]

    def trained_over(self, method: str, link: str) -> str:
        """The link that a method's network trains over: a VQ-VAE knows none."""
        return ANY if self.methods[method].vqvae else link

    @property
    def networks(self) -> list[tuple[str, str]]:
        """Method and link of every network; image files need none."""
        pairs = [
            (self.sharing(method)[0], self.trained_over(method, link))
            for method, chosen in self.methods.items()
            if not chosen.files
            for link in self.links_of(method)
        ]
        return list(dict.fromkeys(pairs))
