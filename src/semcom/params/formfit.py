"""Whether a form of a shared base can be trained on what is there, and what becomes of it if not."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from semcom.files.errors import SemcomError
from semcom.params.form import Form
from semcom.progress import log

POINTS_A_CENTROID = 39
"""Fewer training vectors a centroid make a codebook of noise; faiss warns from there on."""
TooFew = Literal["fewer_bits", "refuse"]


def fitted(form: Form, *, dim: int, vectors: int, too_few: TooFew) -> Form:
    """The form as it can be trained: the same, or with smaller codebooks where there are too few vectors.

    Args:
        form: as asked for.
        dim: of the vectors.
        vectors: to train on.
        too_few: `fewer_bits` lowers the bits of codebooks and the number of lists to what the vectors allow,
            and says so; `refuse` is an error.

    Raises:
        SemcomError: sub-vectors do not divide the dimensions, or there are too few vectors.
    """
    check_dims(form, dim)
    _check_maps(form, dim, vectors)
    affordable = int(math.log2(max(vectors / POINTS_A_CENTROID, 1)))
    small = form
    if form.codes.kind == "PQ" and form.codes.bits > affordable:
        small = replace(small, codes=replace(form.codes, bits=affordable))
    if form.lists and form.lists * POINTS_A_CENTROID > vectors:
        small = replace(small, lists=2**affordable)
    _check_width(small, dim)
    if small == form:
        return form
    least = max(_needs(form))
    if too_few == "refuse" or affordable < 1 or form.codes.fast and small.codes != form.codes:
        raise SemcomError(
            f"{vectors} vectors are too few to train the form {form}, which takes {least} "
            f"({POINTS_A_CENTROID} a centroid); give more vectors" + _smaller(form, small, affordable)
        )
    log.info("form %s: %d vectors are too few, it takes %d; it becomes %s", form, vectors, least, small)
    return small


def _needs(form: Form) -> Iterator[int]:
    """Vectors that each trained part takes."""
    if form.codes.kind == "PQ":
        yield POINTS_A_CENTROID * 2**form.codes.bits
    if form.lists:
        yield POINTS_A_CENTROID * form.lists


def _smaller(form: Form, small: Form, affordable: int) -> str:
    if affordable < 1 or form.codes.fast and small.codes != form.codes:
        return ", or take Flat or SQ8"
    return f", or take {small} (too_few: fewer_bits does)"


def check_dims(form: Form, dim: int) -> None:
    """Whether sub-vectors divide the dimensions.

    Raises:
        SemcomError: they do not, naming the nearest that do.
    """
    for transform in form.transforms:
        out = transform.dim or dim
        if out > dim:
            raise SemcomError(
                f"{transform} of the form {form} makes {out} dimensions of {dim}; take at most {dim}"
            )
        dim = out
        if transform.books:
            _divides(transform.books, dim, str(transform), "OPQ", form)
    if form.codes.kind == "PQ":
        _divides(form.codes.books, dim, f"PQ{form.codes.books}", "PQ", form)


def _check_width(form: Form, dim: int) -> None:
    out = next((transform.dim for transform in reversed(form.transforms) if transform.dim), dim)
    codes = form.codes
    if codes.kind == "PQ" and 1 <= codes.bits < 3 and 2 * codes.books == out:
        raise SemcomError(
            f"form {form}: faiss cannot search codebooks of {codes.bits} bits over sub-vectors of 2 "
            f"dimensions; take PQ{codes.books // 2}, or more vectors"
        )


def _divides(books: int, dim: int, part: str, name: str, form: Form) -> None:
    if dim % books == 0:
        return
    valid = [n for n in range(1, dim + 1) if dim % n == 0]
    near = [
        n for n in (max(n for n in valid if n < books), min((n for n in valid if n > books), default=0)) if n
    ]
    raise SemcomError(
        f"{part} of the form {form} cuts {dim} dimensions into {books} sub-vectors, but {dim} is not "
        f"divisible by {books}; take {' or '.join(f'{name}{n}' for n in near)}"
    )


def _check_maps(form: Form, dim: int, vectors: int) -> None:
    """Whether linear maps have vectors enough: a smaller codebook would not help.

    faiss's OPQ reads beyond its memory where there are fewer vectors than dimensions.
    """
    for transform in form.transforms:
        out = transform.dim or dim
        least = dim if transform.kind == "OPQ" else out + 1 if transform.kind.startswith("PCA") else 0
        if vectors < least:
            raise SemcomError(
                f"{vectors} vectors are too few to train {transform} of the form {form}, which takes more "
                f"than {least - 1}; give more vectors, or take fewer dimensions"
            )
        dim = out
