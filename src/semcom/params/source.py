"""Python source read as text: nothing here imports or executes what it reads."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package `semcom`."""


def find(module: str, package: Path = PACKAGE) -> Path | None:
    """The file of `module`, a dotted name that starts with the package's own; None if there is none."""
    first, *rest = module.split(".")
    if first != package.name:
        return None
    base = package.joinpath(*rest)
    for path in (base.with_suffix(".py") if rest else base, base / "__init__.py"):
        if path.is_file():
            return path
    return None


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file, read again only if the file has changed. Do not change the tree."""
    stat = path.stat()
    return _parse(path, stat.st_mtime_ns, stat.st_size)


@cache
def _parse(path: Path, mtime_ns: int, size: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def assigned(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """Name and value of a statement `NAME = value` or `NAME: type = value`, else None."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return node.target.id, node.value
    return None


def family_dict(node: ast.stmt) -> tuple[str, dict[str, str]] | None:
    """Name and content of a component family: a dict of strings `"name": "package.module:Class"`."""
    found = assigned(node)
    if found is None or not isinstance(found[1], ast.Dict) or not found[1].keys:
        return None
    members: dict[str, str] = {}
    for key, value in zip(found[1].keys, found[1].values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(value, ast.Constant)):
            return None
        if not (isinstance(key.value, str) and isinstance(value.value, str) and is_reference(value.value)):
            return None
        members[key.value] = value.value
    return found[0], members


def is_reference(text: str) -> bool:
    """Whether `text` reads `package.module:Class`."""
    module, _, name = text.partition(":")
    return name.isidentifier() and all(part.isidentifier() for part in module.split("."))
