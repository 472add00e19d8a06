"""Classes that no family lists, named as `package.module:Class`: whether one can be had, and fits its family.

Source is read, nothing is imported, so that `snakemake -n` stays quick. What shows only when the module is
imported, a job says (`component.load`).
"""

import ast
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from semcom.files.errors import SemcomError
from semcom.params import classes, source
from semcom.params.classes import Class, Lineage
from semcom.params.faults import nearest, shown
from semcom.params.protocols import PROTOCOLS

MODULES = ("BACKBONES", "MENTORS", "SENDERS", "HEADS", "NETWORKS")
"""Families whose members are torch modules."""
PAGE = "see docs/extending.md"


def is_meant(use: object) -> bool:
    """Whether `use`, no member of its family, is meant to name a class in full."""
    return isinstance(use, str) and any(mark in use for mark in ":./")


def check(name: str, use: str) -> None:
    """Check that `use` names a class that could stand in the family `name`.

    Raises:
        SemcomError: it is no `package.module:Class`; there is no such module or class; the module does not
            import, as far as its source tells; or the class is not made or called as the family is.
    """
    if not source.is_reference(use):
        raise SemcomError(
            f"{shown(use)} names no class; write package.module:Class, such as mylab.losses:MyLoss"
        )
    module = use.partition(":")[0]
    _check_not_pythons(use, module)
    _check_there(module)
    _check_imports(module)
    found = classes.find(use)
    lineage = classes.lineage(found)
    if name in MODULES and lineage.whole and classes.MODULE not in lineage.outside:
        raise SemcomError(f"{use} is no torch.nn.Module, which {_kind(name)} must be; {PAGE}")
    _check_init(name, use, found, lineage)
    for called in methods(name):
        _check_call(name, use, lineage, called)


def methods(name: str) -> list[str]:
    """The methods that members of a family are called by."""
    return [
        key
        for key, value in vars(PROTOCOLS[name]).items()
        if inspect.isfunction(value) and (key == "__call__" or not key.startswith("_"))
    ]


def _kind(name: str) -> str:
    word = PROTOCOLS[name].__name__.lower()
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _check_not_pythons(use: str, module: str) -> None:
    """Check that the module is none of Python's own, unless a file of the user's stands in its place."""
    if module.split(".")[0] not in sys.stdlib_module_names:
        return
    file, folders = source.place(module.split(".")[0])
    found = [Path(place) for place in ([file] if file else folders)]
    pythons = Path(os.__file__).resolve().parent
    if all(path.resolve().is_relative_to(pythons) for path in found):
        raise SemcomError(
            f"{use}: {module} belongs to Python's standard library, which has no components; name a class in "
            f"a package of yours, such as mylab.losses:MyLoss; {PAGE}"
        )


def _check_there(module: str) -> None:
    """Check that the module has a source file."""
    if source.find(module) is not None:
        return
    parent, _, last = module.rpartition(".")
    if parent and source.place(parent) != (None, []):
        below = [path.stem for folder in source.place(parent)[1] for path in sorted(Path(folder).glob("*"))]
        raise SemcomError(f"there is no module {module}: {parent} has no {last}{nearest(last, below)}")
    missing = next(name for name in source.with_packages(module) if source.place(name) == (None, []))
    raise SemcomError(
        f"there is no module {missing}; put it beside the Snakefile, into {os.getcwd()}, install it, or name "
        "its folder in PYTHONPATH"
    )


def _check_imports(module: str) -> None:
    """Check that a module, and what it imports of its own package, parses and finds what it imports."""
    own = module.split(".")[0]
    if own == source.PACKAGE.name:
        return
    waiting, seen = set(source.with_packages(module)), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = source.find(name)
        if path is None:
            continue  # a package without __init__.py
        try:
            tree = source.parse(path)
        except SemcomError as error:
            raise SemcomError(f"{name} does not import: {error}") from None
        for node, wanted in _imported(tree, source.package_of(name, path)):
            if not _exists(wanted, own):
                at = f"{source.shown(path)}, line {node.lineno}: {ast.unparse(node)}"
                raise SemcomError(
                    f"{name} does not import: ModuleNotFoundError: No module named {wanted!r} ({at}); "
                    "install it, or mend the line"
                )
            if wanted.split(".")[0] == own:
                waiting |= set(source.with_packages(wanted)) - seen


