"""The generalisation table of the second system's report: every number is known."""

import io
import math
from pathlib import Path

import pandas as pd
import pytest
from synthetic_crlsc import SEEDS, entry, write, write_calibrations

from semcom.files.tables import write_rows
from semcom.params.crlsc.classify import Classify
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.params.entries import to_json
from semcom.report import crlsc
from semcom.report.crlsc_generalisation import trained_at

T2 = 4.302652729749
"""97.5 % quantile of Student's t with 2 degrees of freedom."""
CLASSIFY = {
    "target": ("near", "far"),
    "labels": (0.05, 1.0),
    "tuned": {"end": {"method": "random", "encoder_lr_scale": 1}, "on": {"method": "guided"}},
    "links": {"awgn": {"channel": {"use": "awgn"}, "channel_uses": 64, "train_snr_db": 6}},
    "digital": {"codes": {"link": "awgn", "scheme": "qpsk_ldpc_1/2"}},
    "snr_db": (0, 5, 10),
    "draws": 1,
}
CLASSIFIED = {
    "guided": ("large", "small"), "labelled": ("large",), "end": ("large", "small"), "on": ("small",)
}  # fmt: skip
WAYS = {"guided": ("direct", "awgn", "codes")}
LEVEL = {"guided": 0.7, "labelled": 0.6, "end": 0.4, "on": 0.75}
LESS = {"near": 0.0, "far": 0.2, "0.05": 0.1, "1": 0.0, "direct": 0.0, "awgn": 0.02, "codes": 0.03}


def accuracy(place: dict[str, str], name: str, snr_db: int, seed: int) -> float:
    """Of an encoder on its own receiver: `small` is worse, and so is each Es/N0 below; seeds rise."""
    less = sum(LESS[place[key]] for key in ("target", "labels", "link"))
    off = 0.01 * (10 - snr_db) * (place["link"] != "direct")
    return LEVEL[place["method"]] - less - off - 0.04 * (name == "small") + 0.01 * seed


def write_classify(folder: Path) -> None:
    for target in ("near", "far"):
        for labels in ("0.05", "1"):
            for method, names in CLASSIFIED.items():
                for way in WAYS.get(method, ("direct", "awgn")):
                    place = {"method": method, "link": way, "target": target, "labels": labels}
                    for seed in SEEDS:
                        rows = [
                            {
                                **{"study": "s", "system": "crlsc", **place, "seed": seed},
                                **{"owner": owner, "guest": guest, "sender": "owner", "snr_db": snr_db},
                                **{"draw": 0, "metric": "accuracy"},
                                "value": accuracy(place, owner, snr_db, seed) if owner == guest else 0.1,
                            }
                            for owner in names
                            for guest in names
                            for snr_db in CLASSIFY["snr_db"]  # type: ignore[attr-defined]
                        ]
                        at = folder / f"crlsc/classify/test/{target}/{labels}/{method}/{way}/seed{seed}.csv"
                        at.parent.mkdir(parents=True, exist_ok=True)
                        write_rows(at, rows)


def given(**more: object) -> CrlscReportEntry:
    said = entry(classify=CLASSIFY | more, classified=CLASSIFIED)
    return CrlscReportEntry.model_validate_json(to_json(said))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generalisation")
    write(folder, entry())
    write_classify(folder)
    write_calibrations(folder, given())
    crlsc.run(folder, given(), folder / "report")
    return folder


def made(folder: Path, name: str) -> pd.DataFrame:
    text = (folder / f"report/crlsc_{name}.csv").read_text()
    return pd.read_csv(io.StringIO(text), comment="#", dtype={"labels": str})


def test_each_encoder_and_their_mean_at_the_training_es_n0(study: Path) -> None:
    table = made(study, "generalisation")
    by = table.set_index(["target", "labels", "method", "link", "encoder"]).sort_index()
    width = T2 * 0.01 / math.sqrt(3)
    one = by.loc["far", "0.05", "guided", "awgn", "small"]
    assert one["snr_db"] == 5, "nearest to 6 dB"
    assert one["mean"] == pytest.approx(0.7 - 0.2 - 0.1 - 0.02 - 0.05 - 0.04 + 0.01)
    assert one["half_width"] == pytest.approx(width)
    both = by.loc["near", "1", "end", "direct", "mean"]
    assert (both["mean"], both["half_width"]) == (pytest.approx(0.4 - 0.02 + 0.01), pytest.approx(width))
    assert both["seeds"] == 3
    # Two targets and shares; of each two encoders and their mean over three ways, and so on.
    assert len(table) == 4 * (3 * 3 + 2 * 2 + 3 * 2 + 2 * 2)


