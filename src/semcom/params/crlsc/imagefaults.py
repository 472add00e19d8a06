"""What in `crlsc.images` does not go together: parts, links, and what does not fit its channel uses."""

from collections.abc import Iterator, Mapping
from itertools import chain

from semcom.files.errors import SemcomError
from semcom.params.crlsc import imageguides
from semcom.params.crlsc.codewords import code_words
from semcom.params.crlsc.images import ANY, CAPACITY, DEEPJSCC, ImageMethod, Images
from semcom.params.crlsc.section import Section
from semcom.params.crlsc.together import part_fault
from semcom.params.faults import Fault, Path, dotted, unknown
from semcom.params.mapsize import filters
from semcom.params.scheme import parse

KEY = "images"


def lacking(section: Section, classes: Mapping[str, tuple[str, ...] | None]) -> Iterator[Fault]:
    """Every fault of `images`, whose values are each in their range.

    Args:
        section: what the file says.
        classes: class names of each data set; None or left out where they are not known yet.
    """
    images = section.images
    if images is None:
        return
    yield from part_fault(section, (KEY, "train"), images.train, "public", "private")
    yield from part_fault(section, (KEY, "test"), images.test, "test")
    epoch = images.images or (part.count if (part := section.parts.get(images.train)) else None)
    if epoch is not None and epoch < images.batch_size:
        text = f"{images.batch_size} images a step, and an epoch has {epoch}; take at most those"
        yield Fault((KEY, "batch_size"), text)
    if images.classifier is not None:
        yield from _classifier(section, images, classes)
    yield from _names(images)
    yield from imageguides.lacking(section, images)
    for name, method in images.methods.items():
        path = (KEY, "methods", name)
        yield from _kind(method, path)
        if method.borrowed is not None:
            yield from _borrowed(section, method, (*path, "borrowed"))
        for link in images.links_of(name):
            yield from _sent(images, method, (path, link), section.size)


def _classifier(
    section: Section, images: Images, classes: Mapping[str, tuple[str, ...] | None]
) -> Iterator[Fault]:
    """Labels to train a classifier by, and the same classes in the test."""
    path, named = (KEY, "classifier"), images.labelled
    own, other = section.parts.get(named), section.parts.get(images.test)
    if own is None and named != images.train:
        yield from part_fault(section, (*path, "train"), named, "private")
    if own is None or other is None:
        return
    if own.role == "public":
        text = f"learns from labels, and {named} is public: no label of it is ever read"
        yield Fault(path, f"{text}; name a private part as classifier.train, or leave `classifier` out")
    if own.role == "test":
        yield from part_fault(section, (*path, "train"), named, "private")
    if (known := classes.get(own.data)) is not None and len(known) < 2:
        text = f"learns from labels, and the images of {own.data} have none"
        yield Fault(path, f"{text}; train on images with classes, or leave `classifier` out")
    if (own.data, own.classes) != (other.data, other.classes):
        text = f"learns the classes of {named}, and {images.test} has others; take parts of one data set"
        yield Fault(path, f"{text} and the same classes in one order, or leave `classifier` out")


def _names(images: Images) -> Iterator[Fault]:
    for key in ("links", "methods"):
        first: dict[str, str] = {}
        for name in getattr(images, key):
            other = first.setdefault(name.lower(), name)
            if other != name:
                text = f"differs from {dotted((KEY, key, other))} in case only, and some disks make both one "
                yield Fault((KEY, key, name), f"{text}folder; choose another name")
            if key == "links" and name.lower() == ANY:
                yield Fault((KEY, key, name), "is the folder of networks that know no link; choose another")


def _kind(method: ImageMethod, path: Path) -> Iterator[Fault]:
    """Keys of another kind of method."""
    if method.vqvae and method.files:
        yield Fault((*path, "files"), "beside `vqvae`; a method sends one of the two, so leave one out")
    if method.digital and not method.schemes:
        yield Fault((*path, "schemes"), "missing; say how the bits are sent: schemes: {LINK: qpsk_ldpc_1/2}")
    if method.digital and method.network is not None:
        key = "vqvae" if method.vqvae else "files"
        yield Fault((*path, "network"), f"is of an analog network, and `{key}` sends bits; leave it out")
    what = "a VQ-VAE goes" if method.vqvae else "image files go"
    if method.digital and method.links:
        yield Fault((*path, "links"), f"{what} over the links of its schemes; leave it out")
    if not method.digital and (method.schemes or method.exact):
        key = "schemes" if method.schemes else "exact"
        text = "is of a VQ-VAE, and without `vqvae` this is an analog network, which sends no bits"
        yield Fault((*path, key), f"{text}; leave it out, or add vqvae: {{}} or files: {{codec: avif}}")
    if method.entropy and not method.vqvae:
        yield Fault((*path, "entropy"), "is of a VQ-VAE's indices; leave it out, or add vqvae: {}")
    if method.order == "random" and not any(name.endswith("uncoded") for name in _all_schemes(method)):
        way_out = ", or take qpsk_uncoded" if method.vqvae and not method.entropy else ""
        text = f"random: matters where a VQ-VAE's indices are sent without a code; leave it out{way_out}"
        yield Fault((*path, "order"), text)
    if method.files and method.exact:
        yield Fault((*path, "exact"), "is of a VQ-VAE; fates of image files are drawn, so leave it out")
    for link in method.schemes:
        yield from _schemes(method, link, (*path, "schemes", link))


