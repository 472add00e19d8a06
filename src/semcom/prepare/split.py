"""A test part where a set has none of its own: drawn by whole groups, the same share of each class."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semcom.files.errors import SemcomError


def draw_test(labels: Sequence[str], groups: Sequence[str], *, share: float, seed: int) -> NDArray[np.bool_]:
    """(N,) True for the pictures of the test part.

    Groups come in random order. One goes to test if its most frequent class still lacks as many there, so
    that test never has more than `share` of a class (but for the rarer classes of mixed groups), rounded. A
    class of one group stays in train.

    Args:
        labels: (N,) class of each picture.
        groups: (N,) its group.
        share: of each class, in (0, 1).
        seed: of the order.

    Raises:
        SemcomError: nothing came to be in test: too few pictures, or the groups are too large.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        members[group].append(position)
    main = {group: Counter(labels[i] for i in mine).most_common(1)[0] for group, mine in members.items()}
    number = Counter(label for label, _ in main.values())
    lacking = {label: round(share * count) for label, count in Counter(labels).items()}
    names = list(members)
    test = np.zeros(len(labels), bool)
    for i in np.random.default_rng([seed, 4]).permutation(len(names)):
        mine = members[names[i]]
        label, count = main[names[i]]
        if number[label] > 1 and count <= lacking[label]:
            test[mine] = True
            for position in mine:
                lacking[labels[position]] -= 1
    if not test.any():
        raise SemcomError(
            f"no test part of {100 * share:g} % can be drawn from {len(labels)} pictures in {len(members)} "
            f"groups and {len(number)} classes: give more pictures, or a larger --test-share"
        )
    return test
