"""Claims on the second system, judged on a study whose every accuracy is known."""

import io
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic_crlsc import BYTES, DIM, IMAGES, WIDTH, entry, write

from semcom.files.errors import SemcomError
from semcom.metrics import outcomes
from semcom.metrics.comparisons import holm
from semcom.metrics.drawn_images import over_seeds_and_images
from semcom.metrics.intervals import t_interval
from semcom.metrics.outcomes import Outcomes
from semcom.params.crlsc import claims as files
from semcom.params.crlsc.claims import Claim
from semcom.params.crlsc.entries import CrlscReportEntry
from semcom.report import crlsc, crlsc_claims, crlsc_classify, crlsc_computing, crlsc_images, crlsc_needs
from semcom.report.claims import overall
from semcom.report.crlsc_left_out import BLOCKS, left_out, over_seeds_and_blocks
from semcom.report.crlsc_outcomes import Kept
from semcom.report.crlsc_results import read

ABOVE = {
    "says": "better", "measure": "accuracy", "of": "guided", "against": "simclr", "direction": "above",
    "margin": 0.03,
}  # fmt: skip
NO_LESS = {**ABOVE, "direction": "no_less"}
HALF = {**ABOVE, "measure": "labels", "against": "labelled", "direction": "below", "margin": 0.9}
CODES = {**NO_LESS, "measure": "retrieval", "of": "pq", "against": "raw"}
ACROSS = {**NO_LESS, "measure": "consensus", "against": "own"}
BYTES_OF = {**HALF, "measure": "bytes", "of": "pq", "against": "raw"}


def claimed(claims: dict[str, dict[str, object]], **given: object) -> CrlscReportEntry:
    return entry(claims={name: Claim.model_validate(claim) for name, claim in claims.items()}, **given)


