"""`python -m semcom.params.imports REFERENCE…` imports classes, each `package.module:Class`.

Its last line on standard output is JSON: what each one that does not import says.
"""

import json
import sys

from semcom.files.errors import SemcomError
from semcom.params.component import load


def main(references: list[str]) -> None:
    """Import each of `references` and print the faults."""
    faults = {}
    for reference in references:
        try:
            load(reference)
        except SemcomError as error:
            faults[reference] = str(error)
    print(f"\n{json.dumps(faults)}")


if __name__ == "__main__":
    main(sys.argv[1:])
