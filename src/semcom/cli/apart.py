"""Options that name one file: an output would take the place of another output, or of an input."""

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from semcom.files.errors import SemcomError

GROWING = ({"--base", "--extends"}, {"--output", "--earlier"})
"""Options of which one file may be both: what is there already, and the same with more."""


class Apart(TyperCommand):
    """A verb whose options must name files apart, which is looked at before anything is computed."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb.

        Raises:
            SemcomError: two options name one file.
        """
        seen: dict[Path, str] = {}
        for option in self.params:
            value, name = ctx.params.get(option.name), option.opts[0]
            for path in value if isinstance(value, list) else [value]:
                if isinstance(path, Path) and not path.is_dir():
                    other = seen.setdefault(path.resolve(), name)
                    if name != other and {name, other} not in GROWING:
                        raise SemcomError(f"{other} and {name} are one file, {path}; give each its own")
        return super().invoke(ctx)


def keep_apart(app: typer.Typer) -> None:
    """Have every verb of an application look first."""
    for command in app.registered_commands:
        command.cls = Apart
    for group in app.registered_groups:
        if group.typer_instance is not None:
            keep_apart(group.typer_instance)
