import pytest

from semcom.files.errors import SemcomError
from semcom.losses import LOSSES
from semcom.losses.blocks import blocks
from semcom.losses.mmssl import MMSSL
from semcom.params.component import build


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ({"use": "mmssl"}, {"embedding": (0, 32), "shared": (0, 24), "unique": (24, 32)}),
        ({"use": "shared_only"}, {"embedding": (0, 32), "shared": (0, 32)}),
        ({"use": "intra"}, {"embedding": (0, 32)}),
        ({"use": "clip"}, {"embedding": (0, 32)}),
    ],
)
def test_blocks_of_our_losses(loss: dict[str, object], expected: dict[str, tuple[int, int]]) -> None:
    assert blocks(build(LOSSES, loss), 32) == expected


@pytest.mark.parametrize("fraction", [0.1, 0.33, 0.5, 0.75, 0.999, 1.0])
def test_blocks_are_those_that_mmssl_trains_with(fraction: float) -> None:
    loss = MMSSL(shared_fraction=fraction)
    found = blocks(loss, 50)
    cuts = loss._cuts(50)
    assert found["shared"] == (0, cuts[0] if cuts else 50)
    assert found.get("unique") == ((cuts[0], 50) if cuts else None)


@pytest.mark.parametrize("share", [0, 0.001, 1.5, -0.2, True, "half"])
def test_a_share_that_is_none_is_refused(share: object) -> None:
    class Own:
        shared_fraction = share

    with pytest.raises(SemcomError, match="the loss Own has shared_fraction"):
        blocks(Own(), 32)


def test_none_says_that_there_are_no_blocks() -> None:
    class Own:
        shared_fraction = None

    assert blocks(Own(), 8) == {"embedding": (0, 8)}
