"""A study whose jobs answered every test frame: sweep.csv and predictions.npz that agree."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

SCENES = 40
BUDGETS, SNR_DB, DRAWS = (1, 4), (0, 5, 10), 2


def make_answers(
    results: Path,
    *,
    study="demo",
    score=None,
    links=("awgn_k32",),
    labels=("all",),
    seeds=(0, 1, 2, 3, 4),
    seed_sd=0.05,
    scene_sd=0.1,
) -> Path:
    """Answers of each method in `score` (mean of a Gaussian score; above zero is right) to 200 or so frames.

    The score rises with SNR and budget; methods share what seeds, scenes, frames and noise do to it, but for
    a seed effect and a scene effect of each by itself.
    """
    draws = np.random.default_rng(0)
    sizes = draws.integers(1, 11, SCENES)
    scene = np.repeat(np.arange(SCENES), sizes)
    truth = draws.integers(0, 8, len(scene))
    frame = draws.normal(0, 1, len(scene))
    own_scene = {method: draws.normal(0, scene_sd, SCENES)[scene] for method in score}
    rise = np.array([[0.1 * b + 0.03 * s for s in SNR_DB] for b in BUDGETS])
    for seed in seeds:
        noise = draws.normal(0, 0.5, (len(BUDGETS), len(SNR_DB), DRAWS, len(scene)))
        for method, level in score.items():
            fixed = level + own_scene[method] + frame + draws.normal(0, seed_sd)
            right = rise[..., None, None] + fixed + noise > 0
            for link in links:
                for label in labels:
                    place = {
                        "study": study,
                        "system": "mmssl",
                        "method": method,
                        "link": link,
                        "labels": label,
                    }
                    folder = results / study / "evaluate" / method / link / label / f"seed{seed}"
                    write_job(
                        folder, place | {"seed": seed}, np.where(right, truth, (truth + 1) % 8), truth, scene
                    )
    record = results / study / "report/main/provenance.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"entry": {"links": {link: {"train_snr_db": 9.0} for link in links}}}))
    return results / study


def write_job(folder: Path, place, predicted, truth, scene) -> None:
    folder.mkdir(parents=True)
    rows = [
        place
        | {"budget_epochs": budget, "split": "test", "snr_db": snr, "draw": d, "metric": metric, "value": v}
        for b, budget in enumerate(BUDGETS)
        for s, snr in enumerate(SNR_DB)
        for d in range(DRAWS)
        for metric, v in (("accuracy", (predicted[b, s, d] == truth).mean()), ("delivered_snr_db", snr))
    ]
    pd.DataFrame(rows).to_csv(folder / "sweep.csv", index=False)
    save_answers(
        folder / "predictions.npz", predicted=predicted.astype(np.uint8), truth=truth, group=scene,
        index=np.arange(1, len(truth) + 1), budgets=np.array(BUDGETS), snr_db=np.array(SNR_DB),
    )  # fmt: skip


def save_answers(path: Path, **arrays) -> None:
    np.savez_compressed(path, **arrays)


def change_answers(path: Path, **arrays) -> None:
    """Replace arrays; None takes one away."""
    with np.load(path) as file:
        kept = dict(file)
    new = {name: array for name, array in (kept | arrays).items() if array is not None}
    save_answers(path, **new)