def judge(
    folder: Path,
    claims: dict[str, dict[str, object]],
    images: pd.DataFrame | None = None,
    classified: pd.DataFrame | None = None,
    **given: object,
) -> pd.DataFrame:
    """The table of claims on what is in `folder`, on `images` and on what is `classified`."""
    said = claimed(claims, **given)
    found = read(folder, said)
    labels, spent = crlsc_needs.labels(found, said), crlsc_computing.computing(found, said)
    images = crlsc_images.by_seed(folder, said) if images is None else images
    over_links = crlsc_classify.drawn(folder, said) if classified is None else classified
    return crlsc_claims.claims(
        folder, said, found, labels=labels, computing=spent, images=images, classified=over_links
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    write(folder, entry())
    return folder


PSNR = {
    **ABOVE, "measure": "psnr", "of": "jscc", "against": "vq", "link": "r12", "snr_db": [0, 10],
    "margin": 1.0,
}  # fmt: skip


def sent(apart: dict[int, tuple[float, ...]]) -> pd.DataFrame:
    """Of two methods over one link, by Es/N0 and seed `apart` dB from each other."""
    rows = [
        ("r12", method, snr_db, seed, "psnr_db", 20.0 + seed + (method == "jscc") * less)
        for snr_db, by in apart.items()
        for seed, less in enumerate(by)
        for method in ("jscc", "vq")
    ]
    return pd.DataFrame(rows, columns=["link", "method", "snr_db", "seed", "metric", "value"])


@pytest.mark.parametrize(
    ("at_10_db", "said"),
    [((2.0, 2.2, 2.1), "supported"), ((0.1, 0.2, 0.15), "contradicted"), ((0.0, 3.0, 1.5), "undecided")],
)
def test_psnr_is_judged_at_each_es_n0_over_seeds(folder, at_10_db, said):
    images = sent({0: (3.0, 3.1, 2.9), 10: at_10_db})
    made = judge(folder, {"a": PSNR}, images=images)
    assert overall(made) == said
    assert made["target"].tolist() == ["r12 at 0 dB", "r12 at 10 dB"]
    mean, half = t_interval(at_10_db)
    assert made["effect"].tolist() == pytest.approx([3.0, mean])
    assert made["high"].iloc[1] - made["effect"].iloc[1] == pytest.approx(half)


OVER_LINK = {**ABOVE, "measure": "link_accuracy", "link": "k64", "snr_db": [10], "label_fraction": 0.05}


def received(apart: dict[str, tuple[float, ...]]) -> pd.DataFrame:
    """Of two methods on two targets over one link, by encoder and seed `apart` from each other."""
    rows = [
        (target, "0.05", method, "k64", owner, 10, "accuracy", "own", seed, 0.5 + (method == "guided") * less)
        for target in ("near", "far")
        for owner, by in apart.items()
        for seed, less in enumerate(by)
        for method in ("guided", "simclr")
    ]
    columns = [
        "target",
        "labels",
        "method",
        "link",
        "owner",
        "snr_db",
        "metric",
        "receivers",
        "seed",
        "value",
    ]
    return pd.DataFrame(rows, columns=columns)


def test_accuracy_over_links_is_judged_at_each_target_and_es_n0(folder):
    rows = received({"one": (0.1, 0.12, 0.11), "two": (0.05, 0.04, 0.06)})
    made = judge(folder, {"a": OVER_LINK}, classified=rows)
    assert made["target"].tolist() == ["near, k64 at 10 dB", "far, k64 at 10 dB"]
    mean, half = t_interval((0.075, 0.08, 0.085))
    assert made["effect"].tolist() == pytest.approx([mean] * 2)
    assert (made["high"] - made["effect"]).tolist() == pytest.approx([half] * 2)
    assert overall(made) == "supported"
    made = judge(folder, {"a": OVER_LINK | {"encoder": "each", "targets": ["far"]}}, classified=rows)
    assert made["effect"].tolist() == pytest.approx([0.11, 0.05])
    assert made["encoder"].tolist() == ["one", "two"]


def test_accuracy_over_links_of_what_is_not_there_is_not_run(folder):
    rows = received({"one": (0.1, 0.12, 0.11)})
    for given, note in (
        ({"link": "k8"}, "methods over k8"),
        ({"against": "cosine"}, "cosine"),
        ({"label_fraction": 1.0}, "shares of labels over links"),
        ({"targets": ["there"]}, "targets over links"),
        ({"encoder": "vit"}, "encoders of both over links"),
        ({"snr_db": [5]}, "no vectors were sent at 5 dB"),
    ):
        (row,) = judge(folder, {"a": OVER_LINK | given}, classified=rows).to_dict("records")
        assert row["verdict"] == "not run"
        assert note in row["note"]
    (row,) = judge(folder, {"a": OVER_LINK}).to_dict("records")
    assert "the study has no shares of labels over links" in row["note"]


def test_accuracy_of_images_is_judged_in_points(folder):
    images = sent({10: (0.04, 0.05, 0.045)}).assign(metric="accuracy")
    claim = PSNR | {"measure": "image_accuracy", "snr_db": [10], "margin": 0.01}
    (row,) = judge(folder, {"a": claim}, images=images).to_dict("records")
    assert (row["verdict"], row["effect"]) == ("supported", pytest.approx(0.045))
    (lacking,) = judge(folder, {"a": PSNR}, images=images).to_dict("records")
    assert lacking["verdict"] == "not run"


def test_psnr_of_a_link_a_method_or_an_es_n0_that_is_not_there_is_not_run(folder):
    images = sent({0: (3.0, 3.1, 2.9)})
    for given, note in (
        ({"link": "r6"}, "r6"),
        ({"against": "webp"}, "webp"),
        ({"snr_db": [5]}, "no images were sent at 5 dB"),
    ):
        (row,) = judge(folder, {"a": PSNR | given}, images=images).to_dict("records")
        assert row["verdict"] == "not run"
        assert note in row["note"]


def verdicts(folder: Path, **claims: dict[str, object]) -> dict[str, str]:
    made = judge(folder, claims)
    return {str(name): overall(rows) for name, rows in made.groupby("claim", sort=False)}


def test_a_large_effect_is_supported_and_a_margin_beyond_it_contradicted(folder):
    """Guided is 11 points above SimCLR, with standard errors of 1 to 2 points."""
    assert verdicts(
        folder,
        large=ABOVE,
        beyond={**ABOVE, "margin": 0.3},
        turned={**ABOVE, "of": "simclr", "against": "guided"},
        below={**ABOVE, "of": "simclr", "against": "guided", "direction": "below"},
        near_the_margin={**ABOVE, "margin": 0.115},
        none={**ABOVE, "against": "raw"},
    ) == {
        "large": "supported",
        "beyond": "contradicted",
        "turned": "contradicted",
        "below": "supported",
        "near_the_margin": "undecided",
        "none": "contradicted",  # one point below, at most
    }


def test_not_worse_needs_the_whole_interval_within_the_margin(folder):
    """Guided is one point below `raw`, cross-encoder heads five points below own ones."""
    assert verdicts(
        folder,
        within={**NO_LESS, "against": "raw", "margin": 0.1},
        open={**NO_LESS, "against": "raw", "margin": 0.01},
        better={**NO_LESS, "margin": 0.0},
        worse={**NO_LESS, "of": "random", "against": "guided", "margin": 0.1},
        across={**ACROSS, "margin": 0.1},
        across_less={**ACROSS, "margin": 0.01},
        codes={**CODES, "margin": 0.1},
        few_codes={**CODES, "of": "tiny", "against": "pq", "margin": 0.05},
        no_spread={**NO_LESS, "of": "random", "margin": 0.1},
    ) == {
        "within": "supported",
        "open": "undecided",
        "better": "supported",
        "worse": "contradicted",
        "across": "supported",
        "across_less": "contradicted",
        "codes": "supported",
        "few_codes": "contradicted",
        "no_spread": "undecided",  # the same numbers at every seed have no interval
    }


def test_effects_intervals_and_p_values_are_those_of_seeds_and_images(folder):
    """Against the outcomes themselves: two targets, the mean of both encoders, Holm over the targets."""
    made = judge(folder, {"better": ABOVE}).set_index("target")
    p = {}
    for target in ("near", "far"):
        gaps, groups = [], []
        for seed in (0, 1, 2):
            right = {}
            for method in ("guided", "simclr"):
                kept = [
                    outcomes.read(folder / f"crlsc/probe/{method}/{encoder}/seed{seed}.npz")[target]
                    for encoder in ("large", "small")
                ]
                right[method] = np.mean([of.right["features/linear/1"] for of in kept], axis=0)
            gaps.append(right["guided"] - right["simclr"])
            groups.append(kept[0].group)
        estimate = over_seeds_and_images(gaps, groups)
        p[target] = float(estimate.p_value())
        row = made.loc[target]
        assert row["effect"] == pytest.approx(0.11)
        assert (row["low"], row["high"]) == pytest.approx(
            (0.11 - estimate.half_width(), 0.11 + estimate.half_width())
        )
        seeds_alone = t_interval([0.10, 0.11, 0.12]).half_width
        assert row["high"] - row["effect"] >= seeds_alone * (1 - 1e-9)
    assert list(made.loc[["near", "far"], "p"]) == pytest.approx(holm(np.array([p["near"], p["far"]])))


def test_images_that_all_seeds_are_lucky_with_widen_the_interval(tmp_path):
    """Both methods are right about the same images at every seed, so that seeds hardly spread; images do."""
    said = entry()
    write(tmp_path, said)
    right = {"guided": np.arange(IMAGES) % 20 < 13, "simclr": np.arange(IMAGES) % 20 > 8}
    for method, outcome in right.items():
        for path in tmp_path.glob(f"crlsc/probe/{method}/*/seed*.npz"):
            kept = outcomes.read(path)
            seed = int(path.stem[-1])
            some = outcome.copy()
            some[:seed] = method == "guided"  # hardly anything
            near = Outcomes(kept["near"].index, kept["near"].group, {"features/linear/1": some})
            outcomes.write(path, {"near": near})
    claim = {**ABOVE, "targets": ["near"], "margin": 0.0}
    (row,) = judge(tmp_path, {"better": claim}).itertuples()
    assert row.effect == pytest.approx(0.1 + 0.0, abs=0.002)
    gap = right["guided"].astype(float) - right["simclr"]
    of_images = gap.std(ddof=1) / math.sqrt(IMAGES)
    assert (row.high - row.low) / 2 == pytest.approx(1.96 * of_images, rel=0.02)


def test_each_encoder_is_a_place_of_its_own(folder):
    made = judge(folder, {"each": {**ABOVE, "encoder": "each"}, "one": {**ABOVE, "encoder": "small"}})
    each = made[made["claim"] == "each"]
    assert set(zip(each["target"], each["encoder"], strict=True)) == {
        (target, encoder) for target in ("near", "far") for encoder in ("large", "small")
    }
    assert set(made.loc[made["claim"] == "one", "encoder"]) == {"small"}
    # The same numbers, of which four are adjusted more than two.
    both = each[each["encoder"] == "small"].merge(made[made["claim"] == "one"], on="target")
    assert (both["effect_x"] == both["effect_y"]).all()
    assert (both["p_x"] >= both["p_y"]).all()


def test_label_need_is_a_ratio_over_seeds(folder):
    """A* is what 1000 labels give `labelled`, less a point, which it has with some 870; guided has before."""
    labels = crlsc_needs.labels(read(folder, entry()), entry())
    made = judge(folder, {"half": {**HALF, "targets": ["near"], "encoder": "small"}})

    def of(table: pd.DataFrame) -> np.ndarray:
        here = table[(table["target"] == "near") & (table["encoder"] == "small")].set_index("seed")
        own, other = (here.loc[here["method"] == method, "labels"] for method in ("guided", "labelled"))
        return np.log(own / other).to_numpy()

    ratio = t_interval(of(labels))
    (row,) = made.itertuples()
    assert row.effect == pytest.approx(math.exp(ratio.mean))
    # Over images, too: by leaving out each twentieth of them.
    said = entry()
    without = left_out(read(folder, said), said, Kept(folder / "crlsc", said.seeds), crlsc_needs.labels)
    assert len(without) == BLOCKS
    estimate = over_seeds_and_blocks(of(labels), np.array([of(table) for table in without]))
    half = max(ratio.half_width, float(estimate.half_width()))
    assert float(row.high) == pytest.approx(math.exp(ratio.mean + half))
    assert row.verdict == "supported"
    assert verdicts(folder, less={**HALF, "margin": 0.1, "targets": ["near"]}) == {"less": "contradicted"}


def test_bounds_of_label_need_have_no_interval_of_few_seeds(folder):
    """With 1000 labels `random` is far from A*, and `guided` has it with 500: at most half."""
    made = judge(
        folder,
        {
            "upper": {**HALF, "against": "random", "targets": ["near"]},
            "lower": {**HALF, "of": "random", "against": "guided", "targets": ["near"]},
        },
    ).set_index("claim")
    assert set(made["verdict"]) == {"undecided"}
    assert "median is at most this" in made.loc["upper", "note"]
    assert "median is at least this" in made.loc["lower", "note"]


def test_computing_of_one_training_is_a_bound(folder):
    """All trainings took the same: `guided` has A* by then, `simclr` never."""
    less = {**HALF, "measure": "computing", "against": "simclr", "targets": ["near"]}
    (row,) = judge(folder, {"less": less}).itertuples()
    assert row.effect == 1.0
    assert row.verdict == "undecided"
    assert "median is at most this" in row.note
    assert "no multiply-adds to A* of random" in judge(folder, {"no": {**less, "of": "random"}})["note"][0]


def test_consensus_is_against_own_heads_and_against_maps(folder):
    """Across 0.55 in the space, own 0.6; maps of features 0.41 with 100 images and 0.51 with 1000."""
    made = judge(
        folder,
        {
            "own": {**ACROSS, "margin": 0.1},
            "map": {**ACROSS, "against": "simclr/1000", "direction": "above", "margin": 0.02},
            "poor_map": {**ACROSS, "against": "guided/100", "direction": "above", "encoder": "each"},
            "guest": {**ACROSS, "encoder": "small", "margin": 0.1},
            "means": {**ACROSS, "head": "class_mean", "margin": 0.1},
        },
    )
    effect = made.groupby("claim", sort=False)["effect"].mean()
    assert effect.to_dict() == pytest.approx(
        {"own": -0.05, "map": 0.04, "poor_map": 0.14, "guest": -0.05, "means": -0.02}
    )
    assert made.groupby("claim")["head"].first()["means"] == "class_mean"
    assert set(made["target"]) == {"near"}
    places = made.loc[made["claim"] == "poor_map", "encoder"]
    assert set(places) == {"large on small", "small on large"}


def test_bytes_are_a_plain_ratio(folder):
    made = judge(
        folder,
        {
            "raw": BYTES_OF,
            "small": {**BYTES_OF, "margin": 0.1},
            "ridge": {**BYTES_OF, "against": "ridge/1000"},
            "base": {**BYTES_OF, "of": "tiny", "against": "pq"},
        },
    ).set_index("claim")
    raw = 1000 * DIM * 2
    wanted = {
        "raw": BYTES["pq"] / raw, "small": BYTES["pq"] / raw, "ridge": BYTES["pq"] / (2 * 1000 * WIDTH * 2),
        "base": BYTES["tiny"] / BYTES["pq"],
    }  # fmt: skip
    assert made["effect"].to_dict() == pytest.approx(wanted)
    assert made["verdict"].to_dict() == {
        "raw": "supported", "small": "contradicted", "ridge": "supported", "base": "supported",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "lacking"),
    [
        ({**ABOVE, "of": "guidde"}, "'guidde' is none of methods; did you mean 'guided'?"),
        ({**ABOVE, "against": "clip"}, "'clip' is none of methods"),
        ({**ABOVE, "targets": ["near", "fare"]}, "'fare' is none of targets; did you mean 'far'?"),
        ({**ABOVE, "encoder": "smal"}, "'smal' is none of encoders of both; did you mean 'small'?"),
        ({**ABOVE, "label_fraction": 0.2}, "no share 0.2 of the labels"),
        ({**CODES, "of": "pq4"}, "'pq4' is none of bases; did you mean 'pq'?"),
        ({**ACROSS, "of": "raw"}, "'raw' is none of methods whose encoders are compared"),
        ({**ACROSS, "of": "simclr"}, "no linear heads across encoders of simclr without a map, in one space"),
        ({**ACROSS, "against": "simclr/500"}, "simclr through a map on 500 shared images"),
        ({**ACROSS, "encoder": "smal"}, "'smal' is none of encoders of both"),
        ({**HALF, "of": "mentor"}, "'mentor' is none of methods"),
        ({**BYTES_OF, "of": "flat"}, "'flat' is none of bases"),
    ],
)
def test_what_the_study_did_not_run_cannot_pass(folder, claim, lacking):
    made = judge(folder, {"claim": claim, "beside": ABOVE}).set_index("claim")
    assert made.loc["claim", "verdict"] == "not run"
    assert lacking in made.loc["claim", "note"]
    assert math.isnan(made.loc["claim", "effect"])
    assert set(made.loc[["beside"], "verdict"]) == {"supported"}


