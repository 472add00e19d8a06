"""What in a section `crlsc` does not go together."""

from collections.abc import Iterator, Mapping

from semcom.files.errors import SemcomError
from semcom.params import parts
from semcom.params.crlsc.claims import EACH, MEAN, OWN
from semcom.params.crlsc.mentors import DIMS, weights_of
from semcom.params.crlsc.section import INT8, RAW, Local, Section
from semcom.params.crlsc.widths import width
from semcom.params.faults import Fault, Path, dotted, unknown
from semcom.params.form import parse
from semcom.params.formfit import check_dims, fitted
from semcom.params.mapsize import check_patches

PAIRED = ("infonce", "cosine", "mse")
"""Guides that draw an image to a vector of its own."""
UNPAIRED = ("prototypes",)
TAKEN = {"encoders": (MEAN, EACH), "methods": (OWN,), "targets": ("none",)}
"""Names that mean something else in claims and tables."""


def lacking(section: Section, classes: Mapping[str, tuple[str, ...] | None]) -> Iterator[Fault]:
    """Every fault of a section whose values are each in their range.

    Args:
        section: what the file says.
        classes: class names of each data set; None or left out where they are not known yet.
    """
    yield from _asked(section)
    yield from parts.faults(section.parts, classes)
    yield from _alike(section)
    yield from _mentor(section)
    yield from _bases(section)
    yield from _encoders(section)
    for name in section.methods:
        yield from _method(section, name)
    yield from _targets(section, classes)
    yield from _private(section)
    yield from _consensus(section)


def _asked(section: Section) -> Iterator[Fault]:
    """Encoders, methods and targets: all three, or none in a study of images alone."""
    lacking = [key for key in ("encoders", "methods", "targets") if not getattr(section, key)]
    if len(lacking) < 3 or section.images is None:
        for key in lacking:
            text = "missing; only a study of `images` alone has no encoders, methods and targets"
            yield Fault((key,), text)


def _alike(section: Section) -> Iterator[Fault]:
    """Names that are taken, and those that differ in case only: on some disks their folders are one."""
    for key in ("bases", "encoders", "methods", "targets"):
        first: dict[str, str] = {}
        for name in getattr(section, key):
            if name.lower() in TAKEN.get(key, ()):
                yield Fault((key, name), "means something else in claims and tables; choose another name")
            other = first.setdefault(name.lower(), name)
            if other != name:
                text = (
                    f"differs from {dotted((key, other))} in case only, and some disks make both one folder"
                )
                yield Fault((key, name), f"{text}; choose another name")


def _mentor(section: Section) -> Iterator[Fault]:
    try:
        weights_of(section.mentor)
    except SemcomError as error:
        yield Fault(("mentor", "weights"), str(error))


def _bases(section: Section) -> Iterator[Fault]:
    for name, base in section.bases.items():
        if name.lower() in (RAW, INT8):
            yield Fault(("bases", name), "is the name of rows of the mentor without a base; choose another")
        of = base.of or section.public
        if of is None:
            yield Fault(("bases", name), "there is no public part whose images it could hold; add one")
        else:
            yield from part_fault(section, ("bases", name, "of"), of, "public")
            yield from _form(section, name, of)


def _form(section: Section, name: str, of: str) -> Iterator[Fault]:
    """A form that does not fit the mentor's dimensions or the part's images, as far as both are known."""
    base, dim = section.bases[name], DIMS.get(str(section.mentor.get("use")))
    count = section.parts[of].count if of in section.parts else None
    if dim is None:
        return
    form = parse(base.form)
    try:
        if count is None:
            check_dims(form, dim)
        else:
            vectors = min(count, base.sample or count)
            fitted(form, dim=dim, vectors=vectors, too_few=base.too_few)
    except SemcomError as error:
        yield Fault(("bases", name, "form"), str(error))


def _encoders(section: Section) -> Iterator[Fault]:
    """Backbones that cannot be made for images of this size."""
    for name, network in section.encoders.items():
        given = [network.backbone.get(key) for key in ("patch", "width", "heads")]
        numbers = [value for value in given if isinstance(value, int)]
        if network.backbone.get("use") == "vit" and len(numbers) == len(given):
            patch, width, heads = numbers
            try:
                check_patches(section.size, patch=patch, width=width, heads=heads)
            except SemcomError as error:
                yield Fault(("encoders", name, "backbone"), str(error))


