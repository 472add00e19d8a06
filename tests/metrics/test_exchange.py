import pytest

from semcom.files.errors import SemcomError
from semcom.metrics.exchange import Alignment, Way, joining, ledger, raw_embeddings_bytes

BASE = Way(knowledge_bytes=500_000, public_images=10_000, encoder_bytes=2_000_000, kept=True)


def sizes(way: Way, *, held: bool, terminals: int = 3) -> dict[str, tuple[int, ...]]:
    """By party: sends, receives, stores in training, stores after."""
    rows = ledger(way, image_bytes=921.4, held=held, terminals=terminals)
    assert [(row["party"], row["parties"], row["held"]) for row in rows] == [
        ("server", 1, held),
        ("terminal", terminals, held),
    ]
    names = [f"{what}_bytes" for what in ("sends", "receives", "stores_training", "stores_after")]
    return {row["party"]: tuple(row[name] for name in names) for row in rows}


def test_a_base_with_the_images_there_and_not():
    images = 9_214_000
    here, away = sizes(BASE, held=True), sizes(BASE, held=False)
    assert here["terminal"] == (0, 500_000, 2_500_000 + images, 2_500_000)
    assert away["terminal"] == (0, 500_000 + images, 2_500_000 + images, 2_500_000)
    assert here["server"] == (1_500_000, 0, 500_000 + images, 500_000 + images)
    assert away["server"][0] == 3 * (500_000 + images)


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("way", [BASE, Way(3_581_088, 0, 11_180_160), Way(0, 10_000, 900)])
def test_what_is_sent_is_what_is_received(way, held):
    found = sizes(way, held=held, terminals=7)
    assert found["server"][0] == 7 * found["terminal"][1]
    assert found["terminal"][0] == found["server"][1]


def test_a_mentor_needs_no_public_image_and_knowledge_that_is_used_up_is_not_kept():
    mentor = sizes(Way(3_581_088, 0, 2_000_000), held=False)
    assert mentor == sizes(Way(3_581_088, 0, 2_000_000), held=True)
    assert mentor["terminal"] == (0, 3_581_088, 5_581_088, 2_000_000)
    raw = Way(raw_embeddings_bytes(10_000, 256), 10_000, 2_000_000)
    assert raw.knowledge_bytes == 5_120_000
    assert sizes(raw, held=True)["terminal"][3] == 2_000_000


def test_joining_in_closed_form():
    """All so far: n bases; n (n - 1) / 2 pairs; n - 1 pairs."""
    pair = Alignment(shared_images=1000, dim=256)
    assert pair.pair_bytes == 2 * 1000 * 256 * 2
    rows = joining(64, base_bytes=820_000, alignment=pair)
    assert [row["parties"] for row in rows] == list(range(1, 65))
    for row in rows:
        n = row["parties"]
        assert row["shared_base_bytes"] == 820_000
        assert row["shared_base_total_bytes"] == n * 820_000
        assert row["pairwise_bytes"] == (n - 1) * pair.pair_bytes
        assert row["pairwise_total_bytes"] == n * (n - 1) // 2 * pair.pair_bytes
        assert row["hub_bytes"] == (pair.pair_bytes if n > 1 else 0)
        assert row["hub_total_bytes"] == (n - 1) * pair.pair_bytes


def test_the_shared_images_are_downloaded_once_a_party():
    rows = joining(5, base_bytes=0, alignment=Alignment(1000, 256, image_bytes=921.4))
    plain = joining(5, base_bytes=0, alignment=Alignment(1000, 256))
    for with_images, without in zip(rows, plain, strict=True):
        for world in ("pairwise", "hub"):
            assert with_images[f"{world}_bytes"] - without[f"{world}_bytes"] == 921_400


def test_one_party_has_nobody_to_share_with():
    with pytest.raises(SemcomError, match="1 parties have nothing to share: give 2 or more"):
        joining(1, base_bytes=1, alignment=Alignment(1, 1))
