"""What the second system's report says of methods that send images: names, and what is behind numbers."""

from collections.abc import Iterator

from semcom.params.crlsc.images import ImageMethod, Images


def sent_as(images: Images, method: str, link: str) -> str:
    """What goes over the link: `deepjscc`, the like, or schemes of bits, of files with format and mosaic."""
    chosen = images.methods[method]
    if chosen.analog:
        return str(chosen.analog["use"]).rpartition(":")[2]
    schemes = " or ".join(chosen.schemes_on(link))
    if chosen.files is None:
        marks = [
            *(["Huffman"] if chosen.entropy else []),
            *(["random order"] if chosen.order == "random" and schemes.endswith("uncoded") else []),
        ]
        return ", ".join([schemes, *marks])
    side = chosen.files.mosaic
    together = f" in mosaics of {side}×{side}" if side > 1 else ""
    whole = " with headers" if chosen.files.counted == "file" else ""
    return f"{chosen.files.codec}{together}{whole}, {schemes}"


def _guide(method: ImageMethod) -> str:
    """`infonce, base pq32, weight 0.1`."""
    assert method.guide
    of = f"base {method.base}" if method.base else "the mentor's embeddings"
    return f"{method.guide['use']}, {of}, weight {method.weight:g}"


def called(images: Images, method: str) -> str:
    """A method in a legend: mosaics are marked."""
    files = images.methods[method].files
    return f"{method} (mosaics)" if files and files.mosaic > 1 else method


def said(images: Images, *, original: str) -> Iterator[str]:
    """Paragraphs on the classifier, on guides and on image files, where there are such.

    Args:
        images: what the study asks for.
        original: the classifier's accuracy on original test images, in words.
    """
    if images.classifier:
        yield (
            f"Accuracy is of one classifier a seed ({images.classifier.backbone['use']}, linear head), "
            f"trained on the originals of `{images.labelled}` and never on what arrives: of the original "
            f"test images it is right of {original} %.\n"
        )
    guided = {name: method for name, method in images.methods.items() if method.guide}
    if guided:
        each = ", ".join(f"`{name}` ({_guide(method)})" for name, method in guided.items())
        yield (
            f"Under a guide, which in training draws what is sent to what the knowledge base says: {each}. "
            "What goes over the link is of the same form and as much as without.\n"
        )
    files = {name: method.files for name, method in images.methods.items() if method.files}
    if files:
        names = ", ".join(f"`{name}`" for name in files)
        yield (
            f"Image files ({names}): the best file that the code words have room for, lost if one of them "
            "is, and the mean training image then stands for it. At `capacity` all arrives in the channel's "
            "capacity, over fading its mean: a bound, dashed in the figures.\n"
        )
    if any(of.mosaic > 1 for of in files.values()):
        yield (
            "Mosaics: several images share a file, its headers and what predicts them. That is kind to "
            "codecs: all these images are there at once, and lost at once; other methods send each on its "
            "own.\n"
        )
