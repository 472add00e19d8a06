import numpy as np
import pytest
from scipy.stats import ncx2

from semcom.channel.digital import finite
from semcom.channel.digital.bounds import capacity
from semcom.files.errors import SemcomError


def converse(n: int, snr: float, bler: float) -> float:
    """Bits that no code of n real dimensions and equal power exceeds (Polyanskiy, Poor and Verdú, Theorem
    41).

    Both hypotheses of the test between the channel and a Gaussian output of its variance are noncentral
    chi-squares of the same statistic, apart from a factor 1 + SNR.
    """
    threshold = ncx2.ppf(1 - bler, n, n / snr)
    return -ncx2.logcdf(threshold / (1 + snr), n, n * (1 + snr) / snr) / np.log(2)


@pytest.mark.parametrize(("uses", "snr_db"), [(50, 0.0), (500, 0.0), (50, 10.0), (128, 10.0)])
@pytest.mark.parametrize("bler", [1e-1, 1e-2, 1e-3])
def test_no_more_than_the_exact_converse_and_few_bits_less(uses: int, snr_db: float, bler: float) -> None:
    bits = float(finite.best_payload(uses, snr_db, bler=bler))
    limit = converse(2 * uses, 10 ** (snr_db / 10), bler)
    assert limit - 6 < bits < limit


def test_bits_rate_and_snr_invert_each_other() -> None:
    snr_db = finite.best_snr_db(64, 64, bler=1e-2)
    assert finite.best_bler(64, 64, snr_db) == pytest.approx(1e-2)
    assert finite.best_payload(64, snr_db, bler=1e-2) == pytest.approx(64)


def test_long_blocks_reach_capacity() -> None:
    assert finite.best_payload(10**8, 5.0, bler=1e-3) / 10**8 == pytest.approx(float(capacity(5.0)), rel=1e-3)


def test_the_distance_to_capacity_halves_with_four_times_the_length() -> None:
    def backoff(uses: int) -> float:
        return (
            uses * float(capacity(0.0))
            - float(finite.best_payload(uses, 0.0, bler=1e-3))
            + np.log2(2 * uses) / 2
        )

    assert backoff(4000) / 4000 == pytest.approx(backoff(1000) / 1000 / 2)


def test_short_blocks_are_refused() -> None:
    with pytest.raises(SemcomError, match="100 real dimensions on; 49 complex channel uses are 98"):
        finite.best_snr_db(49, 49, bler=0.01)
