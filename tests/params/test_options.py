"""A component's options read from source are those that Python itself sees."""

import importlib
import inspect
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le

from semcom.files.errors import SemcomError
from semcom.params import component, faults, options, source
from semcom.params.component import FAMILIES, build, family
from semcom.params.ranges import Number, WholeNumber

MEMBERS = [(name, member) for name in FAMILIES for member in family(name)]


@pytest.mark.parametrize(("name", "member"), MEMBERS, ids=lambda text: str(text))
def test_options_are_those_of_the_imported_class(name, member):
    reference = family(name)[member]
    module, _, cls = reference.partition(":")
    seen = inspect.signature(getattr(importlib.import_module(module), cls).__init__).parameters.values()
    wanted = {p.name: p for p in seen if p.kind is p.KEYWORD_ONLY}
    found = options.options(reference)
    assert list(found) == list(wanted)
    for key, option in found.items():
        empty = wanted[key].default is inspect.Parameter.empty
        assert option.default is options.REQUIRED if empty else option.default == wanted[key].default
        assert option.annotation == wanted[key].annotation


@pytest.mark.parametrize(("name", "room"), FAMILIES.items())
def test_families_read_from_source_are_those_of_the_module(name, room):
    assert family(name) == getattr(importlib.import_module(room), name)


SOURCE = """
from typing import Literal
from semcom.params.ranges import Fraction
Kind = Literal["a", "b"]
class Base:
    def __init__(self, given, *, rate: float, kind: Kind = "a", crop: tuple[float, float] = (0.5, 1.0),
                 many: tuple[int, ...] = (), part: Fraction | None = None, low: int = -1) -> None: ...
class Child(Base): ...
class Bad:
    def __init__(self, *, size: list[int] = []) -> None: ...
class None_: ...
"""


@pytest.fixture
def room(tmp_path, monkeypatch):
    package = tmp_path / "semcom"
    package.mkdir()
    (package / "things.py").write_text(SOURCE)
    monkeypatch.setattr(options.source, "find", lambda module: source_find(module, package))
    options.options.cache_clear()
    yield
    options.options.cache_clear()


source_find = source.find


def test_types_that_an_option_may_have(room):
    found = options.options("semcom.things:Child")
    assert {key: option.annotation for key, option in found.items()} == {
        "rate": Number,
        "kind": Literal["a", "b"],
        "crop": tuple[Number, Number],
        "many": tuple[WholeNumber, ...],
        "part": Annotated[Number, Ge(0), Le(1)] | None,
        "low": WholeNumber,
    }
    assert found["rate"].default is options.REQUIRED
    assert found["crop"].default == (0.5, 1.0)
    assert found["low"].default == -1
    assert options.options("semcom.things:None_") == {}


def test_types_that_cannot_be_checked_are_refused(room):
    with pytest.raises(SemcomError, match=r"semcom.things:Bad, option size: the type list\[int\]"):
        options.options("semcom.things:Bad")
    with pytest.raises(SemcomError, match="no class Nothing"):
        options.options("semcom.things:Nothing")


def check(**given: Any) -> tuple[dict[str, Any], list[str]]:
    filled, wrong = options.check("T", {"use": "t", **given}, ("a",))
    return filled, [str(fault) for fault in wrong]


def test_check_converts_and_completes(room, monkeypatch):
    monkeypatch.setattr(options, "family", lambda name: {"t": "semcom.things:Child"})
    filled, wrong = check(rate="1e-3", crop=["0.1", 1], part=None)
    assert wrong == []
    assert filled == {
        "use": "t", "rate": 1e-3, "kind": "a", "crop": (0.1, 1.0), "many": (), "part": None, "low": -1
    }  # fmt: skip
    assert check(crop=[1], kind="c", part=2)[1] == [
        "a.rate: missing; it takes a number",
        "a.kind: 'c' is not one of a, b",
        "a.crop: [1] is not a list of 2: a number, a number",
        "a.part: 2 is not a number ≥ 0 and ≤ 1 or null",
    ]


def test_describe():
    assert faults.describe(Annotated[int, Gt(1)]) == "a whole number > 1"
    assert (
        faults.describe(tuple[Annotated[float, Ge(0), Le(1)], ...])
        == "a list, each item a number ≥ 0 and ≤ 1"
    )
    assert faults.describe(bool | None) == "true or false or null"


def test_build_makes_the_class_with_tuples_for_lists(monkeypatch):
    made = build({"f": "fractions:Fraction"}, {"use": "f"}, 3, 4)
    assert (made.numerator, made.denominator) == (3, 4)
    seen = build({"n": "types:SimpleNamespace"}, {"use": "n", "crop": [1, [2, 3]]})
    assert seen.crop == (1, (2, 3))
    with pytest.raises(SemcomError, match="'g' is none of f"):
        build({"f": "fractions:Fraction"}, {"use": "g"})


def test_a_family_that_is_not_listed(monkeypatch):
    monkeypatch.setitem(component.FAMILIES, "HATS", "semcom.losses")
    with pytest.raises(SemcomError, match="lists no family HATS"):
        family("HATS")
