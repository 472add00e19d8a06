"""A class as its source shows it: where it is defined, its bases, its methods. Nothing is imported.

Names are followed through `from … import` and base classes within semcom and the package that the class is
named in; what else a class inherits from (torch's modules, say) is not read.
"""

import ast
from dataclasses import dataclass, field

from semcom.files.errors import SemcomError
from semcom.params import source
from semcom.params.faults import nearest

EMPTY = frozenset({"object", "Module", "ABC", "Protocol", "Generic"})
"""Bases from elsewhere that bring neither options nor a call."""
MODULE = "Module"
"""The name of torch's `nn.Module`."""


@dataclass(frozen=True, eq=False)
class Class:
    """A class statement.

    Attributes:
        module: where it stands.
        node: the statement.
    """

    module: str
    node: ast.ClassDef


@dataclass
class Lineage:
    """A class and all that it inherits from.

    Attributes:
        classes: those that were read, itself first.
        outside: names of the others.
    """

    classes: list[Class] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)

    @property
    def whole(self) -> bool:
        """Whether nothing that was not read can bring a method."""
        return self.outside <= EMPTY

    def method(self, *names: str) -> tuple[Class, ast.FunctionDef] | None:
        """The first method of one of these names, and the class that has it."""
        for one in self.classes:
            for node in source.statements(one.node.body):
                if isinstance(node, ast.FunctionDef) and node.name in names:
                    return one, node
        return None

    def attribute(self, name: str) -> ast.expr | None:
        """What the body of the first class that has it gives the attribute `name`."""
        for one in self.classes:
            for node in source.statements(one.node.body):
                found = source.assigned(node)
                if found is not None and found[0] == name:
                    return found[1]
        return None


def find(reference: str) -> Class:
    """The class at `package.module:Class`.

    Raises:
        SemcomError: there is no such module, or no such class in it; the nearest is named.
    """
    module, _, name = reference.partition(":")
    if source.find(module) is None:
        raise SemcomError(f"{reference}: there is no module {module}")
    found = _lookup(module, name, _readable(module), frozenset())
    if found is None:
        names = sorted(node.name for node in body(module) if isinstance(node, ast.ClassDef))
        there = f"; classes there: {', '.join(names)}" if names else ""
        raise SemcomError(f"{reference}: {module} has no class {name}{nearest(name, names)}{there}")
    return found


def lineage(found: Class) -> Lineage:
    """`found` and what it inherits from, in the order in which methods are looked for."""
    seen = Lineage()
    _ascend(found, _readable(found.module), seen)
    return seen


def body(module: str) -> list[ast.stmt]:
    """The statements of a module that run when it is imported; none if it has no source."""
    path = source.find(module)
    return list(source.statements(source.parse(path).body)) if path else []


def _readable(module: str) -> frozenset[str]:
    return frozenset({source.PACKAGE.name, module.split(".")[0]})


def _ascend(found: Class, readable: frozenset[str], seen: Lineage) -> None:
    seen.classes.append(found)
    for base in found.node.bases:
        plain = base.value if isinstance(base, ast.Subscript) else base
        above = _resolve(plain, found.module, readable)
        if above is None:
            seen.outside.add(ast.unparse(plain).rpartition(".")[2])
        elif all(above.node is not one.node for one in seen.classes):
            _ascend(above, readable, seen)


def _resolve(base: ast.expr, module: str, readable: frozenset[str]) -> Class | None:
    """The class that an expression names in `module`: `Base`, or `losses.Base` of an imported module."""
    if isinstance(base, ast.Name):
        return _lookup(module, base.id, readable, frozenset())
    if not isinstance(base, ast.Attribute):
        return None
    prefix = ast.unparse(base.value)
    path = source.find(module)
    for node in body(module) if path else ():
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            if (alias.asname or alias.name) == prefix and path:
                package = source.package_of(module, path)
                start = f"{source.imported_from(node, package)}." if isinstance(node, ast.ImportFrom) else ""
                return _lookup(start + alias.name, base.attr, readable, frozenset())
    return None


def _lookup(
    module: str, name: str, readable: frozenset[str], seen: frozenset[tuple[str, str]]
) -> Class | None:
    """The class that `name` stands for in `module`, defined there or imported; the last binding counts."""
    path = source.find(module)
    if path is None or module.split(".")[0] not in readable or (module, name) in seen:
        return None
    seen |= {(module, name)}
    stars = []
    for node in reversed(body(module)):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return Class(module, node)
        bound = source.assigned(node)
        if bound is not None and bound[0] == name and isinstance(bound[1], ast.Name):
            return _lookup(module, bound[1].id, readable, seen)
        if isinstance(node, ast.ImportFrom):
            start = source.imported_from(node, source.package_of(module, path))
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _lookup(start, alias.name, readable, seen)
                if alias.name == "*":
                    stars.append(start)
    return next(filter(None, (_lookup(star, name, readable, seen) for star in stars)), None)
