"""params/crlsc_paper.yaml: planned, and some steps of it on made-up files in the layouts of its data sets."""

import importlib.util
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from checkout import ROOT, Site, copy_workflow
from semcom.evaluate import probe
from semcom.knowledge import embed, shared
from semcom.params.crlsc.entries import LocalEntry, ProbeEntry
from semcom.params.crlsc.jobs import CrlscJobs
from semcom.params.crlsc.schema import load
from semcom.params.entries import PrepareEntry
from semcom.params.shared import EmbedEntry, SharedEntry
from semcom.prepare import run as prepare
from semcom.pretrain import local

PARAMS = ROOT / "params/crlsc_paper.yaml"
CLIP = importlib.util.find_spec("open_clip") is not None
"""If it is installed, the mentor is CLIP's network, with random weights; else another one of 512 numbers."""
ANIMALS = "cane cavallo elefante farfalla gallina gatto mucca pecora ragno scoiattolo".split()
EACH, FACES = 22, 130
MEMBERS = ("animals10", "celeba")


def picture(number: int, size: tuple[int, int]) -> bytes:
    """A JPEG whose colours say its number's last digit."""
    draws = np.random.default_rng(number)
    rgb = draws.integers(0, 200, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    rgb[..., number % 3] += np.uint8(5 * (number % 10))
    buffer = io.BytesIO()
    Image.fromarray(rgb).resize(size).save(buffer, "JPEG")
    return buffer.getvalue()


def animals(folder: Path) -> None:
    """Class folders, as Animals-10 has them; pictures of several sizes, no split."""
    for label, name in enumerate(ANIMALS):
        place = folder / "raw-img" / name
        place.mkdir(parents=True)
        for i in range(EACH):
            size = (300, 200) if i % 2 else (160, 210)
            (place / f"OIP-{i}.jpeg").write_bytes(picture(10 * i + label, size))


def faces(folder: Path) -> None:
    """Aligned faces of 178×218 and the lists of attributes, identities and partition."""
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{n:06d}.jpg" for n in range(1, FACES + 1)]
    for n, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(picture(n, (178, 218)))
    lines = [f"{name} {1 if n % 2 else -1:2d} {1 if n % 3 else -1:2d}" for n, name in enumerate(names)]
    lists = {
        "list_attr_celeba.txt": [str(FACES), "Male Smiling ", *lines],
        "identity_CelebA.txt": [f"{name} {n // 2}" for n, name in enumerate(names)],
        "list_eval_partition.txt": [
            f"{name} {0 if n < 90 else 1 if n < 100 else 2}" for n, name in enumerate(names)
        ],
    }
    for name, rows in lists.items():
        (folder / name).write_text("\n".join(rows))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A checkout to which both sets were added as the params file says."""
    root = tmp_path_factory.mktemp("paper") / "checkout"
    copy_workflow(root)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = true\n")
    shutil.copy(PARAMS, root / "params")
    animals(root / "raw/Animals-10")
    faces(root / "raw/CelebA")
    site = Site(root)
    site.run("semcom", "data", "add", "images", "raw/Animals-10", "--name", "animals10")
    site.run("semcom", "data", "add", "images", "raw/CelebA", "--name", "celeba", "--label", "Smiling")
    return site


def test_it_is_planned_on_sets_that_were_added_as_it_says(site: Site) -> None:
    text = site.snakemake("-n", "--configfile", "params/crlsc_paper.yaml")
    section = yaml.safe_load(PARAMS.read_text())["crlsc"]
    counts = {
        words[0]: int(words[1])
        for line in text.splitlines()
        if len(words := line.split()) == 2 and words[1].isdigit()
    }
    trained = 5 * 3 * len(section["methods"])
    assert counts["crlsc_embed"] == 2 * 2, "each set, in int8 too"
    assert counts["crlsc_local"] == trained
    assert counts["crlsc_probe"] == trained + 5 * (2 + len(section["bases"]))
    assert "mentor open_clip_ViT_B_32-" in text


def small() -> CrlscJobs:
    """The params file with fewer images and steps, and another mentor where there is no CLIP."""
    config = yaml.safe_load(PARAMS.read_text())
    config["compute"] = {"device": "cuda" if torch.cuda.is_available() else "cpu"}
    section = config["crlsc"]
    section["parts"]["public"]["count"] = 88
    section["consensus"]["maps"] = [20]
    section["parts"]["faces"]["count"] = 80
    section["train"] |= {"epochs": 1, "images": 16, "batch_size": 8}
    # Rotations take as many vectors as dimensions, and half a minute.
    section["bases"] = {
        name: {"form": base["form"].split(",")[-1]} for name, base in section["bases"].items()
    }
    section["mentor"] |= {"weights": "random"}
    if not CLIP:
        section["mentor"] = {"use": "torchvision", "name": "resnet18", "weights": "random", "size": [64, 64]}
    return CrlscJobs(load(config), {name: "0" * 32 for name in MEMBERS})


def test_some_steps_at_the_papers_size(site: Site, tmp_path: Path) -> None:
    jobs, files, embedded = small(), {}, {}
    out = {"journal": tmp_path / "j.jsonl", "states": tmp_path / "states"}
    for name in MEMBERS:
        files[name], embedded[name] = tmp_path / f"{name}.h5", tmp_path / f"{name}_embedded.h5"
        prepare(site.root / "data" / name, PrepareEntry.model_validate_json(jobs.prepare(name)), files[name])
        said = EmbedEntry.model_validate_json(jobs.embed(name))
        embed.run(files[name], said, output=embedded[name], **out)

    said = SharedEntry.model_validate_json(jobs.shared("opq64", 0))
    base = tmp_path / "base.skb"
    shared.run(
        embedded["animals10"],
        said,
        base=base,
        table=tmp_path / "size.csv",
        journal=out["journal"],
        frames=files["animals10"],
        pictures=site.root / "data/animals10/images.zip",
    )
    size = pd.read_csv(tmp_path / "size.csv").iloc[0]
    assert (size.vectors, size.dim, size.trained) == (88, 512, "PQ64x1"), "so few images, so few bits"
    sent = [path.stat().st_size for path in (site.root / "raw/Animals-10").rglob("*.jpeg")]
    assert min(sent) < size.image_bytes < max(sent)

    work = {}
    for encoder in ("mobilenet", "resnet", "vit"):
        said = LocalEntry.model_validate_json(jobs.local("guided_simclr", encoder, 0))
        names = {name: tmp_path / f"{encoder}.{name}" for name in ("encoder", "history", "cost")}
        local.run(said, frames=files["animals10"], base=base, embeddings=None, after=None, **names, **out)
        logged = pd.read_csv(names["history"])
        assert np.isfinite(logged["value"]).all()
        assert "loss" in set(logged["metric"])
        work[encoder] = pd.read_csv(names["cost"]).iloc[0]
        assert work[encoder].images_seen == 16
    # ResNet-18 takes 1.8 G multiply-adds of 224×224 (He et al. 2016, table 1), and so much less of 128×128.
    assert work["resnet"].forward_multiply_adds == pytest.approx(1.82e9 * (128 / 224) ** 2, rel=0.03)
    # ViT-B/32 has 87.8 M parameters and takes 4.4 G multiply-adds of 224×224.
    assert all(taken.forward_multiply_adds < 4.4e9 / 2 for taken in work.values())
    assert all(taken.parameters < 87.8e6 for taken in work.values())

    said = ProbeEntry.model_validate_json(jobs.probe("guided_simclr", "mobilenet", 0))
    probe.run(
        said,
        frames=[files[name] for name in dict.fromkeys(part.data for _, part in said.parts)],
        encoder=tmp_path / "mobilenet.encoder",
        embeddings=[],
        base=base,
        table=tmp_path / "probe.csv",
        outcomes=tmp_path / "outcomes.npz",
        journal=out["journal"],
    )
    found = pd.read_csv(tmp_path / "probe.csv")
    linear = found[(found["head"] == "linear") & (found["metric"] == "accuracy")]
    assert set(linear["target"]) == {"animals", "faces"}
    assert linear["value"].between(0, 1).all()
    assert json.loads(out["journal"].read_text().splitlines()[0])["event"] == "start"