def _imported(tree: ast.Module, package: str) -> Iterator[tuple[ast.stmt, str]]:
    """What a module imports in any case: statements under `if` and `try` may be there for a reason."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = source.imported_from(node, package)
            yield node, start
            yield from (
                (node, f"{start}.{alias.name}")
                for alias in node.names
                if source.place(start)[0] is None or source.place(f"{start}.{alias.name}") != (None, [])
            )


def _exists(module: str, own: str) -> bool:
    """Whether a module can be found: one of the package `own` itself, of others the package."""
    first = module.split(".")[0]
    if not first:
        return False  # a relative import where there is no package
    if first == own:
        return source.find(module) is not None or source.place(module) != (None, [])
    if first in sys.stdlib_module_names or first in sys.modules:
        return True
    return source.place(first) != (None, []) or importlib.util.find_spec(first) is not None


def _check_init(name: str, use: str, found: Class, lineage: Lineage) -> None:
    """Check what the class is made with."""
    wanted = inspect.signature(PROTOCOLS[name].__init__)  # type: ignore[misc]
    init = lineage.method("__init__")
    if init is None:
        if any("dataclass" in ast.unparse(mark) for mark in found.node.decorator_list):
            raise SemcomError(f"{use} is a dataclass; write its __init__ out, options behind a `*`; {PAGE}")
        return
    given = init[1].args
    positional = [*given.posonlyargs, *given.args][1:]
    count = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in wanted.parameters.values()) - 1
    if len(positional) - len(given.defaults) > count or len(positional) < count and not given.vararg:
        raise SemcomError(
            f"{use} has __init__({ast.unparse(given)}); {_kind(name)} is made with "
            f"({_names(wanted)}), and options stand behind a `*`; {PAGE}"
        )
    if len(positional) > count:
        extra = ", ".join(argument.arg for argument in positional[count:])
        raise SemcomError(
            f"{use} has __init__({ast.unparse(given)}); {extra} can be no option unless it stands behind a "
            f"`*`: write `*, {positional[count].arg}: …`; {PAGE}"
        )
    for option in (p.name for p in wanted.parameters.values() if p.kind is p.KEYWORD_ONLY):
        if option not in {argument.arg for argument in given.kwonlyargs}:
            raise SemcomError(f"{use} has no option {option}, which {_kind(name)} must have; {PAGE}")


def _check_call(name: str, use: str, lineage: Lineage, called: str) -> None:
    """Check what a method of the class is called with."""
    wanted = inspect.signature(getattr(PROTOCOLS[name], called))
    call = lineage.method(*(("__call__", "forward") if called in ("__call__", "forward") else (called,)))
    if call is None:
        if lineage.whole:
            raise SemcomError(f"{use} has no {called}({_names(wanted)}), as {_kind(name)} must; {PAGE}")
        return
    given = call[1].args
    positional = [*given.posonlyargs, *given.args][1:]
    count = len(wanted.parameters) - 1
    needed = [
        a.arg for a, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None
    ]
    too_few = len(positional) < count and not given.vararg
    if len(positional) - len(given.defaults) > count or too_few or needed:
        raise SemcomError(
            f"{use} has {call[1].name}({ast.unparse(given)}); {_kind(name)} is called with "
            f"({_names(wanted)}){_of(called)}; {PAGE}"
        )


def _of(called: str) -> str:
    """Which method it is, where a family has several."""
    return "" if called in ("__call__", "forward") else f" by {called}"


def _names(signature: inspect.Signature) -> str:
    """The arguments but `self`, without types."""
    plain = [p.replace(annotation=p.empty) for p in list(signature.parameters.values())[1:]]
    return str(inspect.Signature(plain))[1:-1]
