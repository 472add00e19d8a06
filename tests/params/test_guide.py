"""params/README.md explains every key and names every component."""

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from semcom.params.component import FAMILIES, family
from semcom.params.crlsc.schema import Asked
from semcom.params.faults import at, bare
from semcom.params.schema import Study

README = (Path(__file__).parents[2] / "params/README.md").read_text(encoding="utf-8")


def keys(model: type[BaseModel], before: str = "") -> list[str]:
    """Every key of a model in full; `NAME` stands for a name that the user chooses."""
    found = []
    for name in model.model_fields:
        kind, here = bare(at(model, (name,))), f"{before}{name}"
        if get_origin(kind) is dict and get_args(kind)[1] is not Any:
            kind, here = bare(get_args(kind)[1]), f"{here}.NAME"
        found.append(here)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += keys(kind, f"{here}.")
    return found


def explained(text: str) -> list[str]:
    """The keys that the table explains; a row that begins with a dot goes on from the last bold one."""
    found, section = [], ""
    for bold, row in re.findall(r"^\| (\**)`([\w.]+)`\** \|", text, re.MULTILINE):
        section = row if bold else section
        found.append(section + row if row.startswith(".") else row)
    return found


def test_every_key_is_explained_and_no_other():
    first, _, second = README.partition("## Keys")[2].partition("## The second system")
    assert sorted(explained(first)) == sorted(keys(Study))
    table, _, below = second.partition("## Claims")[0].partition("### Images over links")
    images, _, classify = below.partition("### Classification over links")
    own = [key for key in keys(Asked) if not key.startswith("methods.NAME.train.")]  # as those of `train`
    apart = {"images.": images, "classify.": classify}
    assert sorted(explained(table)) == sorted(key for key in own if not key.startswith(tuple(apart)))
    for section, page in apart.items():
        keys_below = [key.removeprefix(section) for key in own if key.startswith(section)]
        assert sorted(explained(page)) == sorted(keys_below)


def test_every_study_has_a_row():
    folder = Path(__file__).parents[2] / "params"
    rows = re.findall(r"^\| `([a-z0-9_/]+\.yaml)` \|", README, re.MULTILINE)
    assert {
        str(path.relative_to(folder)) for path in folder.glob("**/*.yaml") if path.parts[-2] != "claims"
    } == set(rows)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_member_of_a_family_is_named(name):
    (row,) = [line for line in README.splitlines() if f"`{name}` in" in line]
    assert all(f"`{member}`" in row for member in family(name))
