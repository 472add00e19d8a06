"""Pickles of numpy arrays and plain values, read without ever calling what a pickle names.

A pickle is a program: it may name any function and have it called. Here the four names that an array needs
stand for themselves, and every other one ends the reading before anything of it is imported.
"""

import io
import pickle
from typing import Any

import numpy as np
from numpy._core import multiarray

from semcom.files.errors import SemcomError


def _text_to_bytes(text: str, encoding: str) -> bytes:
    """`_codecs.encode` as pickles use it, for bytes: no other codec is looked up."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): multiarray._reconstruct,
    ("_codecs", "encode"): _text_to_bytes,
}


class _Refused(Exception):
    """The pickle names something else."""


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"the outside object {pid!r}")


def unpickle(data: bytes, *, where: str) -> Any:
    """The value in `data`; texts of Python 2 become bytes. `where` names it in messages.

    Raises:
        SemcomError: it names anything but numpy's arrays, or is no whole pickle.
    """
    try:
        return _Reader(io.BytesIO(data), encoding="bytes").load()
    except _Refused as error:
        raise SemcomError(
            f"{where} is a pickle that names {error}, not only arrays and plain values: nothing was run; "
            "get the original, or the binary release"
        ) from None
    # A damaged pickle raises whatever its bytes lead to.
    except Exception as error:
        raise SemcomError(f"{where} is truncated or no pickle of arrays ({error}): copy it again") from None