def test_one_seed_decides_nothing_but_bytes(tmp_path):
    write(tmp_path, entry(seeds=(0,)))
    made = judge(tmp_path, {"better": ABOVE, "half": HALF, "small": BYTES_OF}, seeds=(0,))
    assert list(made["verdict"]) == ["not run", "not run", "supported"]


def test_other_test_images_cannot_be_paired(tmp_path):
    write(tmp_path, entry())
    path = tmp_path / "crlsc/probe/simclr/small/seed1.npz"
    kept = outcomes.read(path)
    near = kept["near"]
    outcomes.write(path, {**kept, "near": Outcomes(near.index + 1, near.group, near.right)})
    with pytest.raises(SemcomError, match="are not of the same test images; run snakemake"):
        judge(tmp_path, {"better": ABOVE})
    outcomes.write(
        path, {**kept, "near": Outcomes(near.index, near.group, {"x": near.right["features/linear/1"]})}
    )
    with pytest.raises(SemcomError, match=r"simclr/small/seed1\.npz has nothing of near features/linear/1"):
        judge(tmp_path, {"better": ABOVE})


def test_the_page_has_a_verdict_for_each_claim(folder, tmp_path):
    wanted = {"better": ABOVE, "half": HALF, "gone": {**ABOVE, "of": "other"}, "small": BYTES_OF}
    wanted["bound"] = {**HALF, "against": "random", "targets": ["near"]}
    crlsc.run(folder, claimed(wanted), tmp_path)
    page = (tmp_path / "crlsc.md").read_text()
    text = (tmp_path / "crlsc_claims.csv").read_text()
    table = pd.read_csv(io.StringIO(text), comment="#", keep_default_na=False)
    assert list(table.drop_duplicates("claim")["claim"]) == list(wanted)
    (better,) = [line for line in page.splitlines() if "(`better`)" in line]
    assert (
        "| better (`better`) | guided against simclr, accuracy | above by 3 points | **supported** |"
        in better
    )
    assert "near: +11.0 points (" in better
    (gone,) = [line for line in page.splitlines() if "(`gone`)" in line]
    assert "**not run**" in gone
    assert "'other' is none of methods" in gone
    (small,) = [line for line in page.splitlines() if "(`small`)" in line]
    assert "ratio 0.312 (0.312 to 0.312; range over seeds)" in small
    (bound,) = [line for line in page.splitlines() if "(`bound`)" in line]
    assert re.search(r"near: ratio 0\.\d+ \(p \S+; the median is at most this: seeds with bounds, \d", bound)
    assert "nan" not in page


