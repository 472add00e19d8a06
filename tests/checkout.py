"""A checkout of its own for a test: the workflow, the package, a tiny data set and a study on it."""

import csv
import io
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

import semcom
from semcom.prepare.description import Description, write

ROOT = Path(__file__).parents[1]
CADENCE = "CHECKPOINT_S = 30.0"
"""Set to 0 here, so that a job leaves a checkpoint after every epoch."""
CLASSES = ("bathroom", "bedroom", "kitchen")
PARAMS = """
study: tiny
report: main
data: tiny
size: [32, 24]
seeds: [0, 1]
tracking: {enabled: false}
methods:
  mmssl:
    encoder: {backbone: {use: resnet18, width_mult: 0.125}}
    pretrain:
      loss: {use: mmssl}
      projector: [16, 16]
      epochs: 2
      batch_size: 16
      optimiser: {use: adamw, lr: 2e-3}
      views: {use: rgbd}
    finetune: {head: {use: mlp, hidden: 16}, batch_size: 16, views: {use: rgbd, strength: 0.5}}
  supervised:
    encoder: {backbone: {use: resnet18, width_mult: 0.125}}
    finetune: {head: {use: mlp, hidden: 16}, batch_size: 16, views: {use: rgbd, strength: 0.5}}
links:
  awgn_k8: {channel: {use: awgn}, channel_uses: 8}
labels: {all: 1.0}
budgets: [1, 2]
tune: {optimisers: [{use: adamw, lr: 1e-3}, {use: sgd, lr: 0.03}], draws: 2}
evaluate: {snr_db: [0, 10], draws: 2}
"""


@dataclass(frozen=True)
class Site:
    """A checkout; its own copy of the package is the one that runs."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root / "src"), "OMP_NUM_THREADS": "1"}

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str, code: int = 0) -> str:
        """Output of `python -m command`, which must end with exit code `code`."""
        process = self.start(*command)
        output, _ = process.communicate()
        assert process.returncode == code, output
        return output

    def heavy(self, code: str) -> list[str]:
        """Of packages that take long to import those that `code`, about the params' jobs `made`, does."""
        before = (
            "import sys, yaml; from pathlib import Path; from semcom.params.systems import systems\n"
            "params = yaml.safe_load(Path('params/quickstart.yaml').read_text())\n"
            "made = systems(params, files=[], root=Path('.')).crlsc\n"
        )
        after = "\nprint(*({'torch', 'torchvision', 'faiss', 'mlflow', 'pandas', 'h5py'} & set(sys.modules)))"
        (self.root / "imports.py").write_text(f"{before}{code}{after}")
        return self.run("imports").split()

    def snakemake(self, *options: str, code: int = 0) -> str:
        return self.run("snakemake", *options, code=code)

    def planned(self, *options: str) -> set[str]:
        """What `snakemake -n` would run, as `rule method link labels seed`; `all` is left out."""
        text = self.snakemake("-n", *options)
        jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", text, re.MULTILINE)
        assert jobs or "Nothing to be done" in text, text
        return {job(rule, block) for rule, block in jobs if rule != "all"}

    @contextmanager
    def edited(self, file: str, old: str, new: str) -> Iterator[None]:
        """Replace `old` once by `new` in a file (made if it is not there), and put it back."""
        path = self.root / file
        text = path.read_text() if path.exists() else None
        assert old in (text or "")
        path.write_text((text or "").replace(old, new, 1))
        try:
            yield
        finally:
            path.unlink() if text is None else path.write_text(text)

    def with_params(self, change: Callable[[dict[str, Any]], None]) -> AbstractContextManager[None]:
        """The tiny study with its params changed."""
        config = yaml.safe_load(PARAMS)
        change(config)
        old = (self.root / "params/quickstart.yaml").read_text()
        return self.edited("params/quickstart.yaml", old, yaml.safe_dump(config, sort_keys=False))

    def new_data(self, noise: int) -> None:
        """Register another version of the data set."""
        shutil.rmtree(self.root / "data/tiny", ignore_errors=True)
        write_pack(self.root / "data/tiny", noise=noise)
        self.run("dvc", "add", "--quiet", "data/tiny")


def job(rule: str, block: str) -> str:
    """A job of a dry run as `rule method link labels seed`."""
    wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
    pairs = [pair.split("=", 1) for pair in wildcards[1].split(", ")] if wildcards else []
    return " ".join(
        [rule, *(value for name, value in pairs if name not in ("study", "report", "dataset", "size"))]
    )


def write_pack(folder: Path, *, noise: int = 0) -> None:
    """3 classes × 7 groups × 4 frames of 64×48 in the small pack's layout, 5 groups a class for training."""
    folder.mkdir(parents=True)
    description = {"title": "tiny", "licence": "", "citation": "", "depth": "metres", "classes": CLASSES}
    description["objects"] = "objects40.csv"
    write(folder, Description(format="nyuv2_pack", **description))
    rows = []
    with zipfile.ZipFile(folder / "rgb.zip", "w") as rgb, zipfile.ZipFile(folder / "depth.zip", "w") as depth:
        for group in range(21):
            for _ in range(4):
                index, label = len(rows) + 1, group % 3
                draws = np.random.default_rng((noise, index))
                colour = draws.integers(0, 160, (48, 64, 3), dtype=np.uint8)
                colour[..., label] += 60
                far = np.repeat(
                    draws.integers(20, 90, (48, 64, 1), dtype=np.uint8) + 40 * (label > 0), 3, axis=2
                )
                for archive, image in ((rgb, colour), (depth, far)):
                    archive.writestr(zipfile.ZipInfo(f"{index:04d}.webp"), webp(image))
                split = "train" if group < 15 else "test"
                rows.append((index, split, CLASSES[label], CLASSES[label]))
    with open(folder / "meta.csv", "w", newline="") as file:
        csv.writer(file).writerows([("index", "split", "scene27", "scene10"), *rows])
    with open(folder / "objects40.csv", "w", newline="") as file:
        shown = [
            (index, 9000 * (scene == CLASSES[0]), 9000 * (scene == CLASSES[2])) for index, _, scene, _ in rows
        ]
        csv.writer(file).writerows([("index", "bathtub", "stove"), *shown])


def webp(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def copy_workflow(root: Path) -> None:
    """Copy workflow and package; params and data are still to come."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(semcom.__file__).parent, root / "src/semcom", ignore=ignore)
    for folder in ("workflow", "profiles"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "Snakefile", root)
    (root / "params").mkdir()


def checkout(root: Path) -> Site:
    """A copy of workflow and package, the tiny study as its quickstart, the tiny data set added to DVC."""
    copy_workflow(root)
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = true\n")
    (root / "params/quickstart.yaml").write_text(PARAMS)
    site = Site(root)
    site.new_data(0)
    loop = root / "src/semcom/training/loop.py"
    assert CADENCE in loop.read_text()
    loop.write_text(loop.read_text().replace(CADENCE, "CHECKPOINT_S = 0.0"))
    return site
