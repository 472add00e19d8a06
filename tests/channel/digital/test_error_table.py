from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from scipy.stats import binomtest

from semcom.channel.digital import table
from semcom.channel.digital.bounds import outage
from semcom.channel.digital.table import Curve, Tally, falling, proportion_interval
from semcom.files.errors import SemcomError
from semcom.files.hashes import sha256
from semcom.params.scheme import parse

SCHEME = parse("qpsk_ldpc_1/2", channel_uses=32)


def curve(errors: list[int], *, blocks: int = 1000, start: float = 0.0) -> Curve:
    snr = start + np.arange(len(errors), dtype=float)
    return Curve(SCHEME, "awgn", snr, np.full(len(errors), float(blocks)), np.array(errors, float))


@pytest.mark.parametrize(("errors", "trials"), [(0, 20), (3, 20), (20, 20), (100, 12345)])
def test_the_interval_is_that_of_scipy(errors: int, trials: int) -> None:
    exact = binomtest(errors, trials).proportion_ci(0.95, method="exact")
    np.testing.assert_allclose(
        np.array(proportion_interval(errors, trials)), [exact.low, exact.high], rtol=1e-9
    )


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    tallies = [Tally(2.5, 1000, 10, 35, 200, 1), Tally(-1.0, 500, 480, 4000, 40000, 2)]
    table.write(tmp_path / "t.csv", SCHEME, "awgn", tallies)
    back = table.read(tmp_path / "t.csv")
    assert back.scheme == SCHEME
    assert back.snr_db.tolist() == [-1.0, 2.5]
    assert back.errors.tolist() == [480, 10]
    header, first = (tmp_path / "t.csv").read_text().splitlines()[:2]
    values = dict(zip(header.split(","), first.split(","), strict=True))
    assert values["scheme"] == "qpsk_ldpc_1/2"
    assert float(values["bler"]) == 0.96
    assert float(values["ber"]) == pytest.approx(4000 / 16000)
    # Spread of wrong bits a block: 40000/500 - 8² = 16, so ± 1.96 · 4 / √500 bits of 32.
    assert float(values["ber_high"]) - float(values["ber"]) == pytest.approx(
        1.96 * 4 / 500**0.5 / 32, rel=1e-3
    )


def test_measured_points_are_met_and_nothing_rises_between_them() -> None:
    measured = curve([990, 700, 120, 8])
    np.testing.assert_allclose(measured.bler(measured.snr_db), [0.99, 0.7, 0.12, 0.008], rtol=1e-9)
    fine = measured.bler(np.linspace(0, 3, 200))
    assert (np.diff(fine) <= 0).all()
    low, high = measured.interval(np.linspace(0, 3, 200))
    assert ((low <= fine) & (fine <= high)).all()


def test_the_snr_of_a_rate_is_the_inverse() -> None:
    measured = curve([990, 700, 120, 8])
    for rate in (0.9, 0.12, 0.01):
        assert measured.bler(measured.snr_db_at(rate)) == pytest.approx(rate)
    with pytest.raises(SemcomError, match="goes from 0.99 to 0.008, not through 0.001"):
        measured.snr_db_at(1e-3)


def test_an_outage_is_interpolated_exactly() -> None:
    snr = np.arange(0.0, 30.0, 6.0)
    rates = outage(snr, rate=1.0)
    measured = Curve(SCHEME, "rayleigh", snr, np.full(5, 1e9), rates * 1e9)
    between = np.linspace(0, 24, 50)
    np.testing.assert_allclose(measured.bler(between), outage(between, rate=1.0), rtol=1e-6)


def test_points_out_of_order_are_pooled_as_scipy_does() -> None:
    rates, weights = np.array([0.9, 0.95, 0.3, 0.4, 0.35, 0.1]), np.array([5.0, 1, 3, 4, 2, 1])
    theirs = isotonic_regression(rates, weights=weights, increasing=False).x
    np.testing.assert_allclose(falling(rates, weights), theirs)