def part_fault(section: Section, path: Path, name: str, *roles: str) -> Iterator[Fault]:
    """A part that is not there, or of another role."""
    if name not in section.parts:
        yield Fault(path, unknown(name, section.parts, "parts"))
    elif (role := section.parts[name].role) not in roles:
        yield Fault(path, f"{name} is a {role} part, here it takes a {' or '.join(roles)} one")


def _method(section: Section, name: str) -> Iterator[Fault]:
    method, path = section.methods[name], ("methods", name)
    for encoder in method.encoders or ():
        if encoder not in section.encoders:
            yield Fault((*path, "encoders"), unknown(encoder, section.encoders, "encoders"))
    on = section.part_of(name)
    if on is None:
        yield Fault((*path, "part"), "there is no public part, so say which part it trains on")
        return
    faults = list(part_fault(section, (*path, "part"), on, "public", "private"))
    if faults:
        yield from faults if method.part == on or on in section.parts else ()  # of a base it is said there
        return
    yield from _epoch(section, name)
    yield from _guided(section, method, path, on)
    yield from _labelled(section, method, path, on)
    yield from _after(section, name)


def _epoch(section: Section, name: str) -> Iterator[Fault]:
    """Images of an epoch, and of a step of it."""
    if not section.methods[name].trains:
        return
    train, every = section.train_of(name), section.train
    if train.images is None:
        text = "missing; the first public part has no count, so say how many images an epoch has"
        yield Fault(("train", "images"), text)
    elif train.batch_size > train.images:
        own = (train.batch_size, train.images) != (every.batch_size, every.images or train.images)
        text = f"{train.batch_size} is more than an epoch's {train.images} images; lower it"
        yield Fault((*(("methods", name) if own else ()), "train", "batch_size"), text)


def _guided(section: Section, method: Local, path: Path, on: str) -> Iterator[Fault]:
    """Guide, base and part."""
    if method.base is not None and method.base not in section.bases:
        yield Fault((*path, "base"), unknown(method.base, section.bases, "bases"))
        return
    if method.guide is None:
        if method.base is not None:
            yield Fault((*path, "base"), "goes with a guide, and there is none; leave it out")
        return
    use = method.guide.get("use")
    of = (section.bases[method.base].of or section.public) if method.base else None
    if use in UNPAIRED and method.base is None:
        yield Fault((*path, "base"), f"missing; the guide {use} retrieves from a base")
    mined, count = method.guide.get("hard_negatives", 0), section.parts[on].count
    if isinstance(mined, int) and count is not None and mined >= count:
        text = f"{mined}, but beside an image's own entry there are {count - 1}; take at most those"
        yield Fault((*path, "guide", "hard_negatives"), text)
    if use in PAIRED and of is not None and of != on:
        text = f"{on}, but the guide {use} draws an image to its own entry, and {method.base} holds {of}"
        yield Fault((*path, "part"), f"{text}; leave `part` out, or take the guide prototypes")
    if use in PAIRED and method.base is None and section.parts[on].role != "public":
        text = f"{on} is private: its images never reach the mentor, so it has no vectors of them"
        yield Fault((*path, "part"), f"{text}; take a public part, or the guide prototypes")


def _labelled(section: Section, method: Local, path: Path, on: str) -> Iterator[Fault]:
    if not method.labels:
        return
    if section.parts[on].role == "public":
        text = f"true, but {on} is public: no label of it is ever read; train on a private part"
        yield Fault((*path, "labels"), text)
    if method.guide or method.simclr:
        text = "true, beside a guide or a SimCLR term; a method trains by labels or without, so leave one out"
        yield Fault((*path, "labels"), text)