def test_the_page_has_a_row_a_way_and_method_and_a_column_a_target_and_share(study: Path) -> None:
    page = (study / "report/crlsc.md").read_text()
    text = page[page.index("## Generalisation") :]
    text = text[: text.index("\n## ")]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[0] == (
        "| way | sent as | dB | method | encoder | near, 5 % | near, 100 % | far, 5 % | far, 100 % |"
    )
    width = f"{100 * T2 * 0.01 / math.sqrt(3):.1f}"

    def cells(level: float) -> str:
        values = (level - 0.1, level, level - 0.3, level - 0.2)
        return " | ".join(f"{100 * value + 1:.1f} ± {width}" for value in values)

    assert rows[2:] == [
        f"| direct | vectors |  | guided | under pq (PQ32), frozen | {cells(0.68)} |",
        f"| direct | vectors |  | labelled | supervised on a, frozen | {cells(0.6)} |",
        f"| direct | vectors |  | end | supervised on the target | {cells(0.38)} |",
        f"| direct | vectors |  | on | under pq (PQ32), trains on at 0.1 of the rate | {cells(0.71)} |",
        f"| awgn | symbols | 5 | guided | under pq (PQ32), frozen | {cells(0.61)} |",
        f"| awgn | symbols | 5 | labelled | supervised on a, frozen | {cells(0.53)} |",
        f"| awgn | symbols | 5 | end | end-to-end JSCC | {cells(0.31)} |",
        f"| awgn | symbols | 5 | on | under pq (PQ32), trains on at 0.1 of the rate | {cells(0.64)} |",
        f"| codes | qpsk_ldpc_1/2, shared codebooks | 5 | guided | under pq (PQ32), frozen | {cells(0.60)} |",
    ]


def test_curves_on_the_page_are_of_the_first_target_at_the_largest_share(study: Path) -> None:
    page = (study / "report/crlsc.md").read_text()
    text = page[page.index("## Classification over links") : page.index("## Generalisation")]
    assert "Test images of `near`" in text
    assert "encoders frozen, but those of `end`, `on` trained on" in text
    assert "100 % of the labels" in text
    assert f"| labelled | large | awgn | symbols | 64 | {49.0 + 0:.1f} ±" in text
    assert text.count("| on | small | awgn |") == 1
    every = made(study, "classify")
    assert set(zip(every["target"], every["labels"], strict=True)) == {
        (target, labels) for target in ("near", "far") for labels in ("0.05", "1")
    }


def test_of_one_target_and_share_with_frozen_encoders_there_is_no_such_section(
    study: Path, tmp_path: Path
) -> None:
    alone = given(target="near", labels=1, tuned={})
    names = {name: CLASSIFIED[name] for name in ("guided", "labelled")}
    crlsc.run(study, alone.model_copy(update={"classified": names}), tmp_path)
    assert "## Generalisation" not in (tmp_path / "crlsc.md").read_text()
    table = pd.read_csv(io.StringIO((tmp_path / "crlsc_generalisation.csv").read_text()), comment="#")
    assert len(table) == 3 * 3 + 2 * 2


@pytest.mark.parametrize(
    ("trained", "nearest"),
    [(6, 5), (-20, 0), (30, 10), ({"uniform": [2, 18]}, 10), ({"choice": [0, 4, 9]}, 5)],
)
def test_the_es_n0_of_training_is_the_nearest_of_the_test(trained: object, nearest: int) -> None:
    links = {"awgn": {"channel": {"use": "awgn"}, "channel_uses": 8, "train_snr_db": trained}}
    classify = Classify.model_validate(CLASSIFY | {"links": links})
    assert trained_at(classify, "awgn") == trained_at(classify, "codes") == nearest