def test_off_the_table_there_is_an_error_or_the_stated_bounds() -> None:
    measured = curve([990, 500, 10, 0], start=2.0)
    with pytest.raises(SemcomError, match=r"1.5 dB is off the error table .* over awgn, which has 2 to 5 dB"):
        measured.bler(1.5)
    with pytest.raises(SemcomError, match="6 dB is off"):
        measured.bler([3.0, 6.0])
    bound = measured.bler([1.5, 3.0, 50.0], outside="bound")
    assert bound[0] == 1.0
    assert bound[1] == pytest.approx(0.5)
    assert bound[2] == pytest.approx(1 - 0.025 ** (1 / 1000))  # none of 1000: the exact upper limit
    low, high = measured.interval([1.5, 2.0, 50.0], outside="bound")
    assert low[0] == pytest.approx(low[1])
    assert low[0] > 0.98
    assert low[2] == 0
    assert high.tolist() == pytest.approx([1.0, float(measured.interval(2.0)[1]), bound[2]])


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SemcomError, match="cannot read .*missing.csv"):
        table.read(tmp_path / "missing.csv")
    table.write(tmp_path / "a.csv", SCHEME, "awgn", [Tally(1.0, 100, 10)])
    text = (tmp_path / "a.csv").read_text()
    for name, damage in (
        ("mixed", text + text.splitlines()[1].replace("awgn", "rayleigh") + "\n"),
        ("empty", text.splitlines()[0] + "\n"),
        ("other", "a,b\n1,2\n"),
        ("torn", text[:-60] + "\n"),
    ):
        (tmp_path / f"{name}.csv").write_text(damage)
        with pytest.raises(SemcomError, match=f"{name}.csv is no error table"):
            table.read(tmp_path / f"{name}.csv")


def whole_table(path: Path) -> Path:
    counts = [Tally(snr, 1000, lost, lost, lost, 0) for snr, lost in ((0.0, 980), (1.0, 400), (2.0, 5))]
    table.write(path, SCHEME, "awgn", counts)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "\n".join(text.splitlines()[:2]) + "\n", "rows are missing"),
        (lambda text: text[: text.rindex(",0.005")] + "\n", "is no error table"),
        (lambda text: text.replace(",1000,400,", ",0,400,"), "counts are impossible"),
        (lambda text: text.replace(",1000,400,", ",1000,1400,"), "counts are impossible"),
        (lambda text: text.replace(",1000,400,", ",1000,300,"), "not those of its counts"),
        (lambda text: text.replace("awgn,1.0", "awgn,nan"), "not finite"),
        (lambda text: text.replace("awgn,1.0", "awgn,0.0"), "do not rise"),
        (lambda text: text.replace("awgn", "rician"), "its channel is rician"),
        (lambda text: text.replace("ldpc,32,", "ldpc,32.0,"), "invalid literal"),
        (lambda text: text.replace("awgn,1.0", 200_000 * "x"), "field larger"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    path = whole_table(tmp_path / "t.csv")
    table.read(path)
    text = change(path.read_text())
    assert text != path.read_text()
    path.write_text(text)
    with pytest.raises(SemcomError, match=said):
        table.read(path)


def test_the_tables_wanted_are_those_that_are_read(tmp_path: Path) -> None:
    path = whole_table(tmp_path / "anything.csv")
    name = "qpsk_ldpc_1-2_32_awgn.csv"
    (curve,) = table.read_all([path], {name: sha256(path)[:16]})
    assert curve.scheme.stem == "qpsk_ldpc_1-2_32"
    with pytest.raises(
        SemcomError, match="is the error table of qpsk_ldpc_1/2 .* none of qpsk_ldpc_1-2_64_awgn"
    ):
        table.read_all([path], {"qpsk_ldpc_1-2_64_awgn.csv": ""})
    with pytest.raises(SemcomError, match="none of qpsk_ldpc_1-2_32_rayleigh"):
        table.read_all([path], {"qpsk_ldpc_1-2_32_rayleigh.csv": ""})
    with pytest.raises(SemcomError, match="has changed"):
        table.read_all([path], {name: "0" * 16})
    with pytest.raises(SemcomError, match="1 error tables for 2 schemes"):
        table.read_all([path], {name: "", "qpsk_ldpc_1-2_64_awgn.csv": ""})
