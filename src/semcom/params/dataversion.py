"""The content version of a data set: the md5 that DVC wrote for it. Needs nothing but YAML."""

import difflib
import hashlib
from pathlib import Path
from typing import Any

import yaml

from semcom.files.errors import SemcomError

BUNDLED = "data.dvc"


def versions(root: Path) -> dict[str, str | None]:
    """The md5 of every registered data set by name; None where DVC has not written one yet.

    The bundled sets stand in `data.dvc`, one entry each; a user's set NAME in `data/NAME.dvc`; one that was
    registered by its addresses is a folder `data/NAME` with a .dvc file for each.
    """
    found: dict[str, str | None] = {}
    for path in (root / BUNDLED, *sorted((root / "data").glob("*.dvc"))):
        if path.is_file():
            folder = path.parent.relative_to(root)
            found |= {Path(folder, o["path"]).name: o.get("md5") for o in _outs(path)}
    for described in sorted((root / "data").glob("*/dataset.json")):
        if described.parent.name[0] != "." and any(described.parent.glob("*.dvc")):
            found[described.parent.name] = _imported(described.parent)
    return found


def _imported(folder: Path) -> str | None:
    """The md5 over a folder's files: those that DVC has by their .dvc file, the small rest by its bytes."""
    parts: dict[str, str | None] = {}
    for path in sorted(folder.glob("*.dvc")):
        parts |= {out["path"]: out.get("md5") for out in _outs(path)}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in parts and path.suffix != ".dvc" and path.name[0] != ".":
            parts[path.name] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if None in parts.values():
        return None
    text = "".join(f"{name} {md5}\n" for name, md5 in sorted(parts.items()))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def registered(root: Path) -> list[str]:
    """Names of the registered data sets, sorted."""
    return sorted(versions(root))


def check_root(root: Path) -> None:
    """Check that `root` can be the repository.

    Raises:
        SemcomError: it has neither data.dvc nor a folder data.
    """
    if not (root / BUNDLED).is_file() and not (root / "data").is_dir():
        raise SemcomError(
            f"{root.resolve()} has neither {BUNDLED} nor a folder data, so it is not the repository's root: "
            "start there, or name it (snakemake --directory ROOT, semcom data … --root ROOT)"
        )


def data_version(root: Path, name: str) -> str:
    """The md5 of the data set `name`.

    Raises:
        SemcomError: no such data set is registered below `root`, DVC has not written its md5, or `root` is
            another folder.
    """
    check_root(root)
    known = versions(root)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise SemcomError(
            f"no data set {name!r} is registered in {BUNDLED} or data/*.dvc"
            + (f"; did you mean {near[0]!r}?" if near else ".")
            + f" Registered: {', '.join(sorted(known)) or 'none'}. "
            f"Name one of them, or add yours: semcom data add {name} PATH…"
        )
    md5 = known[name]
    if not md5:
        raise SemcomError(f"the data set {name!r} is registered without its md5: run `dvc commit -f`")
    return md5


def _outs(path: Path) -> list[dict[str, Any]]:
    try:
        outs = yaml.safe_load(path.read_text(encoding="utf-8"))["outs"]
        if all(isinstance(out["path"], str) for out in outs):
            return list(outs)
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError):
        pass
    raise SemcomError(f"{path} is not a DVC file with `outs`: restore it, for example with `git checkout`")
