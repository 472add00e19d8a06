"""Which index each code gets, so that a wrong bit of it does little harm (index assignment).

Without a channel code the bits of an index err one by one; the receiver decodes another index, and the harm
is the squared distance between the two codes. If indices err by a binary symmetric channel of bit error rate
p, and code i is sent with probability w_i, the mean harm is

    D(p) = Σ_i w_i Σ_j p^d(i,j) (1 - p)^(b - d(i,j)) ‖c_i - c_j‖²,     d the Hamming distance of i and j,

exactly. D is least for an order that no method finds in reasonable time (quadratic assignment). Ours cuts the
codebook in halves along principal directions, a bit a cut, and then swaps pairs of codes while that helps
(Zeger and Gersho 1990), in the end so that no swap of two would help any more.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from semcom.files.errors import SemcomError

Floats = NDArray[np.float64]
Order = NDArray[np.int64]

GAIN = 1e-9
"""A swap must lessen the harm by this part of that of one code: less is rounding."""


def index_bits(codes: int) -> int:
    """Bits of an index into a codebook of 2^b codes: b.

    Raises:
        SemcomError: it is no power of two, so that some bits would name no code.
    """
    bits = codes.bit_length() - 1
    if codes < 2 or codes != 1 << bits:
        raise SemcomError(
            f"{codes} codes do not fill indices of whole bits; take {1 << max(bits, 1)} or "
            f"{1 << max(bits + 1, 2)} codes, or code the indices with quantise.entropy"
        )
    return bits


def harm(codebook: ArrayLike, *, ber: float, weights: ArrayLike | None = None) -> float:
    """D(p): mean squared distance from the code that was sent to the one that its bits became.

    Args:
        codebook: (K, dim), K = 2^b; code i is sent as the b bits of i.
        ber: p, 0…1.
        weights: (K,) how often each code is sent, of any sum; equally often if None.

    Raises:
        SemcomError: K is no power of two, `ber` no probability, or weights that do not fit.
    """
    codes, shares = _checked(codebook, ber, weights)
    return float((_distances(codes, shares) * _transitions(len(codes), ber)).sum())


def ordered(codebook: ArrayLike, *, ber: float, weights: ArrayLike | None = None) -> Order:
    """An order of the codes under which bit errors do little harm.

    What is good at one small bit error rate is good at others: there single errors are nearly all. Takes 0.1
    s for 256 codes, some 10 s for 1,024.

    Args:
        codebook: (K, dim), K = 2^b.
        ber: p that the order is made for, 0…1.
        weights: (K,) how often each code is sent; equally often if None.

    Returns:
        (K,): the code that gets index i is `order[i]`; `codebook[order]` is the ordered codebook.

    Raises:
        SemcomError: as `harm`.
    """
    codes, shares = _checked(codebook, ber, weights)
    order = by_halves(codes)
    distances = _distances(codes, shares)[np.ix_(order, order)]
    return order[_swapped(distances, _transitions(len(codes), ber))]


def by_halves(codebook: ArrayLike) -> Order:
    """Order the codes by cuts: half of them to either side along their principal direction, and so on.

    The first bit of an index says on which side of the first cut its code is.

    Raises:
        SemcomError: K is no power of two.
    """
    codes = np.asarray(codebook, np.float64)
    index_bits(len(codes))

    def cut(which: Order) -> list[Order]:
        if len(which) == 1:
            return [which]
        centred = codes[which] - codes[which].mean(0)
        direction = np.linalg.svd(centred, full_matrices=False)[2][0]
        direction = direction * np.sign(direction[np.abs(direction).argmax()])  # svd leaves the sign open
        low, high = np.split(which[np.argsort(centred @ direction, kind="stable")], 2)
        return cut(low) + cut(high)

    return np.concatenate(cut(np.arange(len(codes))))


def _swapped(distances: Floats, transitions: Floats) -> Order:
    """Places of the rows of `distances` (K, K) when no swap of two helps; `distances` is used up."""
    order = np.arange(len(distances))
    least = GAIN * float((distances * transitions).sum()) / len(distances)
    while True:
        own, moved = (distances * transitions).sum(1), False
        for a in range(len(order)):
            # Half of what a swap of a with each b changes: both matrices are symmetric, and only terms of a
            # and b change, but for that of the pair itself, which the second line leaves out.
            change = transitions @ distances[a] + distances @ transitions[a] - own[a] - own
            change += 2 * distances[a] * (transitions[a] - transitions[0, 0])
            b = int(change.argmin())
            if change[b] < -least:
                _swap(distances, transitions, own, a, b)
                order[[a, b]] = order[[b, a]]
                moved = True
        if not moved:
            return order


def _swap(distances: Floats, transitions: Floats, own: Floats, a: int, b: int) -> None:
    """Swap two codes in place; `own` (K,) stays the rows' sums of distances times transitions."""
    own += (distances[:, b] - distances[:, a]) * (transitions[:, a] - transitions[:, b])
    distances[[a, b]] = distances[[b, a]]
    distances[:, [a, b]] = distances[:, [b, a]]
    for row in (a, b):
        own[row] = distances[row] @ transitions[row]


def _distances(codes: Floats, shares: Floats) -> Floats:
    """(K, K) squared distances, weighted so that Σ of them times transitions is D; symmetric."""
    lengths = np.square(codes).sum(1)
    squared = np.maximum(lengths[:, None] + lengths - 2 * codes @ codes.T, 0)
    np.fill_diagonal(squared, 0)
    weighted: Floats = squared * ((shares[:, None] + shares) / 2)
    return weighted


def _transitions(codes: int, ber: float) -> Floats:
    """(K, K) probabilities that index i becomes j: a Kronecker product, a factor a bit."""
    one = np.array([[1 - ber, ber], [ber, 1 - ber]])
    whole: Floats = np.ones((1, 1))
    for _ in range(index_bits(codes)):
        whole = np.kron(whole, one)
    return whole


def _checked(codebook: ArrayLike, ber: float, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    codes = np.asarray(codebook, np.float64)
    index_bits(len(codes))
    if codes.ndim != 2 or not np.isfinite(codes).all():
        raise SemcomError(f"a codebook is (K, dim) and finite, not {codes.shape} or with NaN in it")
    if not 0 <= ber <= 1:
        raise SemcomError(f"a bit error rate is 0 to 1, not {ber}")
    shares = np.ones(len(codes)) if weights is None else np.asarray(weights, np.float64)
    if shares.shape != (len(codes),) or (shares < 0).any() or not shares.sum() > 0:
        raise SemcomError(f"weights are {len(codes)} numbers ≥ 0, one a code, and not all 0")
    return codes - codes.mean(0), shares / shares.sum()
