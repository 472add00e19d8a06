"""What the repository carries as its bundled remote: the sets of data.dvc, whole, and nothing else."""

import hashlib
import json
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
LIMIT = 24_000_000


def test_bundled_holds_exactly_the_registered_sets() -> None:
    """No user's data: `dvc push -r bundled` would put every set there, `dvc push data.dvc` does not."""
    wanted = set()
    for out in yaml.safe_load((ROOT / "data.dvc").read_text())["outs"]:
        assert out["remote"] == "bundled"
        entries = json.loads(place(out["md5"]).read_text())
        wanted |= {out["md5"], *(entry["md5"] for entry in entries)}
        assert "dataset.json" in {entry["relpath"] for entry in entries}
    objects = [path for path in (ROOT / "bundled").rglob("*") if path.is_file()]
    assert {path.parent.name + path.name for path in objects} == wanted
    assert sum(path.stat().st_size for path in objects) <= LIMIT
    for path in objects:
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert path.parent.name + path.name.removesuffix(".dir") == md5


def place(md5: str) -> Path:
    return ROOT / "bundled" / "files" / "md5" / md5[:2] / md5[2:]


def test_git_ignores_the_sets_and_no_dvc_file() -> None:
    """DVC looks at .gitignore too: an ignored data/NAME.dvc would be overlooked and its folder deleted."""

    def ignored(*paths: str) -> list[str]:
        done = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True)
        return done.stdout.split()

    sets = ["data/rooms", "data/rooms_painted", "data/digits", "data/nyuv2"]
    assert ignored(*sets, "data/mine.dvc", "data.dvc", "bundled/files/x") == sets
