"""What in the guides of `crlsc.images.methods` does not go together: keys, bases, images without entries."""

from collections.abc import Iterator

from semcom.params.crlsc.images import ImageMethod, Images
from semcom.params.crlsc.section import Section
from semcom.params.crlsc.together import PAIRED, UNPAIRED
from semcom.params.faults import Fault, Path, unknown

KEY = "images"


def lacking(section: Section, images: Images) -> Iterator[Fault]:
    """Every fault of guides, whose values are each in their range."""
    for name, method in images.methods.items():
        path = (KEY, "methods", name)
        if method.guide is None:
            yield from _alone(method, path)
        elif method.files:
            yield Fault((*path, "guide"), "image files are not trained, so nothing guides them; leave it out")
        else:
            yield from _base(section, method, path)
            yield from _own_entries(section, images, method)


def _alone(method: ImageMethod, path: Path) -> Iterator[Fault]:
    """What goes with a guide, without one."""
    for key in ("base", "weight"):
        if getattr(method, key) is not None:
            text = "goes with a guide, and there is none; leave it out, or add guide: {use: infonce}"
            yield Fault((*path, key), text)


def _base(section: Section, method: ImageMethod, path: Path) -> Iterator[Fault]:
    """What a guide needs beside it."""
    assert method.guide is not None
    if method.weight is None:
        text = "missing; what the guide's loss counts beside that of the images, which a study must try; "
        near = "begin with 0.1 for a VQ-VAE" if method.vqvae else "begin with 0.001 for an analog network"
        yield Fault((*path, "weight"), text + near)
    if method.base is not None and method.base not in section.bases:
        yield Fault((*path, "base"), unknown(method.base, section.bases, "bases"))
    if method.base is None and (use := method.guide.get("use")) in UNPAIRED:
        yield Fault((*path, "base"), f"missing; the guide {use} retrieves from a base")


def _own_entries(section: Section, images: Images, method: ImageMethod) -> Iterator[Fault]:
    """Images to train on that have no vector of their own, which their guide draws them to.

    Of the key `train`, which is one for all methods: said once for each base.
    """
    use, on = (method.guide or {}).get("use"), images.train
    if use not in PAIRED or on not in section.parts:
        return
    role = section.parts[on].role
    if method.base is None:
        if role == "private":
            text = f"{on} is private: its images never reach the mentor, so it has no vectors of them for the"
            yield Fault((KEY, "train"), f"{text} guide {use}; take a public part, or the guide prototypes")
        return
    base = section.bases.get(method.base)
    of = (base.of or section.public) if base else None
    if of is not None and of != on:
        other = f", a base of {on}" if role == "public" else ""
        text = f"{on}, but the guide {use} draws an image to its own entry, and the base {method.base} holds"
        yield Fault((KEY, "train"), f"{text} {of}; train on {of}{other}, or take the guide prototypes")
