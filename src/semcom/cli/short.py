"""A group of verbs, one of which may be left out."""

from typing import Any

from typer.core import TyperGroup


def entry_is_for(verb: str) -> type[TyperGroup]:
    """A group in which `GROUP ENTRY …` is short for `GROUP VERB ENTRY …`; an ENTRY begins with a brace."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, [verb, *args] if args and args[0].startswith("{") else args)

    return Group
