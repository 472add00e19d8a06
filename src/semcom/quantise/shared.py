"""The shared knowledge base: a mentor's vectors of public images, compressed by faiss, to be shipped.

    embeddings ─► unit length ─► linear map ─► codes          (built once; more can be added later)
                                    codes ─► vectors ─► unit length   (decoded: what encoders learn toward)

Retrieval is by direction: vectors and queries are scaled to unit length, so that no scale of theirs matters.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from semcom.files.errors import SemcomError
from semcom.params.form import parse
from semcom.params.formfit import TooFew, fitted
from semcom.quantise import container, index
from semcom.quantise.about import About, mentor_sha256
from semcom.quantise.ids import pack, unpack
from semcom.quantise.linear import Linear
from semcom.quantise.source import Positions, Source, Vectors, unit

LINEAR = ("matrix", "offset", "origin")
"""Sections of the linear map."""
CRAFTED = (RuntimeError, MemoryError, ValueError, LookupError, TypeError, OverflowError, zlib.error)
"""What faiss, zlib and others say of a content that `save` did not write, under a checksum that fits it."""


class SharedBase:
    """Coded vectors, their ids, and what decodes them. Made by `build` or `load`.

    Attributes:
        index: the faiss index of the codes.
        linear: the linear map before the codes, or None.
        ids: (N,) what each vector is called in its source.
        about: what the base says of itself.
    """

    def __init__(self, index: Any, linear: Linear | None, ids: Positions, about: About) -> None:
        self.index, self.linear, self.ids, self.about = index, linear, ids, about

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def build(
        cls,
        source: Source,
        *,
        form: str,
        seed: int = 0,
        sample: int | None = None,
        too_few: TooFew = "fewer_bits",
    ) -> "SharedBase":
        """Train a form on a sample of `source`, then code all of it.

        Args:
            source: vectors of any length; read in pieces, twice.
            form: a faiss factory string, or `ClustersK`: `semcom.params.form`.
            seed: of the sample and of the training. Equal seeds and threads give equal bytes.
            sample: most vectors to train on, drawn without looking at them; what is enough if None.
            too_few: with too few vectors for a codebook, `fewer_bits` makes it smaller and says so;
                `refuse` is an error.

        Raises:
            SemcomError: the form is none, does not fit the dimensions, there are too few vectors, or the seed
                is below 0.
        """
        count = len(source.ids)
        if not count or seed < 0:
            raise SemcomError(f"a base of {count} vectors by seed {seed}; give at least 1, and 0 or more")
        wanted = parse(form)
        chosen = min(count, sample or wanted.sample)
        trained = fitted(wanted, dim=source.dim, vectors=chosen, too_few=too_few)
        drawn = np.sort(np.random.default_rng([seed, 1]).permutation(count)[:chosen])
        picked = [unit(piece, "vector of the sample") for piece in source.chunks(drawn)]
        linear, empty = index.train(trained, np.concatenate(picked), seed=seed)
        about = About(
            asked=form,
            form=str(trained),
            dim=source.dim,
            seed=seed,
            sample=chosen,
            mentor=dict(source.mentor),
            mentor_sha256=mentor_sha256(source.mentor),
        )
        base = cls(empty, linear, np.empty(0, np.int64), about)
        base.add(source)
        return base

    def add(self, source: Source) -> None:
        """Code more vectors with the codebooks that are there.

        Raises:
            SemcomError: they are of another mentor or dimension, or an id is there already: nothing is added
                then. Or one has no direction: those in the pieces before it are added.
        """
        self.about.check_dim(source.dim)
        self.about.check_mentor(source.mentor)
        ids = np.asarray(source.ids, np.int64)
        known = np.isin(ids, self.ids)
        if known.any() or len(np.unique(ids)) < len(ids):
            which = f"{ids[known][0]} is in the base already" if known.any() else "one stands twice"
            raise SemcomError(f"of {len(ids)} ids to add {which}; give each vector an id of its own")
        before = len(self)
        try:
            for piece in source.chunks():
                vectors = unit(piece, "vector")
                self.index.add(self.linear.apply(vectors) if self.linear else vectors)
        finally:
            added = self.index.ntotal - before
            self.ids = np.concatenate([self.ids, ids[:added]])
            self.about = self.about.with_source(source.data, added)

    def search(
        self,
        queries: Vectors,
        k: int,
        *,
        probes: int | None = None,
        mentor: Mapping[str, Any] | None = None,
    ) -> tuple[Vectors, Positions]:
        """The k nearest vectors of each query.

        Args:
            queries: (Q, dim), of any length; Q may be 0.
            k: how many, at least 1.
            probes: of a form with lists, how many of them to look through; the eighth part if None.
            mentor: what made the queries; None where an encoder did that learnt under the base.

        Returns:
            Similarities and positions (Q, k), nearest first: 1 − ½ distance² from the decoded vectors before
            they are scaled to unit length, which is the cosine where nothing is lost. Position -1 where fewer
            than k were found.

        Raises:
            SemcomError: the queries are no array (Q, dim), of another dimension or mentor, or one is zero; or
                k or `probes` is no whole number from 1 on.
        """
        if len(getattr(queries, "shape", ())) != 2:
            shape = getattr(queries, "shape", None) or f"of type {type(queries).__name__}"
            raise SemcomError(f"queries {shape}: give an array of shape (Q, {self.about.dim})")
        for name, value in {"k": k, "probes": 1 if probes is None else probes}.items():
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise SemcomError(f"a search with {name} {value!r}; give a whole number from 1 on")
        self.about.check_dim(queries.shape[1])
        if mentor is not None:
            self.about.check_mentor(mentor)
        wanted = unit(np.array(queries, np.float32, order="C"), "query")
        if self.linear:
            wanted = self.linear.apply(wanted)
        distance, position = index.nearest(self.index, wanted, int(k), probes=probes)
        return np.where(position < 0, -np.inf, 1 - distance / 2).astype(np.float32), position

    def decode(self, positions: Positions | None = None) -> Vectors:
        """Vectors (…, dim) of unit length at `positions` (…), all of them if None.

        Raises:
            SemcomError: there is no such position.
        """
        at = np.arange(len(self)) if positions is None else np.asarray(positions, np.int64)
        if at.size and (at.min() < 0 or at.max() >= len(self)):
            raise SemcomError(
                f"position {at.min() if at.min() < 0 else at.max()} is none of 0 to {len(self) - 1}"
            )
        return unit(self._decoded(at.ravel()), "decoded vector").reshape(*at.shape, self.about.dim)

    def positions(self, ids: Positions) -> Positions:
        """Position (…) of each id, -1 where the base has none."""
        order = np.argsort(self.ids, kind="stable")
        place = np.searchsorted(self.ids, ids, sorter=order).clip(max=len(self) - 1)
        found: Positions = np.where(self.ids[order[place]] == ids, order[place], -1)
        return found

    def sizes(self) -> dict[str, int]:
        """Bytes as shipped, by part; they add up to the file's.

        `codes`, `codebooks`, `lists` (inverted ones: centroids, and where each vector stands), `rotation`
        (the linear map), `ids`, and `description` (what the base says of itself, headers, checksum).
        """
        parts = index.sizes(self.index)
        others = {name: len(content) for name, content in self._others().items()}
        headers = parts.pop("headers")
        lengths = {"index": sum(parts.values()) + headers, **others}
        return {
            **parts,
            "rotation": sum(others.get(name, 0) for name in LINEAR),
            "ids": others["ids"],
            "description": headers + container.overhead(asdict(self.about), lengths),
        }

    def save(self, path: Path) -> None:
        """Write the base to one file, atomically."""
        sections: dict[str, Callable[[container.Write], object]] = {
            "index": lambda put: index.write(self.index, put)
        }
        for name, content in self._others().items():
            sections[name] = lambda put, content=content: put(content)  # type: ignore[misc]
        container.write(path, sections, asdict(self.about))

    @classmethod
    def load(cls, path: Path) -> "SharedBase":
        """The base that `save` wrote.

        Raises:
            SemcomError: the file is missing, truncated or damaged, or a private base's.
        """
        content = container.read(path)
        if "labels" in content.places:
            raise SemcomError(
                f"{path} is a private knowledge base; give the shared one that its encoder learnt under "
                "(PrivateBase.load opens this one)"
            )
        return cls.of(content, path)

    @classmethod
    def of(cls, content: container.Content, path: Path) -> "SharedBase":
        """The base that a file's content is of; raises as `load`."""
        try:
            return cls._of(content)
        except SemcomError:
            raise
        except CRAFTED as error:
            raise SemcomError(
                f"the knowledge base {path} is whole, but its content is none ({index.reason(error)}); get "
                "it anew, or remove it and run its job again"
            ) from error

    @classmethod
    def _of(cls, content: container.Content) -> "SharedBase":
        about = About.of(content.about)
        linear = None
        if "matrix" in content.places:
            matrix, *others = (np.frombuffer(content.bytes(name), "<f4") for name in LINEAR)
            linear = Linear(matrix.reshape(-1, about.dim), *others)
        coded, ids = content.read("index", index.read), unpack(content.bytes("ids"))
        if coded.ntotal != len(ids):
            raise ValueError(f"{coded.ntotal} vectors and {len(ids)} ids")
        return cls(coded, linear, ids, about)

    def _others(self) -> dict[str, bytes]:
        """What the file has beside the index."""
        found = {"ids": pack(self.ids)}
        if self.linear:
            found |= {name: getattr(self.linear, name).astype("<f4").tobytes() for name in LINEAR}
        return found

    def _decoded(self, at: Positions) -> Vectors:
        coded = index.decoded(self.index, at)
        return self.linear.back(coded) if self.linear else coded
