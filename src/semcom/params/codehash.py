"""A hash of the code that a job runs: what re-runs a job when its code is mended, and not when a comment is.

Files are reached by imports, read from source, from the stage's module and from the modules of the
components that the job's entry names: files of semcom, and for a component of a user's those of the same
top-level package (`mylab` of `mylab.losses:MyLoss`). Each counts by its code without comments and docstrings.
Left out, as no result depends on them or another thing names their version:

- packages of others;
- families (`"mmssl": "semcom.losses.mmssl:MMSSL"`): they name every member, a job runs the ones of its entry;
- the command line, tracking and progress;
- the params room, but for `component`, which makes components, `scheme`, `form`, `formfit` and `mapsize`: all
  else that it gives is the entry, which Snakemake compares itself;
- plotting, but for the report.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.params import source

REPORT = "semcom.report"
_ALWAYS_OUT = ("semcom.cli", "semcom.__main__", "semcom.tracking", "semcom.progress", "semcom.params")
_KEPT = tuple(
    f"semcom.params.{name}" for name in ("component", "source", "scheme", "form", "formfit", "mapsize")
)
_PLOTTING = ("semcom.report.figures", "semcom.report.plot")


def code_hash(*modules: str, package: Path = source.PACKAGE) -> str:
    """16 hexadecimal digits over all files that `modules` (the stage's first) reach.

    Raises:
        SemcomError: one of `modules` does not exist, or a file is no Python.
    """
    out = _ALWAYS_OUT if modules[0].startswith(REPORT) else _ALWAYS_OUT + _PLOTTING
    for module in modules:
        if source.find(module, package) is None:
            raise SemcomError(f"there is no module {module} in {package}")
    roots = frozenset({package.name, *(module.split(".")[0] for module in modules)})
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = set(modules)
    while waiting:
        module = waiting.pop()
        seen.add(module)
        path = None if _left_out(module, out) else source.find(module, package)
        if path is not None:
            stat = path.stat()
            found[module], imported = _read(path, module, stat.st_mtime_ns, stat.st_size)
            waiting.update(name for name in imported - seen if name.split(".")[0] in roots)
    text = "\n".join(f"{module} {found[module]}" for module in sorted(found))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _left_out(module: str, prefixes: tuple[str, ...]) -> bool:
    return module not in _KEPT and any(module == p or module.startswith(f"{p}.") for p in prefixes)


@cache
def _read(path: Path, module: str, mtime_ns: int, size: int) -> tuple[str, frozenset[str]]:
    """The hash of one file, and what it imports, the packages that it is in included."""
    tree = source.tree(path)
    tree.body = [node for node in tree.body if source.family_dict(node) is None]
    base = source.package_of(module, path)
    needed = {base} if base else set()
    for node in _statements(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            needed.update(_imported(node, base))
        elif hasattr(node, "body"):
            node.body = [line for line in node.body if not _is_text(line)]
    text = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return text, frozenset(m for name in needed for m in source.with_packages(name))


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """`tree` and every statement in it; expressions, most of a tree, hold neither imports nor docstrings."""
    yield tree
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, field, ()):
            yield from _statements(node)


def _is_text(node: ast.stmt) -> bool:
    """A docstring, or the like after a field."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _imported(node: ast.Import | ast.ImportFrom, base: str) -> Iterator[str]:
    """What an import statement in package `base` may load: a name imported from a package may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    module = source.imported_from(node, base)
    yield from (f"{module}.{alias.name}" for alias in node.names)
