"""Python source read as text: nothing here imports or executes what it reads."""

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from semcom.files.errors import SemcomError

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package `semcom`."""


def find(module: str, package: Path = PACKAGE) -> Path | None:
    """The source file of `module`, a dotted name; None if it has none.

    Modules of semcom are those in `package`; others are found as `place` says.
    """
    first, *rest = module.split(".")
    if first != package.name:
        return place(module)[0]
    base = package.joinpath(*rest)
    for path in (base.with_suffix(".py") if rest else base, base / "__init__.py"):
        if path.is_file():
            return path
    return None


def place(module: str) -> tuple[Path | None, list[str]]:
    """Where a module that is not semcom's is: in the working directory, else where `sys.path` says.

    These are the places, in the order, in which `python -m semcom` finds it. No package is imported to find
    what is in it, so one that changes its own `__path__` is not followed.

    Returns:
        Its source file, None if it has none, and the folders of its submodules. A package without
        `__init__.py` has folders only; what does not exist, neither.
    """
    first, *rest = module.split(".")
    file, folders = _below(first, [os.getcwd(), *sys.path])
    if file is None and not folders:
        file, folders = _by_finder(first)
    for name in rest:
        file, folders = _below(name, folders)
    return file, folders


def _below(name: str, folders: Sequence[str]) -> tuple[Path | None, list[str]]:
    """The module `name` in one of `folders`, as Python looks: folders without `__init__.py` come last."""
    portions = []
    for folder in map(Path, folders):
        package = folder / name
        for file, below in ((package / "__init__.py", [str(package)]), (folder / f"{name}.py", [])):
            if file.is_file():
                return file, below
        if package.is_dir():
            portions.append(str(package))
    return None, portions


def _by_finder(name: str) -> tuple[Path | None, list[str]]:
    """A top-level module that an import hook knows, as `pip install -e` leaves one for some packages."""
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            file = Path(spec.origin) if spec.has_location and spec.origin else None
            is_source = file is not None and file.suffix == ".py" and file.is_file()
            return (file if is_source else None), list(spec.submodule_search_locations or ())
    return None, []


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file, read again only if the file has changed. Do not change the tree.

    Raises:
        SemcomError: as `tree`.
    """
    stat = path.stat()
    return _parse(path, stat.st_mtime_ns, stat.st_size)


@cache
def _parse(path: Path, mtime_ns: int, size: int) -> ast.Module:
    return tree(path)


def tree(path: Path) -> ast.Module:
    """The syntax tree of a file, yours to change.

    Raises:
        SemcomError: it is no Python, with Python's own message and the line.
    """
    try:
        return ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        at = f"{shown(path)}, line {error.lineno}: {(error.text or '').strip()}"
        raise SemcomError(f"{type(error).__name__}: {error.msg} ({at})") from None
    except ValueError as error:
        raise SemcomError(f"{type(error).__name__}: {error} ({shown(path)})") from None


def shown(path: Path) -> str:
    """A path for a message: short where it is below the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def package_of(module: str, path: Path) -> str:
    """The package that relative imports in `module`, which is in the file `path`, start from."""
    return module if path.name == "__init__.py" else module.rpartition(".")[0]


def imported_from(node: ast.ImportFrom, package: str) -> str:
    """The full name of the module after `from`, in a module of `package`."""
    module = node.module or ""
    if not node.level:
        return module
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [module])])


def with_packages(module: str) -> list[str]:
    """`a.b.c` as `a`, `a.b`, `a.b.c`."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module or class, and those that stand there under `if`, `else`, `try`, `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for field in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, field, ()))
            for handler in getattr(node, "handlers", ()):
                yield from statements(handler.body)


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
