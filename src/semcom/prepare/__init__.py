"""Raw data sets into the one prepared format; the rooms generator."""

from pathlib import Path

from semcom.params.entries import PrepareEntry


def run(source: Path, entry: PrepareEntry, output: Path) -> None:
    """Crop and resize every frame of the data folder `source` and write them to the HDF5 file `output`.

    The file appears whole or not at all, and the same folder, entry and code give the same bytes.

    Raises:
        SemcomError: the folder has no valid description, or a raw file is missing or not what it should be.
    """
    from semcom.prepare.source import open_source
    from semcom.prepare.write import write

    with open_source(source) as frames:
        write(output, frames, name=entry.name, size=entry.size, version=entry.data)