def _after(section: Section, name: str) -> Iterator[Fault]:
    """Methods that go on from another one."""
    method, path = section.methods[name], ("methods", name, "after")
    if method.after is None:
        return
    if method.after not in section.methods:
        yield Fault(path, unknown(method.after, section.methods, "methods"))
        return
    if not method.trains:
        yield Fault(path, "goes on from another method, and has nothing to train by; give a guide")
        return
    seen: list[str] = [name]
    at: str | None = method.after
    while at is not None and at in section.methods and at not in seen:
        seen.append(at)
        at = section.methods[at].after
    if at in seen:
        yield Fault(path, f"goes in a circle, {' after '.join([*seen, str(at)])}; let one begin")
        return
    there = section.encoders_of(method.after)
    for encoder in section.encoders_of(name):
        if encoder in section.encoders and encoder not in there:
            yield Fault(path, f"{method.after} does not train {encoder}; give both the same encoders")
    if section.train_of(method.after).hidden != section.train_of(name).hidden:
        yield Fault(path, f"{method.after} has another projection; give both the same train.hidden")
    if bool(section.methods[method.after].guide) != bool(method.guide):
        yield Fault(path, "both must have a guide, or none: only then is the encoder the same network")


def _targets(section: Section, classes: Mapping[str, tuple[str, ...] | None]) -> Iterator[Fault]:
    for name, target in section.targets.items():
        path = ("targets", name)
        faults = [
            *part_fault(section, (*path, "train"), target.train, "private"),
            *part_fault(section, (*path, "test"), target.test, "test"),
        ]
        yield from faults
        if not faults:
            own, other = section.parts[target.train], section.parts[target.test]
            if (own.data, own.classes) != (other.data, other.classes):
                text = f"{target.test} has other classes than {target.train}; take parts of one data set and "
                yield Fault((*path, "test"), f"{text}the same classes in one order")
            found = own.classes or classes.get(own.data)
            if found is not None and len(found) < 2:
                text = (
                    f"all images of {target.train} are {', '.join(found)}; a head needs two classes or more"
                )
                yield Fault((*path, "train"), text)


def _private(section: Section) -> Iterator[Fault]:
    """A form of private bases that fits not every encoder and target, as far as these are known.

    A base holds all training images of its target, not the four fifths that heads are fitted on.
    """
    if section.probe is None:
        return
    form, seen = parse(section.probe.private), set[tuple[int, int | None]]()
    for name, encoder, dim in _spaces(section):
        for target in section.targets.values():
            count = section.parts[target.train].count if target.train in section.parts else None
            if (dim, count) in seen:
                continue
            seen.add((dim, count))
            try:
                if count is None:
                    check_dims(form, dim)
                else:
                    fitted(form, dim=dim, vectors=min(count, form.sample), too_few="fewer_bits")
            except SemcomError as error:
                of = f"{encoder} by {name}, {dim} dimensions, {count or 'all'} images of {target.train}"
                yield Fault(("probe", "private"), f"{error} ({of})")
                return


def _spaces(section: Section) -> Iterator[tuple[str, str, int]]:
    """Method, encoder and dimensions of the space where its private base is, where they are known."""
    mentor = DIMS.get(str(section.mentor.get("use")))
    for name, method in section.methods.items():
        for encoder in section.encoders_of(name):
            if encoder in section.encoders:
                dim = mentor if method.guide else width(section.encoders[encoder].backbone)
                if dim is not None:
                    yield name, encoder, dim


def _consensus(section: Section) -> Iterator[Fault]:
    wanted = section.consensus
    if wanted is None:
        return
    if wanted.target not in section.targets:
        yield Fault(("consensus", "target"), unknown(wanted.target, section.targets, "targets"))
    shared = wanted.shared or section.public
    if shared is None:
        yield Fault(("consensus", "shared"), "missing; there is no public part, so say which one is shared")
    else:
        yield from part_fault(section, ("consensus", "shared"), shared, "public")
        count = section.parts[shared].count if shared in section.parts else None
        if count is not None and max(wanted.maps) > count:
            text = f"a map on {max(wanted.maps)} images, but {shared} has {count}; take at most those"
            yield Fault(("consensus", "maps"), text)
    if all(len(section.encoders_of(name)) < 2 for name in section.methods):
        yield Fault(("consensus",), "compares encoders, and no method has two; leave it out, or add encoders")
