"""A hash of the code that a job runs: what re-runs a job when its code is mended, and not when a comment is.

Files are reached by imports, read from source, from the stage's module and from the modules of the
components that the job's entry names. Each counts by its code without comments and docstrings.
Left out, as no result depends on them:

- families (`"mmssl": "semcom.losses.mmssl:MMSSL"`): they name every member, a job runs the ones of its entry;
- the command line, tracking and progress;
- the params room, but for `component`, which makes components: all that it gives a job is the entry, which
  Snakemake compares itself;
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
_KEPT = ("semcom.params.component", "semcom.params.source")
_PLOTTING = ("semcom.report.figures", "semcom.report.plot")


def code_hash(*modules: str, package: Path = source.PACKAGE) -> str:
    """16 hexadecimal digits over all files that `modules` (the stage's first) reach.

    Raises:
        SemcomError: one of `modules` does not exist.
    """
    out = _ALWAYS_OUT if modules[0].startswith(REPORT) else _ALWAYS_OUT + _PLOTTING
    found: dict[str, str] = {}
    waiting = list(modules)
    for module in modules:
        if source.find(module, package) is None:
            raise SemcomError(f"there is no module {module} in {package}")
    while waiting:
        module = waiting.pop()
        path = source.find(module, package)
        if path is None or module in found or _left_out(module, out):
            continue
        stat = path.stat()
        found[module], imported = _read(path, module, package.name, stat.st_mtime_ns, stat.st_size)
        waiting += imported
    text = "\n".join(f"{module} {found[module]}" for module in sorted(found))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _left_out(module: str, prefixes: tuple[str, ...]) -> bool:
    return module not in _KEPT and any(module == p or module.startswith(f"{p}.") for p in prefixes)


@cache
def _read(path: Path, module: str, root: str, mtime_ns: int, size: int) -> tuple[str, tuple[str, ...]]:
    """The hash of one file, and the modules below `root` that it needs, its own packages included."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    tree.body = [node for node in tree.body if source.family_dict(node) is None]
    base = module if path.name == "__init__.py" else module.rpartition(".")[0]
    needed = {base}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            needed.update(_imported(node, base))
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    text = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return text, tuple(sorted(m for name in needed for m in _with_packages(name) if m.split(".")[0] == root))


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
    module = node.module or ""
    if node.level:
        parents = base.split(".")[: len(base.split(".")) - node.level + 1]
        module = ".".join([*parents, *filter(None, [module])])
    yield from (f"{module}.{alias.name}" for alias in node.names)


def _with_packages(module: str) -> list[str]:
    """`a.b.c` as `a`, `a.b`, `a.b.c`."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
