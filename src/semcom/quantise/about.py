"""What a shared base says of itself, and whose vectors fit it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from semcom.files.errors import SemcomError


def mentor_sha256(mentor: Mapping[str, Any]) -> str:
    """Checksum of what a mentor is: its kind, options, weights and precision; 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(mentor, sort_keys=True).encode()).hexdigest()


def named(mentor: Mapping[str, Any]) -> str:
    """A mentor for messages."""
    if not mentor:
        return "that is not named"
    words = [str(mentor.get("use")), *([str(mentor["name"])] if "name" in mentor else [])]
    return f"{' '.join(words)} ({mentor_sha256(mentor)[:12]})"


@dataclass(frozen=True)
class About:
    """What a base says of itself.

    Attributes:
        asked: the form as asked for.
        form: the form as trained, perhaps of smaller codebooks.
        dim: of a vector.
        seed: of the training.
        sample: vectors that it was trained on.
        mentor: what made the vectors; empty if nobody said.
        mentor_sha256: checksum of it.
        sources: versions of the data behind the vectors and how many of each, in the order of coming.
    """

    asked: str
    form: str
    dim: int
    seed: int
    sample: int
    mentor: Mapping[str, Any]
    mentor_sha256: str
    sources: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "About":
        """As JSON gives it back."""
        return cls(**{**said, "sources": tuple((data, count) for data, count in said["sources"])})

    def with_source(self, data: str, count: int) -> "About":
        """The same with `count` vectors of `data` more."""
        counts = dict(self.sources)
        counts[data] = counts.get(data, 0) + count
        return replace(self, sources=tuple(counts.items()))

    def check_dim(self, dim: int) -> None:
        """Refuse vectors of another dimension.

        Raises:
            SemcomError: naming both.
        """
        if dim != self.dim:
            raise SemcomError(
                f"the base holds vectors of {self.dim} dimensions, made by the mentor {named(self.mentor)}; "
                f"these have {dim}: take those of the same mentor"
            )

    def check_mentor(self, mentor: Mapping[str, Any]) -> None:
        """Refuse vectors of another mentor.

        Raises:
            SemcomError: naming both.
        """
        if mentor_sha256(mentor) != self.mentor_sha256:
            raise SemcomError(
                f"the base was built by the mentor {named(self.mentor)}, these vectors by {named(mentor)}: "
                "their spaces have nothing in common; take the base's mentor, or build a base of this one"
            )
