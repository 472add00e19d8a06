"""An entry as a verb takes it, and the options that many verbs share."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from semcom import progress
from semcom.files.errors import SemcomError
from semcom.params import entries, faults

EntryText = Annotated[
    str, typer.Argument(metavar="ENTRY", help="What to do, as the JSON text a rule hands over.")
]
Output = Annotated[Path, typer.Option(help="Output file.", dir_okay=False)]
States = Annotated[Path, typer.Option("--state", help="Folder of training states.")]
Journal = Annotated[Path, typer.Option(help="Events for the tracking server.")]
Log = Annotated[Path | None, typer.Option(help="Log file, beside standard error.")]

E = TypeVar("E", bound=BaseModel)
_PREPARED = re.compile(r".+_\d+x\d+\.h5")
P = TypeVar("P", Path, None, list[Path])


def there(frames: P) -> P:
    """Prepared files as they are given, if they are there; else an error with the command that makes one.

    Here and not where they are opened: a rule has them as its inputs, so only a verb called by hand asks.
    """
    for path in frames if isinstance(frames, Sequence) else (frames,):
        if path is not None and not path.exists():
            name = path.name if _PREPARED.fullmatch(path.name) else "NAME_WIDTHxHEIGHT.h5"
            raise SemcomError(
                f"there is no prepared file {path}; `snakemake --cores 1 results/data/{name}` makes it, of a "
                "study's data and size: for any but the quickstart's add --configfile and its params file"
            )
    return frames


def read(kind: type[E], text: str, log: Path | None, *name: str) -> E:
    """Parse the entry and begin to log under a name made of its fields."""
    try:
        entry = kind.model_validate_json(text)
    except ValidationError as error:
        if (first := error.errors()[0])["type"] == "json_invalid":
            raise SemcomError(f"ENTRY is no JSON text: {first['ctx']['error']}") from error
        lines = [f"ENTRY is no {kind.__name__}:", *map(str, faults.from_pydantic(error, kind))]
        raise SemcomError("\n  ".join(lines)) from error
    words = [name[0], *(str(getattr(entry, field)) for field in name[1:])]
    words += [f"seed{entry.seed}"] if hasattr(entry, "seed") else []
    if (process := _process(entry)) == 0:
        progress.start(" ".join(words), log)
    else:  # the first process speaks for all
        progress.start(" ".join([*words, f"process{process}"]), None, least=logging.ERROR)
    return entry


def _process(entry: BaseModel) -> int:
    """Number of this process among those of its job: not 0 for a pre-training's further devices."""
    if not isinstance(entry, entries.PretrainEntry) or entry.pretrain.devices == 1:
        return 0
    from semcom.training.launch import rank

    return rank()
