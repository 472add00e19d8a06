"""Do encoders understand each other? Heads and bases of one, used with the features of another.

    party A: labelled features ─► heads, base ─┐
                                               ├─► classes of B's test images, beside B's own heads
    party B: test features ─► (ridge map) ─────┘

All on centred unit vectors (`heads`). In one space nothing lies between; encoders of other spaces are joined
by a map that was fitted on shared images (`alignment`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from semcom.files.errors import SemcomError
from semcom.metrics.alignment import RidgeMap, ridge_map
from semcom.metrics.classification import accuracy
from semcom.metrics.heads import (
    Classes,
    Head,
    Labelled,
    Nearest,
    Vectors,
    centre,
    centred,
    class_means,
    linear,
)
from semcom.metrics.retrieval import precision_at


@dataclass(frozen=True, eq=False)
class Party:
    """One encoder's features of its own images, centred, of unit length.

    Attributes:
        train: labelled images that heads are fitted on; they are its base, too.
        validation: labelled images that heads are chosen on.
        test: labelled images that are measured.
        shared: (n, D) of images that all parties have seen, in one order; no labels.
    """

    train: Labelled
    validation: Labelled
    test: Labelled
    shared: Vectors

    @classmethod
    def of(
        cls, *, train: Labelled, validation: Labelled, test: Labelled, shared: Vectors, unlabelled: Vectors
    ) -> "Party":
        """Centre raw features by the mean of `unlabelled` (M, D), this encoder's own of unlabelled images."""
        mean = centre(unlabelled)
        fitted, chosen, measured = (Labelled(centred(x, mean), y) for x, y in (train, validation, test))
        return cls(fitted, chosen, measured, centred(shared, mean))

    def heads(self, *, neighbours: int) -> dict[str, Head]:
        """The heads that this party trains: `linear`, `class_mean`, `knn`."""
        return {
            "linear": linear(self.train, self.validation),
            "class_mean": class_means(self.train),
            "knn": Nearest(self.train, neighbours),
        }


Maps = Mapping[tuple[str, str], RidgeMap]
"""From the space of the first party to that of the second."""


class Pair(NamedTuple):
    """Test features of one party in the space of another.

    Attributes:
        owner: the party whose head or base is used.
        guest: the party whose test images it is used on.
        features: (N, D) of those.
        classes: (N,) of those.
        shared_images: that the map between the two took; 0: there is none.
        exchanged_bytes: embeddings that were sent for it.
    """

    owner: str
    guest: str
    features: Vectors
    classes: Classes
    shared_images: int
    exchanged_bytes: int

    def row(self) -> dict[str, object]:
        """What a tidy row says of the pair."""
        return {
            "owner": self.owner,
            "guest": self.guest,
            "shared_images": self.shared_images,
            "exchanged_bytes": self.exchanged_bytes,
        }


def pairs(parties: Mapping[str, Party], maps: Maps | None = None) -> Iterator[Pair]:
    """Each party with each, itself too.

    Args:
        parties: by name.
        maps: between each two parties; None: all are of one space. Its own features need none.

    Raises:
        SemcomError: two parties have no map between them, and their spaces differ.
    """
    for owner, own in parties.items():
        for guest, party in parties.items():
            features, classes = party.test
            through = maps.get((guest, owner)) if maps and guest != owner else None
            if through is not None:
                features = through(features)
            there, wanted = features.shape[1], own.train.features.shape[1]
            if there != wanted:
                raise SemcomError(
                    f"features of {guest} have {there} dimensions, those of {owner} {wanted}: give a map "
                    f"from {guest} to {owner}"
                )
            took = (through.images, through.exchanged_bytes) if through else (0, 0)
            yield Pair(owner, guest, features, classes, *took)


def join(parties: Mapping[str, Party], *, images: int, seed: int) -> dict[tuple[str, str], RidgeMap]:
    """A map between each two parties and each way, fitted on the first `images` shared images.

    Raises:
        SemcomError: there are fewer.
    """
    fewest = min(len(party.shared) for party in parties.values())
    if fewest < images:
        raise SemcomError(f"a map on {images} shared images, but there are {fewest}; take at most those")
    return {
        (a, b): ridge_map(parties[a].shared[:images], parties[b].shared[:images], seed=seed)
        for a in parties
        for b in parties
        if a != b
    }


def cross_heads(
    parties: Mapping[str, Party], heads: Mapping[str, Mapping[str, Head]], *, maps: Maps | None = None
) -> list[dict[str, object]]:
    """The whole matrix: each head of each owner on the test features of each guest.

    Args:
        parties: by name.
        heads: of each party, by kind.
        maps: as `pairs` takes them.

    Returns:
        A tidy row a pair and kind of head, with `accuracy`, with `own_accuracy`, that of the guest's own head
        of the same kind, and with `right` (N,), whether the class of each test image is.
    """
    found = [
        (pair, kind, head.predict(pair.features))
        for pair in pairs(parties, maps)
        for kind, head in heads[pair.owner].items()
    ]
    values = [float(accuracy(classes, pair.classes)) for pair, _, classes in found]
    own = {
        (pair.guest, kind): value
        for (pair, kind, _), value in zip(found, values, strict=True)
        if pair.owner == pair.guest
    }
    return [
        {
            **pair.row(),
            "head": kind,
            "accuracy": value,
            "own_accuracy": own[pair.guest, kind],
            "right": classes == pair.classes,
        }
        for (pair, kind, classes), value in zip(found, values, strict=True)
    ]


def cross_retrieval(
    parties: Mapping[str, Party], *, k: int, maps: Maps | None = None
) -> list[dict[str, object]]:
    """Queries of each guest, its test images, in the base of each owner, its labelled images.

    Returns:
        A tidy row a pair, with `k`, `precision` (share of the k nearest that are of the query's class) and
        `own_precision`, that of the guest in its own base.
    """
    found = [
        (pair, precision_at(*parties[pair.owner].train, pair.features, pair.classes, k=k))
        for pair in pairs(parties, maps)
    ]
    own = {pair.guest: value for pair, value in found if pair.owner == pair.guest}
    return [
        {**pair.row(), "k": k, "precision": value, "own_precision": own[pair.guest]} for pair, value in found
    ]
