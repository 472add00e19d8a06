"""Which dimensions of an embedding a loss holds for shared and which for unique."""

from semcom.files.errors import SemcomError

Block = tuple[int, int]
"""First column, and the one behind the last."""


def blocks(loss: object, width: int) -> dict[str, Block]:
    """The blocks of an embedding of `width` dimensions, by name.

    A loss that divides the embedding says so by an attribute `shared_fraction`, in 0..1: the first
    round(shared_fraction * width) dimensions are to be shared by the modalities, the others are not.

    Returns:
        `embedding`, all of it; with `shared_fraction` also `shared` and, where anything is left, `unique`.

    Raises:
        SemcomError: `shared_fraction` is no share, or leaves no shared dimension.
    """
    found = {"embedding": (0, width)}
    if (share := getattr(loss, "shared_fraction", None)) is None:
        return found
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not 0 < share <= 1 or round(share * width) < 1:
        raise SemcomError(
            f"the loss {type(loss).__name__} has shared_fraction {share!r}; of {width} dimensions it must be "
            f"a share of at least {1 / width:.3g} and at most 1, or None where there are no blocks"
        )
    shared = round(share * width)
    found["shared"] = (0, shared)
    return found | ({"unique": (shared, width)} if shared < width else {})
