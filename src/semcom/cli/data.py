"""The verbs of data sets: make, add, list, show, fetch."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from semcom import progress

app = typer.Typer(help="Get, make, add and look at data sets.", no_args_is_help=True)
Root = Annotated[Path, typer.Option(help="Root of the repository.")]
Log = Annotated[Path | None, typer.Option(help="Log file, beside standard error.")]
Label = Annotated[
    str | None,
    typer.Option(help="images: the table's column or attribute that is the class; `none`: no classes."),
]
Fit = Annotated[
    Literal["crop", "squash"] | None,
    typer.Option(
        help="Images of another shape than the prepared size: the largest middle part (the default), or all "
        "of it, squashed (the default of rgb)."
    ),
]
MostBad = Annotated[float, typer.Option(help="Images: share of bad pictures that may be left out.")]
TestShare = Annotated[
    float | None,
    typer.Option(help="Images: share drawn as test; left out, the set's own split, 0.2 where it has none."),
]
SplitSeed = Annotated[int, typer.Option(help="Images: seed of that draw.")]


@app.command()
def make(
    name: Annotated[
        str, typer.Argument(help="A bundled set: `rooms`, `digits` (scikit-learn's) or `photographs`.")
    ],
    style: Annotated[
        Literal["plain", "painted"],
        typer.Option(help="rooms: as a camera sees them, or other rooms, `rooms_painted`, without depth."),
    ] = "plain",
    root: Root = Path("."),
    folder: Annotated[Path | None, typer.Option(help="Where to; data/NAME if left out.")] = None,
) -> None:
    """Make a bundled data set by code; the same code gives the same bytes."""
    name = f"{name}_{style}" if style != "plain" else name
    progress.start(f"make {name}", None)
    from semcom.files.errors import SemcomError
    from semcom.params.dataversion import registered
    from semcom.prepare.bundled import MAKERS
    from semcom.prepare.dvc import is_current

    if name not in MAKERS:
        raise SemcomError(f"no data set {name!r} can be made: there are {', '.join(MAKERS)}")
    target = folder or root / "data" / name
    MAKERS[name](target)
    progress.log.info("written to %s", target)
    if folder is None and name in registered(root):
        same = is_current(root, f"data/{name}")
        progress.log.info("its bytes %s the registered version", "are those of" if same else "DIFFER from")


@app.command()
def add(
    kind: Annotated[
        str,
        typer.Argument(
            help="`nyuv2`: the small pack's folder, or a labelled .mat and splits.mat; `rgbd`: folders of "
            "colour and depth pictures and a --table. Without depth: `images` (class folders, or pictures "
            "and a table), `cifar10`, `fashion_mnist`, `idx`, `digits`, `rgb` (the colour of a set that is "
            "here). With --with: the name."
        ),
    ],
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="Raw folders, files or archives, which are only read; or addresses, https://…"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name in data/; the kind if left out.")] = None,
    depth: Annotated[
        Literal["filled", "raw"],
        typer.Option(help="Of the .mat: with holes filled in (`depths`) or as measured (`rawDepths`)."),
    ] = "filled",
    table: Annotated[
        Path | None,
        typer.Option(
            help="CSV. rgbd: columns colour, depth, scene, split, group. images: image, class; split, group."
        ),
    ] = None,
    depth_scale: Annotated[float | None, typer.Option(help="rgbd: values of the depth a metre.")] = None,
    depth_coding: Annotated[
        Literal["linear", "sun", "nyu_raw"],
        typer.Option(help="rgbd: depth as it is, with SUN RGB-D's rotated bits, or raw NYU disparity."),
    ] = "linear",
    label: Label = None,
    fit: Fit = None,
    most_bad: MostBad = 0.01,
    test_share: TestShare = None,
    split_seed: SplitSeed = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a set of this name.")] = False,
    trust_orientation: Annotated[
        bool, typer.Option("--trust-orientation", help="Skip the check for turned or mirrored frames.")
    ] = False,
    with_: Annotated[
        str | None,
        typer.Option("--with", help="Converter of your own, package.module:function (docs/extending.md)."),
    ] = None,
    root: Root = Path("."),
) -> None:
    """Check raw data of your own, copy it to data/NAME and register it with DVC."""
    given = sources or []
    progress.start(f"add {name or kind}", None)
    from semcom.prepare.add import add as run
    from semcom.prepare.add import add_converted
    from semcom.prepare.add_images import add_images
    from semcom.prepare.add_urls import add_urls, is_url
    from semcom.prepare.image_options import Options, none_given
    from semcom.prepare.images import KINDS

    options = Options(table, label, fit, most_bad, test_share, split_seed)
    if with_ is None and kind in KINDS:
        name = name or (f"{given[0]}_rgb" if kind == "rgb" and given else kind)
        add_images(root, kind, given, name=name, options=options, replace=replace)
        return
    if not given:
        raise typer.BadParameter("name what is to be read: a folder, files or an archive")
    if kind == "nyuv2" and with_ is None and any(map(is_url, given)):
        if replace:
            raise typer.BadParameter("an address has no --replace: `dvc update` brings its new version")
        add_urls(root, given, name=name or kind, depth=depth, check_up=not trust_orientation)
        return
    paths = [Path(source) for source in given]
    if with_ is not None:
        name = name or kind
        add_converted(
            *(root, with_, paths),
            name=name,
            replace=replace,
            check_up=not trust_orientation,
            options=options,
        )
        return
    none_given(kind, options)
    if kind == "rgbd":
        from semcom.prepare.add_rgbd import add_rgbd

        add_rgbd(
            *(root, paths),
            name=name or kind,
            table=table,
            scale=depth_scale,
            coding=depth_coding,
            replace=replace,
        )
        return
    run(root, kind, paths, name=name or kind, depth=depth, replace=replace, check_up=not trust_orientation)


@app.command("list")
def list_(root: Root = Path(".")) -> None:
    """List the registered data sets."""
    from rich.console import Console

    from semcom.prepare.overview import listing

    Console().print(listing(root))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A registered data set.")],
    sheet: Annotated[
        Path | None, typer.Option(help="Contact sheet; results/data/NAME_sheet.png if left out.")
    ] = None,
    root: Root = Path("."),
) -> None:
    """Show what a data set holds, and write a contact sheet, depth beside colour where there is any."""
    from rich.console import Console

    from semcom.prepare.overview import contact_sheet, details

    console = Console()
    console.print(details(root, name))
    output = sheet or root / "results" / "data" / f"{name}_sheet.png"
    contact_sheet(root / "data" / name, output)
    console.print(f"contact sheet: {output}", soft_wrap=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A registered data set.")],
    md5: Annotated[str, typer.Option(help="The version that is wanted.")],
    stamp: Annotated[Path, typer.Option(help="File that gets the version once data/NAME holds it.")],
    root: Root = Path("."),
    log: Log = None,
) -> None:
    """Bring a registered data set into data/ with DVC, and stamp it. Rules call this."""
    progress.start(f"fetch {name}", log)
    from semcom.prepare.fetch import fetch as run

    run(root, name, md5=md5, stamp=stamp)