def _all_schemes(method: ImageMethod) -> Iterator[str]:
    return chain.from_iterable(map(method.schemes_on, method.schemes))


def _borrowed(section: Section, method: ImageMethod, path: Path) -> Iterator[Fault]:
    """A local encoder that nobody trains, or that nothing takes."""
    lent = method.borrowed
    assert lent is not None
    if not method.vqvae:
        yield Fault(path, "is of a VQ-VAE, whose own encoder it replaces; leave it out, or add vqvae: {}")
    if lent.method not in section.methods:
        yield Fault((*path, "method"), unknown(lent.method, section.methods, "methods"))
    if lent.encoder not in section.encoders:
        yield Fault((*path, "encoder"), unknown(lent.encoder, section.encoders, "encoders"))
    elif lent.method in section.methods and lent.encoder not in section.encoders_of(lent.method):
        text = f"{lent.method} does not train it; it trains {', '.join(section.encoders_of(lent.method))}"
        yield Fault((*path, "encoder"), f"{lent.encoder}: {text}")


def _schemes(method: ImageMethod, link: str, path: Path) -> Iterator[Fault]:
    """What is no scheme for this kind of method."""
    names = method.schemes_on(link)
    if method.vqvae and (len(names) > 1 or CAPACITY in names):
        yield Fault(path, "of a VQ-VAE is one scheme, as its bits are of one number; leave one")
    if method.files and CAPACITY in names and len(names) > 1:
        yield Fault(path, "capacity is a bound, and stands alone; give it to a method of its own")
    spoilt = "an image file" if method.files else "all indices behind it" if method.entropy else ""
    for name in names if spoilt else ():
        if name.endswith("uncoded"):
            yield Fault(path, f"{name}: one wrong bit spoils {spoilt}; take a scheme with a code")


def _sent(
    images: Images, method: ImageMethod, where: tuple[Path, str], size: tuple[int, int]
) -> Iterator[Fault]:
    """What one method sends over one link, in exactly the link's channel uses."""
    path, link = where
    key = "schemes" if method.digital else "links"
    if link not in images.links:
        yield Fault((*path, key), unknown(link, images.links, f"{KEY}.links"))
        return
    at = (*path, key, link) if method.digital else (KEY, "links", link, "channel_uses")
    try:
        if method.analog:
            if method.analog == DEEPJSCC:  # others say which channel uses they can have when they are made
                filters(size, images.links[link].channel_uses)
        elif said := _no_bits(images, link) or (_bits(images, method, link, size) if method.vqvae else ""):
            yield Fault(at, said)
        elif method.files:
            for name in method.schemes_on(link):
                if name != CAPACITY and not name.endswith("uncoded"):
                    uses = images.links[link].channel_uses * method.files.mosaic**2
                    code_words(name, channel_uses=uses, words=method.files.words)
    except SemcomError as error:
        yield Fault(at, str(error))


def _no_bits(images: Images, link: str) -> str:
    """What keeps bits from a link, or an empty text."""
    channel = images.links[link].channel
    if "use" not in channel:
        return ""  # said where it is missing
    if channel["use"] in ("awgn", "rayleigh") and channel.get("csi", "receiver") == "receiver":
        return ""
    said = f"{link} is {channel['use']}, csi {channel.get('csi')}"
    return f"{said}; bits go over awgn, and over rayleigh with csi: receiver"


def _bits(images: Images, method: ImageMethod, link: str, size: tuple[int, int]) -> str:
    """What keeps a VQ-VAE's bits from a block of a link, or an empty text.

    Raises:
        SemcomError: the size cannot be halved so often, or no such scheme at these channel uses.
    """
    assert method.vqvae is not None
    names, uses = method.schemes_on(link), images.links[link].channel_uses
    if len(names) > 1 or CAPACITY in names:
        return ""  # said already
    need, block = method.vqvae.bits(size), parse(names[0], channel_uses=uses)
    places = need // (method.vqvae.codes.bit_length() - 1)
    if (places if method.entropy else need) <= block.payload_bits:  # an index takes a bit at least
        return ""
    most = block.payload_bits // places
    fewer = f"at most {1 << most} codes, " if most else ""
    return (
        f"{places} indices of {method.vqvae.codes} codes are {need} bits an image, and {block} have room for "
        f"{block.payload_bits}; take {fewer}one halving more, another scheme or more channel uses"
    )
