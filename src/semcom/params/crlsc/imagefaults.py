"""What in `crlsc.images` does not go together: parts, links, and what does not fit its channel uses."""

from collections.abc import Iterator

from semcom.files.errors import SemcomError
from semcom.params.crlsc.images import ANY, ImageMethod, Images
from semcom.params.crlsc.section import Section
from semcom.params.crlsc.together import part_fault
from semcom.params.faults import Fault, Path, dotted, unknown
from semcom.params.mapsize import filters
from semcom.params.scheme import parse

KEY = "images"


def lacking(section: Section) -> Iterator[Fault]:
    """Every fault of `images`, whose values are each in their range."""
    images = section.images
    if images is None:
        return
    yield from part_fault(section, (KEY, "train"), images.train, "public", "private")
    yield from part_fault(section, (KEY, "test"), images.test, "test")
    yield from _names(images)
    for name, method in images.methods.items():
        path = (KEY, "methods", name)
        yield from _kind(method, path)
        for link in images.links_of(name):
            yield from _sent(images, method, (path, link), section.size)


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
    """Keys of the other kind of network."""
    if method.vqvae and not method.schemes:
        yield Fault((*path, "schemes"), "missing; say how the bits are sent: schemes: {LINK: qpsk_ldpc_1/2}")
    if method.vqvae and method.links:
        yield Fault((*path, "links"), "a VQ-VAE goes over the links of its schemes; leave it out")
    if not method.vqvae and (method.schemes or method.exact):
        key = "schemes" if method.schemes else "exact"
        text = "is of a VQ-VAE, and without `vqvae` this is DeepJSCC, which sends no bits"
        yield Fault((*path, key), f"{text}; leave it out, or add vqvae: {{}}")


def _sent(
    images: Images, method: ImageMethod, where: tuple[Path, str], size: tuple[int, int]
) -> Iterator[Fault]:
    """What one method sends over one link, in exactly the link's channel uses."""
    path, link = where
    key = "schemes" if method.vqvae else "links"
    if link not in images.links:
        yield Fault((*path, key), unknown(link, images.links, f"{KEY}.links"))
        return
    try:
        if method.vqvae is None:
            filters(size, images.links[link].channel_uses)
        elif said := _bits(images, method, link, size):
            yield Fault((*path, key, link), said)
    except SemcomError as error:
        yield Fault(
            (KEY, "links", link, "channel_uses") if key == "links" else (*path, key, link), str(error)
        )


def _bits(images: Images, method: ImageMethod, link: str, size: tuple[int, int]) -> str:
    """What keeps a VQ-VAE's bits from a link, or an empty text.

    Raises:
        SemcomError: the size cannot be halved so often, or no such scheme at these channel uses.
    """
    assert method.vqvae is not None
    channel, uses = images.links[link].channel, images.links[link].channel_uses
    if channel["use"] not in ("awgn", "rayleigh") or channel.get("csi", "receiver") != "receiver":
        said = f"{link} is {channel['use']}, csi {channel.get('csi')}"
        return f"{said}; bits go over awgn, and over rayleigh with csi: receiver"
    need, block = method.vqvae.bits(size), parse(method.schemes[link], channel_uses=uses)
    if need <= block.payload_bits:
        return ""
    places = need // (method.vqvae.codes.bit_length() - 1)
    most = block.payload_bits // places
    fewer = f"at most {1 << most} codes, " if most else ""
    return (
        f"{places} indices of {method.vqvae.codes} codes are {need} bits an image, and {block} have room for "
        f"{block.payload_bits}; take {fewer}one halving more, another scheme or more channel uses"
    )
