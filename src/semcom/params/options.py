"""A component's options: the keyword-only arguments of its class, read from source and checked."""

import ast
import types
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError

from semcom.files.errors import SemcomError
from semcom.params import faults, ranges, source
from semcom.params.component import family
from semcom.params.faults import Fault, Path

_SIMPLE: dict[str, Any] = {"float": float, "int": int, "bool": bool, "str": str, "None": None}
_RANGES = {name: value for name, value in vars(ranges).items() if name[0].isupper()}
_FINITE = ConfigDict(allow_inf_nan=False)
REQUIRED = object()
"""The default of an option that has none."""


@dataclass(frozen=True)
class Option:
    """Type and default of one option."""

    annotation: Any
    default: Any = REQUIRED


def check(name: str, component: dict[str, Any], path: Path) -> tuple[dict[str, Any], list[Fault]]:
    """Check a component against the family `name`.

    Returns:
        The component, options in their own types and defaults filled in, and what is wrong with it.
    """
    members = family(name)
    use = component.get("use")
    if not isinstance(use, str) or use not in members:
        what = "missing" if use is None else faults.shown(use) + " is unknown"
        text = f"{what}{faults.nearest(use, members)}; choices: {', '.join(members)}"
        return component, [Fault((*path, "use"), text)]
    known = options(members[use])
    filled: dict[str, Any] = {"use": use}
    wrong = [
        faults.unknown_key((*path, key), value, known)
        for key, value in component.items()
        if key != "use" and key not in known
    ]
    for key, option in known.items():
        value = component.get(key, option.default)
        if value is REQUIRED:
            wrong.append(faults.missing((*path, key), option.annotation))
            continue
        try:
            filled[key] = _convert(value, option.annotation)
        except ValidationError:
            wrong.append(faults.wrong((*path, key), value, option.annotation))
    return filled, wrong


def _convert(value: Any, annotation: Any) -> Any:
    """`value` in its own type; a text may stand for a number, as `--config` gives it."""
    if get_origin(annotation) is Literal:
        value = next((choice for choice in get_args(annotation) if str(choice) == value), value)
    return TypeAdapter(annotation, config=_FINITE).validate_python(value)


@cache
def options(reference: str) -> dict[str, Option]:
    """The options of the class at `package.module:Class`.

    Raises:
        SemcomError: there is no such class, or an option is of a type that cannot be checked.
    """
    module, _, name = reference.partition(":")
    path = source.find(module)
    if path is None:
        raise SemcomError(f"{reference}: there is no module {module}")
    body = source.parse(path).body
    init = _init(body, name, reference)
    if init is None:
        return {}
    aliases = dict(filter(None, map(source.assigned, body)))
    found = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        where = f"{reference}, option {argument.arg}"
        if argument.annotation is None:
            raise SemcomError(f"{where}: it needs a type annotation")
        annotation = _type(argument.annotation, aliases, where)
        found[argument.arg] = Option(annotation, REQUIRED if default is None else _literal(default, where))
    return found


@cache
def modalities(reference: str) -> tuple[str, ...]:
    """The modalities that the class at `package.module:Class` needs: MODALITIES of its module, if any."""
    path = source.find(reference.partition(":")[0])
    assigned = dict(filter(None, map(source.assigned, source.parse(path).body))) if path else {}
    needed: tuple[str, ...] = _literal(assigned["MODALITIES"], reference) if "MODALITIES" in assigned else ()
    return needed


def _init(body: list[ast.stmt], name: str, reference: str) -> ast.FunctionDef | None:
    """The `__init__` of class `name`, its own or that of a base in the same file."""
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    if name not in classes:
        raise SemcomError(f"{reference}: the module has no class {name}")
    for node in classes[name].body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            return node
    for base in classes[name].bases:
        if isinstance(base, ast.Name) and base.id in classes:
            return _init(body, base.id, reference)
    return None


def _type(node: ast.expr, aliases: dict[str, ast.expr], where: str) -> Any:
    """The type that an annotation stands for."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Attribute):
        node = ast.Name(node.attr)
    if isinstance(node, ast.Name):
        if node.id in _SIMPLE or node.id in _RANGES:
            return _SIMPLE.get(node.id, _RANGES.get(node.id))
        if node.id in aliases:
            return _type(aliases[node.id], aliases, where)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _type(node.left, aliases, where) | _type(node.right, aliases, where)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if node.value.id == "Literal":
            return Literal[tuple(_literal(item, where) for item in items)]
        if node.value.id == "tuple":
            kinds = tuple(_ellipsis(item) or _type(item, aliases, where) for item in items)
            return types.GenericAlias(tuple, kinds)
    raise SemcomError(
        f"{where}: the type {ast.unparse(node)} cannot be checked; use float, int, bool, str, Literal, "
        f"tuple, `| None` or one of the names {', '.join(_RANGES)} of semcom.params.ranges"
    )


def _ellipsis(node: ast.expr) -> Any:
    return ... if isinstance(node, ast.Constant) and node.value is ... else None


def _literal(node: ast.expr, where: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise SemcomError(f"{where}: {ast.unparse(node)} must be written out as a plain value") from None
