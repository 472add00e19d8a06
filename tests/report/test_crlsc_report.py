"""The second system's report on a study whose every number is known."""

import io
import math
from pathlib import Path

import pandas as pd
import pytest
from synthetic_crlsc import BYTES, DIM, FILE, METHODS, SEEDS, SHIPPED, WIDTH, entry, write
from typer.testing import CliRunner

from semcom.cli import app
from semcom.files.errors import SemcomError
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.entries import to_json
from semcom.report import crlsc, crlsc_bytes, crlsc_results, crlsc_tables
from semcom.report.crlsc_words import verdict
from semcom.report.stamp import Stamp

T2 = 4.302652729749
"""97.5 % quantile of Student's t with 2 degrees of freedom."""
TABLES = (
    "accuracy",
    "differences",
    "bases",
    "training",
    "labels",
    "consensus",
    "exchange",
    "joining",
    "images",
    "claims",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write(folder, entry())
    given = CrlscReportEntry.model_validate_json(to_json(entry()))  # as a rule hands it over: keys sorted
    crlsc.run(folder, given, folder / "report")
    return folder / "report"


def read(report: Path, name: str) -> pd.DataFrame:
    text = (report / f"crlsc_{name}.csv").read_text()
    assert text.startswith("# study: s\n")
    return pd.read_csv(io.StringIO(text), comment="#", keep_default_na=False, na_values=[""])


def one(rows: pd.DataFrame, **place: object) -> pd.Series:
    for name, value in place.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1, f"{len(rows)} rows of {place}"
    return rows.iloc[0]


def test_differences_are_paired_by_seed(report: Path) -> None:
    """Guided is 0.1, 0.11 and 0.12 above SimCLR."""
    made = read(report, "differences")
    for encoder in ("large", "small", "mean"):
        for fraction in (0.1, 0.5, 1.0):
            at = {"method": "guided", "against": "simclr", "encoder": encoder, "fraction": fraction}
            row = one(made, target="far", **at)
            assert row["difference"] == pytest.approx(0.11)
            assert row["half_width"] == pytest.approx(T2 * 0.01 / math.sqrt(3))
            assert row["seeds"] == len(SEEDS)
    assert set(made["method"]) == {"guided"}
    assert set(made["against"]) == {"raw", "simclr", "labelled", "random"}


def test_labels_are_read_off_the_curve_between_fractions(report: Path) -> None:
    """A* is 0.64 on `near`. Guided, seed 0: 0.5, 0.65, 0.7 with 100, 500 and 1000 labels."""
    made = read(report, "labels")
    row = one(made, target="near", encoder="small", method="guided", seed=0)
    assert row["target_accuracy"] == pytest.approx(0.64)
    low, high = math.log(100), math.log(500)
    assert row["labels"] == pytest.approx(math.exp(low + (0.64 - 0.5) / 0.15 * (high - low)))
    assert row["bound"] == "" or pd.isna(row["bound"])
    assert row["validation_labels"] == 250
    never = one(made, target="near", encoder="small", method="random", seed=0)
    assert (never["labels"], never["bound"]) == (1000, "more than")
    assert set(made["against"]) == {"labelled"}


def test_bases_have_bytes_retrieval_and_training(report: Path) -> None:
    made = read(report, "bases")
    assert one(made, base="pq", of="size", metric="bytes")["mean"] == BYTES["pq"]
    assert one(made, base="pq", of="size", metric="bytes_per_vector")["mean"] == 32
    assert set(made.loc[made["base"] == "pq", "form"]) == {"PQ32"}
    assert set(made.loc[made["base"] == "tiny", "form"]) == {"PQ1, trained as PQ1x6"}, "fewer bits"
    near = {"of": "retrieval", "target": "far", "metric": "accuracy"}
    assert one(made, base="tiny", **near)["difference"] == pytest.approx(0.54 - 0.66)
    assert one(made, base="pq", **near)["difference"] == pytest.approx(0.641 - 0.66)
    assert one(made, base="pq", **near)["difference_half_width"] == pytest.approx(T2 * 0.001 / math.sqrt(3))
    trained = one(made, base="pq", of="training", target="near", encoder="small")
    assert trained["mean"] == pytest.approx(0.71)
    assert one(made, base="raw", of="training", target="near", encoder="small")["method"] == "raw"


def test_the_matrix_is_beside_what_guests_get_from_their_own(report: Path) -> None:
    made = read(report, "consensus")
    pair = {"owner": "large", "guest": "small", "head": "linear"}
    direct = one(made, method="guided", space="space", shared_images=0, **pair)
    assert (direct["mean"], direct["own_mean"]) == pytest.approx((0.55, 0.6))
    assert direct["difference"] == pytest.approx(-0.05)
    mapped = one(made, method="simclr", space="features", shared_images=1000, **pair)
    assert mapped["mean"] == pytest.approx(0.51)
    assert mapped["difference_half_width"] == pytest.approx(T2 * 0.01 / math.sqrt(3))
    assert mapped["exchanged_bytes"] == 1000 * WIDTH * 2


def test_bytes_between_parties(report: Path) -> None:
    made, image = read(report, "exchange"), FILE["pq"]
    at = {"encoder": "small", "party": "terminal"}
    got = {
        (row.method, row.held): row.receives_bytes for row in made[made["party"] == "terminal"].itertuples()
    }
    assert got["guided", True] == BYTES["pq"]
    assert got["guided", False] == BYTES["pq"] + 1000 * image
    assert got["raw", True] == 1000 * DIM * 2
    assert got["simclr", False] == 1000 * image
    assert got["labelled", True] == got["random", True] == 0
    assert ("labelled", False) not in got, "it takes no public images"
    assert one(made, method="guided", held=True, **at)["stores_after_bytes"] == 4_005_000 + BYTES["pq"]
    assert one(made, method="raw", held=True, **at)["stores_after_bytes"] == 4_005_000
    assert one(made, method="mentor", party="terminal", encoder="raw")["receives_bytes"] == SHIPPED["raw"]
    assert (
        one(made, method="mentor", party="terminal", encoder="int8")["stores_after_bytes"] == SHIPPED["int8"]
    )
    assert "a public image: 900 bytes, that of its file" in (report / "crlsc.md").read_text()
    joins = read(report, "joining")
    row = one(joins, base="pq", shared_images=100, held=True, parties=64)
    assert row["shared_base_total_bytes"] == 64 * BYTES["pq"]
    assert row["pairwise_total_bytes"] == 64 * 63 // 2 * 2 * 100 * WIDTH * 2
    row = one(joins, base="pq", shared_images=100, held=False, parties=1)
    assert row["shared_base_total_bytes"] == BYTES["pq"] + 1000 * image


def test_bytes_of_what_a_method_goes_on_from_count_and_of_a_share_only_those_of_the_share(
    tmp_path: Path,
) -> None:
    common = {
        "encoders": ("large", "small"),
        "trains": True,
        "part": "public",
        "simclr": 0.0,
        "labels": False,
    }
    under, none = {"guide": "prototypes", "base": "tiny"}, {"guide": "cosine", "base": None}
    given = entry(
        methods={
            "guided": common | METHODS["guided"],
            "private": common | under | {"part": "a", "after": "guided"},
            "apart": common | METHODS["guided"] | {"disjoint": True, "encoders": ("a", "b", "small")},
            "raw_apart": common | none | {"disjoint": True},
        },
        consensus=(),
    )
    write(tmp_path, given)
    made = crlsc_bytes.exchange(crlsc_results.read(tmp_path, given), given)
    at = {"encoder": "small", "party": "terminal"}
    after = one(made, method="private", held=False, **at)
    assert after["receives_bytes"] == BYTES["pq"] + BYTES["tiny"] + 1000 * FILE["pq"]
    apart = one(made, method="apart", held=False, **at)
    assert (apart["public_images"], apart["knowledge_bytes"]) == (333, BYTES["pq"])
    assert one(made, method="raw_apart", held=True, **at)["receives_bytes"] == 500 * DIM * 2


def test_images_of_unknown_files_count_uncompressed(tmp_path: Path) -> None:
    given = entry(base_parts={})
    write(tmp_path, given)
    made = crlsc_bytes.exchange(crlsc_results.read(tmp_path, given), given)
    row = one(made, method="simclr", encoder="small", party="terminal", held=False)
    assert row["receives_bytes"] == 1000 * 32 * 32 * 3


def test_the_mentor_in_int8_is_a_row_and_no_base(report: Path) -> None:
    page = (report / "crlsc.md").read_text()
    assert "| mentor | int8 | 80.0" in page
    assert "int8" not in set(read(report, "bases")["base"])


def test_the_page_says_what_intervals_say_and_no_more(report: Path) -> None:
    page = (report / "crlsc.md").read_text()
    said = (
        "- `guided` minus `simclr`, linear head, mean over encoders: near +11.0 ± 2.5 points (above); far +"
    )
    assert said in page
    # 0.7, 0.71 and 0.72 against 0.72 at every seed.
    assert "`guided` minus `raw`, linear head, mean over encoders: near -1.0 ± 2.5 points (open)" in page
    assert "- Retrieval from `pq` (PQ32) minus vectors as they are: near -1.9 ± 0.2 points (below)" in page
    assert "- `guided`, space, no map: heads across encoders 55.0, own heads 60.0" in page
    for name in ("crlsc_accuracy", "crlsc_bases", "crlsc_consensus"):
        assert f"({name}.png)" in page
        assert (report / f"{name}.png").stat().st_size > 5000
        assert (report / f"{name}.pdf").exists()
    for line in page.splitlines():
        assert "nan" not in line, line
    assert (report / "crlsc_provenance.json").exists()


def test_words_of_intervals() -> None:
    assert [verdict(*pair) for pair in ((0.2, 0.1), (-0.2, 0.1), (0.1, 0.1), (0.05, 0.1))] == [
        "above", "below", "open", "open",
    ]  # fmt: skip
    assert verdict(0.2, math.nan) == "one seed"
    assert verdict(0.2, 0.0) == "no spread"


def test_equal_results_give_equal_bytes(report: Path, tmp_path: Path) -> None:
    write(tmp_path, entry())
    words = ["report", "crlsc", to_json(entry()), f"--results={tmp_path}", f"--output={tmp_path / 'report'}"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for path in report.iterdir():
        if path.suffix in (".csv", ".pdf", ".md"):
            assert (tmp_path / "report" / path.name).read_bytes() == path.read_bytes(), path.name


def test_one_seed_no_base_no_consensus(tmp_path: Path) -> None:
    alone = {"encoders": ("small",), "trains": True, "part": "public", "base": None, "guide": None}
    given = entry(
        seeds=(0,), bases={}, consensus=(), methods={"simclr": {**alone, "simclr": 1.0, "labels": False}},
        params={},
    )  # fmt: skip
    write(tmp_path, given)
    crlsc.run(tmp_path, given, tmp_path / "report")
    page = (tmp_path / "report/crlsc.md").read_text()
    assert "one seed gives no interval" in page
    assert "Consensus" not in page
    assert "nan" not in page
    for name in TABLES:
        assert (tmp_path / f"report/crlsc_{name}.csv").exists()


def test_a_missing_or_foreign_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, entry())
    path = tmp_path / "crlsc/probe/guided/small/seed1.csv"
    content = path.read_text()
    path.unlink()
    with pytest.raises(SemcomError, match=r"guided/small/seed1\.csv is missing"):
        crlsc.run(tmp_path, entry(), tmp_path / "report")
    path.write_text(content.replace("guided,1,small", "simclr,1,small"))
    with pytest.raises(SemcomError, match="has method simclr where its place says guided"):
        crlsc.run(tmp_path, entry(), tmp_path / "report")


def test_methods_stand_by_kind_whatever_their_names() -> None:
    shuffled = entry().methods
    mixed = entry(methods={name: shuffled[name] for name in sorted(shuffled, reverse=True)})
    assert list(crlsc_tables.by_kind(mixed).methods) == ["guided", "raw", "simclr", "labelled", "random"]


def test_the_foot_of_figures_names_every_data_set() -> None:
    two = entry(data_name="rooms digits", data="rooms:0123456789abcdef.dir digits:fedcba98.dir")
    assert "· data rooms 01234567, digits fedcba98 ·" in Stamp.of(two).line()
    one = entry(data="rooms:0123456789abcdef.dir")
    assert "· data rooms 0123456789ab ·" in Stamp.of(one).line()
