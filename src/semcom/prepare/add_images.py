"""Take sets of images into data/ and register them with DVC."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from semcom.files.errors import SemcomError
from semcom.params.dataversion import data_version
from semcom.prepare import cifar, colour, idx
from semcom.prepare.add import place
from semcom.prepare.claim import claimed
from semcom.prepare.description import IMAGES, Description
from semcom.prepare.image_options import Options, check_options
from semcom.prepare.images import FILES, KINDS
from semcom.prepare.images_store import TEST_SHARE, Kept, PictureSet, store
from semcom.prepare.layouts import layout
from semcom.prepare.source import open_source
from semcom.prepare.trees import Tree, open_trees
from semcom.progress import log


def add_images(
    root: Path,
    kind: str,
    sources: Sequence[str],
    *,
    name: str,
    options: Options,
    replace: bool = False,
) -> None:
    """Check every picture, pack them as they are into `root`/data/`name`, and register it.

    Args:
        root: the repository.
        kind: one of `KINDS`.
        sources: folders or archives; for `rgb` the name of a data set.
        name: the folder in data/.
        options: see there.
        replace: a set of this name.

    Raises:
        SemcomError: the name is taken; the sources are not of the kind or damaged, or too many of their
            pictures are; an option does not go with the kind.
    """
    assert kind in KINDS, kind
    check_options(kind, options)
    with (
        claimed(root, name, replace=replace),
        _opened(root, kind, sources, name, options) as given,
    ):
        add_pictures(root, given, name=name, options=options)


def add_pictures(root: Path, given: PictureSet, *, name: str, options: Options) -> None:
    """Keep a set that was read; its name is claimed."""
    with TemporaryDirectory(prefix=f".{name}.images.", dir=root / "data") as folder:
        kept = store(
            given,
            Path(folder),
            most_bad=options.most_bad,
            test_share=options.test_share,
            seed=options.seed,
        )
        description = Description(
            format=IMAGES,
            title=given.title,
            licence=given.licence,
            citation=given.citation,
            depth="none",
            classes=kept.classes,
            fit=options.fit or given.fit,
            crop=given.crop,
        )
        place(root, name, {file: Path(folder, file) for file in FILES}, description)
    _say(root, name, given, kept, options)


@contextmanager
def _opened(
    root: Path, kind: str, sources: Sequence[str], name: str, options: Options
) -> Iterator[PictureSet]:
    """The set that `sources` hold."""
    with ExitStack() as stack:
        if kind == "digits":
            if sources:
                raise SemcomError(f"digits are scikit-learn's own: leave out {', '.join(sources)}")
            yield colour.digits()
        elif kind == "rgb":
            if len(sources) != 1:
                raise SemcomError(
                    f"rgb takes the name of one RGB-D set (`semcom data list`), not {len(sources)}"
                )
            data_version(root, sources[0])
            yield colour.half(root, sources[0], stack.enter_context(open_source(root / "data" / sources[0])))
        else:
            if kind == "fashion_mnist" and not sources:
                sources = [_debians()]
            if not sources:
                raise SemcomError(f"{kind} needs a folder or an archive: semcom data add {kind} PATH …")
            tree = open_trees([Path(source) for source in sources])
            stack.callback(tree.close)
            yield _read(tree, kind, name, options)


def _read(tree: Tree, kind: str, name: str, options: Options) -> PictureSet:
    log.info("reading %s", tree.where)
    if kind == "images":
        return layout(tree, name=name, table=options.table, label=options.label)
    if kind == "cifar10":
        batches = cifar.find(tree)
        return cifar.cifar10(tree, batches) if batches else layout(tree, name=name, table=None, label=None)
    files = idx.find(tree)
    if kind == "idx":
        return idx.idx(tree, files, title=f"{name}: IDX files", classes=())
    return idx.fashion_mnist(tree, files)


def _debians() -> str:
    if not Path(idx.FASHION_FOLDER).is_dir():
        raise SemcomError(
            f"there is no {idx.FASHION_FOLDER}: install Debian's package dataset-fashion-mnist, or give the "
            "folder of the four IDX files"
        )
    return idx.FASHION_FOLDER


def _say(root: Path, name: str, given: PictureSet, kept: Kept, options: Options) -> None:
    sizes = sorted(kept.sizes, key=lambda size: -kept.sizes[size])
    more = f" and {len(sizes) - 1} other sizes" if len(sizes) > 1 else ""
    drawn = options.test_share is not None or any(one.split is None for one in given.known.values())
    share = options.test_share or TEST_SHARE
    split = f"split drawn, {100 * share:g} % test, seed {options.seed}" if drawn else "the set's own split"
    log.info(
        "data/%s: %d images (%d train, %d test; %s), %d classes, %d attributes, %dx%d pixels%s; no depth",
        *(name, kept.train + kept.test, kept.train, kept.test, split, len(kept.classes)),
        *(len(given.attribute_names), *sizes[0], more),
    )
    for kind, count in sorted(kept.kinds.items()):
        log.info("  %d of them %s (docs/data.md says how they are kept)", count, kind)
    if given.unlabelled:
        log.info("  %d pictures without a class are not kept", given.unlabelled)
    log.info(
        "registered as data/%s.dvc, version %s. Keep the version: git add data/%s.dvc data/.gitignore",
        *(name, data_version(root, name), name),
    )
