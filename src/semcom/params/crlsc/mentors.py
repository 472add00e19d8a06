"""Which file a mentor's weights are in, and how its embeddings are called; needs no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from semcom.files.errors import SemcomError
from semcom.files.hashes import digest
from semcom.params.weights import IMAGENET, weights_sha256

RANDOM = "random"
DIMS = MappingProxyType({"efficientnet_lite0": 1280})
"""Of the embeddings of mentors that come in one size."""


def weights_of(mentor: Mapping[str, Any]) -> str | None:
    """SHA-256 of the file of a mentor's weights; None where they are random, or a name its package knows.

    Raises:
        SemcomError: the mentor names a file that is not there, or a package that is not installed.
    """
    weights, use = mentor.get("weights"), str(mentor.get("use"))
    if not isinstance(weights, str) or weights == RANDOM:
        return None
    if weights != IMAGENET and not Path(weights).suffix:
        return None  # such as a tag of open_clip
    try:
        return weights_sha256(weights, use)
    except SemcomError as error:
        where = f"there is no file {weights}; give a path that holds from where you run snakemake"
        raise SemcomError(str(error) if weights == IMAGENET else f"{where}, or say random") from error


def called(mentor: Mapping[str, Any], precision: str, weights: str | None) -> str:
    """A plain name that differs wherever embeddings do: `efficientnet_lite0-1a2b3c4d`."""
    words = [str(mentor.get("use")), *([str(mentor["name"])] if "name" in mentor else [])]
    said = re.sub(r"[^A-Za-z0-9_]+", "_", "_".join(words)).strip("_")[-40:]
    return f"{said}-{digest(repr(sorted(mentor.items())), precision, str(weights))[:8]}"
