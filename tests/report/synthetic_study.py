"""A synthetic study: every file that a report reads, made from known numbers."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from semcom.params.reportentry import ReportEntry

FRAMES = 600
LEVEL = {"mmssl": 0.47, "intra_only": 0.455, "supervised": 0.43, "rgb_only": 0.39}


@dataclass(frozen=True)
class Study:
    folder: Path
    frames: Path
    entry: ReportEntry


def make_study(
    root: Path,
    *,
    methods=("mmssl", "intra_only", "supervised"),
    links=("awgn_k32",),
    labels=("all",),
    budgets=(1, 4, 10),
    seeds=(0, 1, 2),
    snr_db=(-5, -3, 0, 5, 10, 15, 20),
    draws=2,
    train_snr_db=10,
    digital=None,
) -> Study:
    """Accuracies rise with SNR and budget, vary by seed (0.02) and draw (0.005).

    `digital` has the analog link, methods and budgets of each digital link by its name.
    """
    digital = digital or {}
    entry = ReportEntry(
        study="demo",
        report="main",
        methods=methods,
        pretrained=(pretrained := tuple(m for m in methods if m in ("mmssl", "intra_only"))),
        bases=(*pretrained, "random") if pretrained else (),
        links={
            name: {"channel": {"use": "awgn"}, "channel_uses": 32, "train_snr_db": train_snr_db}
            for name in links
        },
        tuned_on=dict.fromkeys(links[1:], links[0]),
        digital={
            name: {"link": link, "schemes": ["qpsk_uncoded"], "methods": for_methods}
            for name, (link, for_methods, _) in digital.items()
        },
        labels=dict.fromkeys(labels, 1.0),
        budgets=budgets,
        seeds=seeds,
        data_name="rooms",
        data="0123456789abcdef0123456789abcdef.dir",
        code="c0de",
        params_file="params/demo.yaml",
        params={"study": "demo"},
    )
    folder, draw = root / "results/demo", np.random.default_rng(0)
    for seed in seeds:
        luck = draw.normal(0, 0.015)
        for method in methods:
            shift = luck + draw.normal(0, 0.012)
            for number, (link, label) in enumerate((link, label) for link in links for label in labels):
                job = f"{method}/{link}/{label}/seed{seed}"
                place = {"study": "demo", "system": "mmssl", "method": method, "link": link, "labels": label}
                runs = [place | {"budget_epochs": budget, "seed": seed} for budget in budgets]
                top = LEVEL.get(method, 0.4) + shift - 0.04 * number
                write(folder / "evaluate" / job / "sweep.csv", sweep(runs, top, snr_db, draws, draw))
                write(folder / "finetune" / job / "communication.csv", costs(runs, method))
            for name, (_, for_methods, some) in digital.items():
                for label in labels if method in for_methods else ():
                    job = f"{method}/{name}/{label}/seed{seed}"
                    place = {
                        "study": "demo", "system": "mmssl", "method": method, "link": name, "labels": label,
                    }  # fmt: skip
                    runs = [place | {"budget_epochs": budget, "seed": seed} for budget in some]
                    top = LEVEL.get(method, 0.4) + shift - 0.05
                    rows = bits_sent(sweep(runs, top, snr_db, draws, draw))
                    write(folder / "evaluate" / job / "sweep.csv", rows)
                    write(folder / "evaluate" / job / "communication.csv", once(runs))
        for method in (*entry.pretrained, "random") if entry.pretrained else ():
            place = {"study": "demo", "system": "mmssl", "method": method, "seed": seed}
            write(folder / f"knowledge/{method}/seed{seed}/retrieval.csv", bases(place, draw))
            if method != "random":
                write(folder / f"pretrain/{method}/seed{seed}/history.csv", history(place))
    for link in links:
        write(folder / f"calibration/{link}.csv", checks({"study": "demo", "link": link}))
    for method in methods:
        for label in labels:
            path = folder / "tune" / method / links[0] / label / "choice.json"
            path.parent.mkdir(parents=True)
            chosen = {str(budget): {"use": "adamw", "lr": 1e-3, "weight_decay": 0.05} for budget in budgets}
            path.write_text(
                json.dumps({"optimisers": chosen, "validation_accuracy": dict.fromkeys(chosen, 0.4)})
            )
    return Study(folder, make_frames(root / "rooms_64x48.h5"), entry)


def sweep(runs, top, snr_db, draws, draw) -> list[dict]:
    rows = []
    for run in runs:
        peak = 0.29 + (top - 0.29) * (1 - 0.75 * np.exp(-0.5 * run["budget_epochs"] ** 0.7))
        for snr in snr_db:
            accuracy = 0.25 + (peak - 0.25) / (1 + np.exp(-(snr - 1) / 2.5))
            for d in range(draws):
                values = {
                    "accuracy": accuracy + draw.normal(0, 0.005),
                    "balanced_accuracy": accuracy - 0.05,
                    "nll": 2 - accuracy,
                    "ece": 0.1,
                    "delivered_snr_db": snr + 0.01 * (d - (draws - 1) / 2),
                    "delivered_snr_db_worst": snr + 0.002,
                }
                where = run | {"split": "test", "snr_db": snr, "draw": d}
                rows += [where | {"metric": metric, "value": value} for metric, value in values.items()]
    return rows


def bits_sent(rows) -> list[dict]:
    """A digital link's sweep: no delivered SNR; blocks lost, bits, and a retrieval accuracy."""
    kept = [row for row in rows if not row["metric"].startswith("delivered")]
    for row in rows:
        if row["metric"] == "accuracy":
            values = {
                "retrieval_accuracy": row["value"] - 0.08,
                "lost_blocks": 1 / (1 + np.exp(row["snr_db"])),
                "payload_bits": 64,
            }
            kept += [row | {"metric": metric, "value": value} for metric, value in values.items()]
    return kept


