"""A component's options: the keyword-only arguments of its class, read from source and checked."""

import ast
import types
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import ConfigDict, TypeAdapter, ValidationError

from semcom.files.errors import SemcomError
from semcom.params import classes, faults, foreign, ranges, source
from semcom.params.component import family, reference
from semcom.params.faults import Fault, Path

_SIMPLE: dict[str, Any] = {
    "float": ranges.Number,
    "int": ranges.WholeNumber,
    "bool": bool,
    "str": str,
    "None": None,
}
_RANGES = {name: value for name, value in vars(ranges).items() if get_origin(value) is Annotated}
_MARKS = ("Gt", "Ge", "Lt", "Le")
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
    if not isinstance(use, str) or (use not in members and not foreign.is_meant(use)):
        what = "missing" if use is None else faults.shown(use) + " is unknown"
        near = faults.nearest(use, members)
        text = f"{what}{near}; choices: {', '.join(members)}, or a class of yours, package.module:Class"
        return component, [Fault((*path, "use"), text)]
    try:
        if use not in members:
            foreign.check(name, use)
        known = options(reference(members, use))
    except SemcomError as error:
        return component, [Fault((*path, "use"), str(error))]
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
def options(named: str) -> dict[str, Option]:
    """The options of the class at `package.module:Class`, its own or those of a base.

    Raises:
        SemcomError: there is no such class, or an option is of a type that cannot be checked.
    """
    init = classes.lineage(classes.find(named)).method("__init__")
    if init is None:
        return {}
    owner, node = init
    aliases = dict(filter(None, map(source.assigned, classes.body(owner.module))))
    found = {}
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        where = f"{named}, option {argument.arg}"
        if argument.annotation is None:
            raise SemcomError(f"{where}: it needs a type annotation, such as {argument.arg}: float")
        annotation = _type(argument.annotation, aliases, where)
        found[argument.arg] = Option(annotation, REQUIRED if default is None else _literal(default, where))
    return found


@cache
def modalities(named: str) -> tuple[str, ...]:
    """The modalities that the class at `package.module:Class` needs: MODALITIES of its module, if any."""
    assigned = dict(filter(None, map(source.assigned, classes.body(classes.find(named).module))))
    needed: tuple[str, ...] = _literal(assigned["MODALITIES"], named) if "MODALITIES" in assigned else ()
    return needed


def _type(node: ast.expr, aliases: dict[str, ast.expr], where: str) -> Any:
    """The type that an annotation stands for."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = _quoted(node, where)
    if isinstance(node, ast.Attribute):
        node = ast.Name(node.attr)
    if isinstance(node, ast.Name):
        if node.id in aliases:
            rest = {name: value for name, value in aliases.items() if name != node.id}
            return _type(aliases[node.id], rest, where)
        if node.id in _SIMPLE or node.id in _RANGES:
            return _SIMPLE.get(node.id, _RANGES.get(node.id))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _type(node.left, aliases, where) | _type(node.right, aliases, where)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _subscript(node, node.value.id, aliases, where)
    raise _unchecked(node, where)


def _subscript(node: ast.Subscript, outer: str, aliases: dict[str, ast.expr], where: str) -> Any:
    """`Literal[…]`, `tuple[…]` or `Annotated[type, Gt(0), …]`."""
    items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Literal":
        return Literal[tuple(_literal(item, where) for item in items)]
    if outer == "tuple":
        kinds = tuple(_ellipsis(item) or _type(item, aliases, where) for item in items)
        return types.GenericAlias(tuple, kinds)
    if outer == "Annotated":
        marks = tuple(_mark(item, where) for item in items[1:])
        return Annotated[(_type(items[0], aliases, where), *marks)]
    raise _unchecked(node, where)


def _mark(node: ast.expr, where: str) -> Any:
    """A range: `Gt(0)`, `Ge(0)`, `Lt(1)` or `Le(1)` of the package annotated_types."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        name = ast.unparse(node.func).rpartition(".")[2]
        if name in _MARKS:
            return getattr(annotated_types, name)(_literal(node.args[0], where))
    raise _unchecked(node, where)


def _unchecked(node: ast.expr, where: str) -> SemcomError:
    return SemcomError(
        f"{where}: the type {ast.unparse(node)} cannot be checked; use float, int, bool, str, Literal, "
        f"tuple, `| None`, Annotated with Gt, Ge, Lt, Le, or one of the names {', '.join(_RANGES)} of "
        "semcom.params.ranges"
    )


def _quoted(node: ast.Constant, where: str) -> ast.expr:
    """An annotation that is written in quotes."""
    try:
        return ast.parse(str(node.value), mode="eval").body
    except SyntaxError:
        raise _unchecked(node, where) from None


def _ellipsis(node: ast.expr) -> Any:
    return ... if isinstance(node, ast.Constant) and node.value is ... else None


def _literal(node: ast.expr, where: str) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise SemcomError(f"{where}: {ast.unparse(node)} must be written out as a plain value") from None
