"""What sharing knowledge takes, in bytes: who sends, receives and stores what, and what one more party costs.

Nothing is measured here: sizes come from files (a base as shipped, an image file, a packed mentor), and are
added up. A server sends to each terminal on its own; a broadcast would send once.
"""

from dataclasses import dataclass

from semcom.files.errors import SemcomError

FP16 = 2
"""Bytes of a raw embedding's value."""


@dataclass(frozen=True)
class Way:
    """A way of getting knowledge to a terminal.

    Attributes:
        knowledge_bytes: what the server ships: a base, raw embeddings, a mentor, or nothing.
        public_images: images of the public set that a terminal's training takes in pairs with it; 0 for none.
        encoder_bytes: the terminal's own encoder, which it stores in any case.
        private_bytes: the terminal's private knowledge base, which it keeps; 0: it builds none.
        kept: whether the knowledge is still needed after training, as a base is that is searched.
    """

    knowledge_bytes: int
    public_images: int
    encoder_bytes: int
    private_bytes: int = 0
    kept: bool = False


def ledger(way: Way, *, image_bytes: float, held: bool, terminals: int) -> list[dict[str, object]]:
    """Bytes that each party sends, receives, stores in training and stores after it.

    Args:
        way: of sharing.
        image_bytes: of a public image file, on average.
        held: whether terminals hold the public images already; else they download them.
        terminals: how many there are, all alike.

    Returns:
        A row for the server and one for a terminal; `parties` says how many of the kind there are.
    """
    images = round(way.public_images * image_bytes)
    shipped = way.knowledge_bytes + (0 if held else images)
    server = {
        "sends_bytes": terminals * shipped,
        "receives_bytes": 0,
        "stores_training_bytes": way.knowledge_bytes + images,
        "stores_after_bytes": way.knowledge_bytes + images,
    }
    terminal = {
        "sends_bytes": 0,
        "receives_bytes": shipped,
        "stores_training_bytes": way.encoder_bytes + way.knowledge_bytes + images,
        "stores_after_bytes": way.encoder_bytes + way.private_bytes + way.kept * way.knowledge_bytes,
    }
    return [
        {"party": "server", "parties": 1, "held": held, **server},
        {"party": "terminal", "parties": terminals, "held": held, **terminal},
    ]


def raw_embeddings_bytes(images: int, dim: float) -> int:
    """Embeddings of `images` images, `dim` values of fp16 each, or on average."""
    return round(images * dim * FP16)


@dataclass(frozen=True)
class Alignment:
    """What aligning two encoders takes (`metrics.alignment`).

    Attributes:
        shared_images: n, images that both embed.
        dim: of an encoder's features; their mean over encoders that differ.
        image_bytes: of a shared image file; 0 where parties hold them already.
    """

    shared_images: int
    dim: float
    image_bytes: float = 0.0

    @property
    def pair_bytes(self) -> int:
        """Embeddings of the shared images both ways, so that each understands the other."""
        return 2 * raw_embeddings_bytes(self.shared_images, self.dim)

    @property
    def images_bytes(self) -> int:
        """The shared images, which a party downloads once."""
        return round(self.shared_images * self.image_bytes)


def joining(parties: int, *, base_bytes: int, alignment: Alignment) -> list[dict[str, int]]:
    """Bytes on the network when the n-th party joins, and all so far, in three worlds.

    - `shared_base`: it downloads the base (and what else `base_bytes` counts); nobody else does anything.
    - `pairwise`: it aligns with each of those that are there, n - 1 times.
    - `hub`: it aligns with the first one only, and reaches the others through it, two maps in a row.

    Args:
        parties: n of the last row, at least 2.
        base_bytes: what one terminal receives under the shared base.
        alignment: what a pair takes; the first party has nobody to align with.

    Returns:
        A row for each n from 1: `parties`, and `…_bytes` of the n-th party and `…_total_bytes` of all.

    Raises:
        SemcomError: fewer than 2 parties.
    """
    if parties < 2:
        raise SemcomError(f"{parties} parties have nothing to share: give 2 or more")
    rows, totals = [], {"shared_base": 0, "pairwise": 0, "hub": 0}
    for n in range(1, parties + 1):
        images = alignment.images_bytes
        new = {
            "shared_base": base_bytes,
            "pairwise": images + (n - 1) * alignment.pair_bytes,
            "hub": images + min(n - 1, 1) * alignment.pair_bytes,
        }
        totals = {name: totals[name] + value for name, value in new.items()}
        rows.append(
            {
                "parties": n,
                **{f"{name}_bytes": value for name, value in new.items()},
                **{f"{name}_total_bytes": value for name, value in totals.items()},
            }
        )
    return rows