def once(runs) -> list[dict]:
    """600 blocks of 32 channel uses, of 64 bits, whatever the budget."""
    none = dict.fromkeys(("rounds", "downlink_uses", "downlink_bits", "pretrain_uses"), 0)
    return [run | none | {"uplink_uses": 19200, "uplink_bits": 38400} for run in runs]


def checks(place) -> list[dict]:
    found = [(snr, "snr_db_amplitude_1", snr + 0.01, snr, 0.05, 20000) for snr in (0, 10, 20)]
    found += [(snr, "noise_circularity", 0.003, 0.0, 0.01, 20000) for snr in (0, 10, 20)]
    names = ("snr_db", "check", "value", "expected", "tolerance", "draws")
    return [place | dict(zip(names, row, strict=True)) | {"z": 0.5, "note": ""} for row in found]


def costs(runs, method) -> list[dict]:
    devices = 1 if method == "rgb_only" else 2
    rows = []
    for run in runs:
        rounds = 19 * run["budget_epochs"]
        uses = rounds * 32 * devices * 32
        bits = {"uplink_bits": 64 * uses, "downlink_bits": 64 * uses, "pretrain_uses": 0}
        rows.append(run | {"rounds": rounds, "uplink_uses": uses, "downlink_uses": uses} | bits)
    return rows


def bases(place, draw) -> list[dict]:
    level = {"rgb": 0.3, "depth": 0.33, "both": 0.38}
    drop = 0.1 if place["method"] == "random" else 0.0
    size = {"neighbours": 5, "frames": 156, "bytes": 654336, "vectors": 639, "dim": 256}
    return [place | {"modality": m, "accuracy": level[m] - drop + draw.normal(0, 0.02)} | size for m in level]


def history(place) -> list[dict]:
    return [
        place | {"epoch": epoch, "metric": metric, "value": value / epoch}
        for epoch in (1, 2, 3)
        for metric, value in (("loss", 3.0), ("correlation_shared", 2.1))
    ]


def write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)


def make_frames(path: Path) -> Path:
    """A prepared file whose test frames are 30 % of class 0."""
    import h5py

    train = np.arange(FRAMES) % 2
    scene = np.where(np.arange(FRAMES) % 20 < 6, 0, 1 + np.arange(FRAMES) % 7)
    with h5py.File(path, "w") as file:
        file.attrs.update({"format": "semcom prepared RGB-D frames", "format_version": 1})
        file.attrs["class_names"] = [f"class {i}" for i in range(8)]
        file["rgb"] = np.zeros((FRAMES, 2, 2, 3), np.uint8)
        file["depth_mm"] = np.zeros((FRAMES, 2, 2), np.uint16)
        file["scene"], file["split"] = scene, train.astype(np.uint8)
        file["group"], file["index"] = scene, np.arange(1, FRAMES + 1)
        file["group_names"] = [f"room {i}".encode() for i in range(8)]
    return path
