"""Images over links on the second system's page: what went over each link, how well, and where to look."""

from collections.abc import Iterator

import pandas as pd

from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.crlsc.images import ImageLink, Images, low_middle_high
from semcom.report.crlsc_images import ORIGINAL, SHOWN, ratio, uses
from semcom.report.crlsc_images_said import said, sent_as
from semcom.report.crlsc_words import cell, listed

TOO_LARGE = "too_large"
"""Share of the images that had no room in the link's channel uses."""


def section(made: pd.DataFrame, entry: CrlscReportEntry) -> Iterator[str]:
    """PSNR and SSIM link by link.

    Args:
        made: of `crlsc_images.swept`.
        entry: what the report covers.
    """
    images = entry.images
    if images is None:
        return
    yield "![PSNR over Es/N0](crlsc_images_psnr.png)\n"
    yield "![SSIM over Es/N0](crlsc_images_ssim.png)\n"
    if images.classifier:
        yield "![Accuracy over Es/N0](crlsc_images_accuracy.png)\n"
    if images.several_uses:
        yield "![PSNR over CBR](crlsc_images_cbr.png)\n"
    yield (
        f"Means over the images of `{images.test}` and {images.draws} channel draws; PSNR is the mean of the "
        f"images' own. Networks trained on as many images, in as many steps{_epochs(images)}. All methods "
        "of a link take its channel uses; CBR is of three values a pixel. [CSV](crlsc_images.csv), with lost "
        "images, wrong bits and bytes of files.\n"
    )
    yield from said(images, original=cell(made[made["metric"] == ORIGINAL].head(1)))
    told = "; accuracy in %" if images.classifier else ""
    for link, given in images.links.items():
        rows = made[made["link"] == link]
        share = f"CBR {ratio(images, link, entry.size):.4g}"
        yield (
            f"`{link}`: {_channel(given)}, {uses(images, link)} channel uses an image, {share}"
            f"{_trained(images, link)}. PSNR in dB; SSIM{told}:\n"
        )
        yield from _table(rows, images, link)
        yield from _without_room(rows, images)
        yield from _sheets(images, link, entry)


def _epochs(images: Images) -> str:
    """`: 20 epochs of 10,000`."""
    return f": {images.epochs} epochs of {images.images:,}" if images.images else f": {images.epochs} epochs"


def _channel(link: ImageLink) -> str:
    """`rayleigh, csi receiver, equaliser mmse`."""
    options = (
        f"{name} {value}" for name, value in link.channel.items() if name != "use" and value is not None
    )
    return ", ".join((str(link.channel["use"]), *options))


def _trained(images: Images, link: str) -> str:
    """At which Es/N0 DeepJSCC trained, where it goes over the link."""
    if not any(
        link in images.links_of(name) for name, method in images.methods.items() if not method.digital
    ):
        return ""
    given = images.links[link].train_snr_db
    if not isinstance(given, dict):
        return f"; symbols trained at {given:g} dB"
    ((way, values),) = given.items()
    between = " to " if way == "uniform" else ", "
    return f"; symbols trained at {between.join(f'{value:g}' for value in values)} dB, drawn image by image"


def _table(rows: pd.DataFrame, images: Images, link: str) -> Iterator[str]:
    """A row a method, a column an Es/N0."""
    body = []
    for method in images.methods:
        of = rows[rows["method"] == method]
        if not of.empty:
            cells = (_cell(of[of["snr_db"] == snr_db]) for snr_db in images.snr_db)
            body.append([method, sent_as(images, method, link), *cells])
    head = ["method", "sent as", *(f"{snr_db} dB" for snr_db in images.snr_db)]
    yield from listed(head, body)


def _cell(rows: pd.DataFrame) -> str:
    """PSNR; SSIM; accuracy, if classes are told."""
    psnr, similar, right = (rows[rows["metric"] == metric] for metric in SHOWN)
    both = f"{cell(psnr, factor=1, form='.2f')}; {cell(similar, factor=1, form='.3f')}"
    return both if right.empty else f"{both}; {cell(right)}"


def _without_room(rows: pd.DataFrame, images: Images) -> Iterator[str]:
    """Of which methods how many images had no room, at which Es/N0."""
    large = rows[(rows["metric"] == TOO_LARGE) & (rows["mean"] > 0.005)]
    each = [
        f"`{method}` "
        + ", ".join(
            f"{100 * mean:.0f} % at {snr_db} dB"
            for snr_db, mean in zip(of["snr_db"], of["mean"], strict=True)
        )
        for method, of in large.groupby("method", sort=False)
    ]
    if each:
        yield (
            "Images without room in these channel uses, for which the mean training image stands whatever "
            f"arrives: {'; '.join(each)}.\n"
        )


def _sheets(images: Images, link: str, entry: CrlscReportEntry) -> Iterator[str]:
    """Where the images themselves are."""
    seed = entry.seeds[0]
    files = [
        f"[{method}](../../crlsc/images/test/{method}/{link}/seed{seed}/sheet.png)"
        for method in images.methods
        if link in images.links_of(method)
    ]
    at = ", ".join(f"{snr_db}" for snr_db in low_middle_high(images.snr_db))
    yield (
        f"Sheets of seed {seed}, odd rows as received at {at} dB from top to bottom, even rows as sent: "
        f"{', '.join(files)}.\n"
    )
