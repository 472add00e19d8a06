"""What in `crlsc.classify` does not go together: names, bases, and what does not fit channel uses."""

from collections.abc import Iterator

from semcom.files.errors import SemcomError
from semcom.params.crlsc.classify import DIRECT, Classify, ClassifyDigital
from semcom.params.crlsc.section import Section
from semcom.params.faults import Fault, Path, dotted, unknown
from semcom.params.form import parse as form_of
from semcom.params.scheme import parse

KEY = "classify"


def lacking(section: Section) -> Iterator[Fault]:
    """Every fault of `classify`, whose values are each in their range."""
    classify = section.classify
    if classify is None:
        return
    for name in classify.target:
        if name not in section.targets:
            yield Fault((KEY, "target"), unknown(name, section.targets, "targets"))
    for name in classify.methods or ():
        if name not in section.methods:
            yield Fault((KEY, "methods"), unknown(name, section.methods, "methods"))
    for name in classify.encoders or ():
        if name not in section.encoders:
            yield Fault((KEY, "encoders"), unknown(name, section.encoders, "encoders"))
    yield from _tuned(section, classify)
    yield from _names(classify)
    methods = [name for name in classify.methods or section.methods if name in section.methods]
    yield from dict.fromkeys(_none_left(section, classify))
    for name, digital in classify.digital.items():
        path = (KEY, "digital", name)
        for method in digital.methods or ():
            if method not in methods:
                yield Fault((*path, "methods"), unknown(method, methods, f"{KEY}.methods"))
            elif digital.indices == "shared" and not section.methods[method].base:
                text = f"{method} learns under no base, in whose codebooks it had indices; leave it out"
                yield Fault((*path, "methods"), text)
        if digital.link not in classify.links:
            yield Fault((*path, "link"), unknown(digital.link, classify.links, f"{KEY}.links"))
        else:
            users = [method for method in methods if method in (digital.methods or methods)]
            yield from _sent(section, classify, digital, path, users)


def _none_left(section: Section, classify: Classify) -> Iterator[Fault]:
    """Methods of whose encoders none is to be classified."""
    for arm, method in section.arms.items():
        if method in section.methods and not section.classified(arm):
            own = arm in classify.tuned and classify.tuned[arm].encoders
            text = f"{method} trains none of them; it trains {', '.join(section.encoders_of(method))}"
            yield Fault((KEY, "tuned", arm, "encoders") if own else (KEY, "encoders"), text)


def _tuned(section: Section, classify: Classify) -> Iterator[Fault]:
    """Encoders that train on, each set a folder beside those of methods."""
    taken = {name.lower(): f"the method {name}" for name in section.methods}
    for name, tuned in classify.tuned.items():
        path = (KEY, "tuned", name)
        if tuned.method not in section.methods:
            yield Fault((*path, "method"), unknown(tuned.method, section.methods, "methods"))
        for encoder in tuned.encoders or ():
            if encoder not in section.encoders:
                yield Fault((*path, "encoders"), unknown(encoder, section.encoders, "encoders"))
        if (other := taken.setdefault(name.lower(), f"{KEY}.tuned.{name}")) != f"{KEY}.tuned.{name}":
            text = f"is the name of {other}, perhaps in another case, and results lie in folders by name"
            yield Fault(path, f"{text}; choose another name")


def _names(classify: Classify) -> Iterator[Fault]:
    """Names of ways, each a folder."""
    first = {DIRECT: ""}
    for key in ("links", "digital"):
        for name in getattr(classify, key):
            other = first.setdefault(name.lower(), dotted((KEY, key, name)))
            if not other:
                yield Fault((KEY, key, name), "is the name of the way without a link; choose another")
            elif other != dotted((KEY, key, name)):
                text = f"is the name of {other}, perhaps in another case, and some disks make both one folder"
                yield Fault((KEY, key, name), f"{text}; choose another name")


def _sent(
    section: Section, classify: Classify, digital: ClassifyDigital, path: Path, methods: list[str]
) -> Iterator[Fault]:
    """What bits one digital link takes, and from which bases."""
    over = classify.links[digital.link]
    channel = over.channel
    if "use" not in channel:
        return  # said where it is missing
    if channel["use"] not in ("awgn", "rayleigh") or channel.get("csi", "receiver") != "receiver":
        said = f"{digital.link} is {channel['use']}, csi {channel.get('csi')}"
        yield Fault((*path, "link"), f"{said}; bits go over awgn, and over rayleigh with csi: receiver")
        return
    try:
        block = parse(digital.scheme, channel_uses=over.channel_uses)
    except SemcomError as error:
        yield Fault((*path, "scheme"), str(error))
        return
    if block.code == "uncoded":
        text = (
            "sends bits without a code, and a receiver would not know which are wrong; take one with a code"
        )
        yield Fault((*path, "scheme"), f"{text}, such as qpsk_ldpc_1/2")
    if digital.indices == "private":
        return
    bases = dict.fromkeys(base for name in methods if (base := section.methods[name].base))
    if not bases and digital.methods is None:
        text = f"shared, but none of {', '.join(methods)} learns under a base; take private"
        yield Fault((*path, "indices"), text)
    for base in bases:
        if base in section.bases and (said := _bits(section.bases[base].form, block.payload_bits)):
            yield Fault((*path, "indices"), f"shared, but the base {base} {said}")


def _bits(form: str, room: int) -> str:
    """What keeps indices in the codebooks of a form from a block, or an empty text."""
    read = form_of(form)
    if read.codes.kind != "PQ" or read.lists:
        return (
            f"({form}) has no product-quantised indices without lists; take a form such as PQ32x4, or private"
        )
    need = read.codes.books * read.codes.bits
    if need <= room:
        return ""
    return (
        f"({form}) has indices of {need} bits an image, and a block has room for {room}; take a base of "
        "fewer bits, another scheme, more channel uses, or private"
    )