def test_a_file_of_claims_is_checked(tmp_path):
    path = tmp_path / "mine.yaml"

    def faults(**changed: object) -> str:
        lines = [f"    {key}: {value}" for key, value in ({**ABOVE} | changed).items() if value is not None]
        path.write_text("\n".join(["claims:", "  a:", *lines]) + "\n")
        with pytest.raises(SemcomError) as said:
            files.load(path)
        return str(said.value)

    assert "claims.a.measure: 'acuracy' is not one of accuracy, labels" in faults(measure="acuracy")
    assert "did you mean 'accuracy'?" in faults(measure="acuracy")
    assert "claims.a.target: no such key" in faults(target="near")
    assert "did you mean 'targets'?" in faults(target="near")
    assert "claims.a.margin: missing" in faults(margin=None)
    assert "margin 3 is no difference in 0..1" in faults(margin=3)
    assert "labels are claimed below a ratio" in faults(measure="labels")
    assert "bytes has no targets to choose" in faults(**BYTES_OF, targets=["near"])
    path.write_bytes(b"claims:\n  a: {says: \xff}\n")
    with pytest.raises(SemcomError, match=r"mine\.yaml is no YAML: 'utf-8' codec"):
        files.load(path)
    both = "link: NAME and snr_db: [10] go with psnr, image_accuracy and link_accuracy, and these with both"
    assert all(both in said for said in (faults(measure="psnr"), faults(link="r12")))
    sent = {"measure": "psnr", "link": "r12", "snr_db": "[10]"}
    assert "above a rival's, or no_less, by a margin of 0 dB or more" in faults(**sent, margin=-1)
    assert "above a rival's, or no_less" in faults(**sent, direction="below")
    assert "retrieval is not of local encoders" in faults(measure="retrieval", encoder="each")
    assert "label_fraction goes with accuracy and link_accuracy, not with retrieval" in faults(
        measure="retrieval", label_fraction=0.1
    )
    assert "head goes with consensus, not with accuracy" in faults(head="knn", measure="accuracy")
    assert "'guided/100': only a consensus goes through maps" in faults(of="guided/100")
    assert "behind the / stands a number of shared images" in faults(of="guided/many", measure="consensus")
