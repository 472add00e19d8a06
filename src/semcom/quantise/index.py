"""faiss behind a form: training by a seed, and the bytes of each part of an index.

form ─► faiss index over all of it ─► trained on a sample ─► linear map | index of codes
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import faiss as untyped
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from semcom.files.errors import SemcomError
from semcom.params.form import CHOICES, Form
from semcom.params.formfit import POINTS_A_CENTROID
from semcom.quantise.linear import Linear, Map

faiss: Any = untyped
"""Its type hints lack half of it."""
Vectors = NDArray[np.float32]
Positions = NDArray[np.int64]
SEEDS = 2**31
"""faiss's seeds are C integers."""


def train(form: Form, vectors: Vectors, *, seed: int) -> tuple[Linear | None, Any]:
    """Train a form; it searches by squared Euclidean distance.

    That ranks unit vectors as their cosine does, but not what codes make of them. Ranking decoded vectors by
    inner product found fewer of the right classes, by up to 5 points, and by cosine about as many, less often
    more (k-NN on 5,000 images of CIFAR-10, ten forms).

    Args:
        form: as it can be trained.
        vectors: (N, dim) of unit length.
        seed: of every k-means and random rotation.

    Returns:
        The linear map before the codes, and an empty faiss index of what it makes.

    Raises:
        SemcomError: faiss refuses the form.
    """
    with said(str(form)):
        whole = faiss.index_factory(vectors.shape[1], form.faiss, faiss.METRIC_L2)
        inner, chain = whole, []
        if form.transforms:
            seen = faiss.downcast_index(whole)  # `whole` owns it
            inner = seen.index
            chain = [faiss.downcast_VectorTransform(seen.chain.at(i)) for i in range(seen.chain.size())]
        _seed(form, chain, faiss.downcast_index(inner), len(vectors), seed % SEEDS)
        whole.train(vectors)
        # A copy: faiss's parts live as long as their whole.
        copy = faiss.deserialize_index(faiss.serialize_index(inner))
        return Linear.of(_maps(chain)), _completed(copy)


@contextmanager
def said(form: str) -> Iterator[None]:
    """Turn an error of faiss into ours."""
    try:
        yield
    except RuntimeError as error:
        raise SemcomError(
            f"faiss refuses the form {form} ({reason(error)}); a form may be: {CHOICES}"
        ) from error


def reason(error: Exception) -> str:
    """What an error of faiss, or another, says, without the place in faiss's source."""
    said_last = str(error).rpartition("Error: ")[2]
    return re.sub(r"^Error in .* at \S+:\d+: ", "", said_last).strip() or "it gives no reason"


def _seed(form: Form, chain: list[Any], inner: Any, vectors: int, seed: int) -> None:
    for transform, step in zip(form.transforms, chain, strict=True):
        if transform.kind == "OPQ":
            # Its own quantiser, which rotations are tried on, has 8 bits whatever the form says.
            affordable = max(int(np.log2(max(vectors / POINTS_A_CENTROID, 1))), 1)
            bits = min(form.codes.bits or 8, 8, affordable)
            helper = faiss.ProductQuantizer(step.d_out, transform.books, bits)
            helper.cp.seed = seed
            step.pq = helper
            step.referenced_objects = [helper]
        elif transform.kind == "RR":
            step.init(seed)
    for part in (inner, getattr(inner, "pq", inner)):
        if hasattr(part, "cp"):  # what is clustered
            part.cp.seed = seed


def _maps(chain: list[Any]) -> Iterator[Map]:
    for step in chain:
        matrix = faiss.vector_to_array(step.A).reshape(step.d_out, step.d_in)
        if isinstance(step, faiss.PCAMatrix):
            yield Map(matrix, faiss.vector_to_array(step.b), faiss.vector_to_array(step.mean))
        else:
            yield Map(matrix, np.zeros(step.d_out), np.zeros(step.d_in))


def use_threads(threads: int) -> None:
    """Have faiss, and the linear algebra behind it, compute with so many threads from now on."""
    faiss.omp_set_num_threads(threads)
    threadpool_limits(threads)


def nearest(index: Any, queries: Vectors, k: int, *, probes: int | None) -> tuple[Vectors, Positions]:
    """Squared distances and positions (Q, k), nearest first; position -1 where fewer were found.

    Args:
        index: of N vectors (N, dim).
        queries: (Q, dim).
        k: how many.
        probes: of an index with lists, how many of them to look through; the eighth part if None.
    """
    lists = faiss.try_extract_index_ivf(index)
    if lists is None:
        found = index.search(queries, k)
    else:
        few = faiss.SearchParametersIVF(nprobe=probes or -(-lists.nlist // 8))
        found = index.search(queries, k, params=few)
    distances, positions = found
    return distances, positions


def decoded(index: Any, positions: Positions) -> Vectors:
    """Vectors (n, dim) at `positions` (n,)."""
    lists = faiss.try_extract_index_ivf(index)
    if lists is not None and lists.direct_map.type == faiss.DirectMap.NoMap:
        lists.make_direct_map()
    vectors: Vectors = index.reconstruct_batch(positions)
    return vectors


def write(index: Any, write_bytes: Callable[[bytes], object]) -> None:
    """Write an index through a function, piece by piece, so that it is never in memory twice."""
    lists = faiss.try_extract_index_ivf(index)
    if lists is not None:  # its table of places can be made again
        lists.set_direct_map_type(faiss.DirectMap.NoMap)
    faiss.write_index(index, faiss.PyCallbackIOWriter(write_bytes))


def read(read_bytes: Callable[[int], bytes]) -> Any:
    """The index that `write` wrote, read through a function that gives as many bytes as it is asked for."""
    return _completed(faiss.read_index(faiss.PyCallbackIOReader(read_bytes)))


def _completed(index: Any) -> Any:
    """With what faiss 1.15 forgets when it reads fast scan with lists; decoding crashes without."""
    if hasattr(index, "fine_quantizer") and index.fine_quantizer is None:
        index.fine_quantizer = index.pq
    return index


def sizes(index: Any) -> dict[str, int]:
    """Bytes of an index as written, by part.

    Returns:
        `codes`, `codebooks` (those of scalar quantisers, ranges, included), `lists` (centroids of inverted
        lists, and where each vector stands), and faiss's `headers`.
    """
    total = 0

    def count(piece: bytes) -> None:
        nonlocal total
        total += len(piece)

    write(index, count)
    lists = faiss.try_extract_index_ivf(index)
    if lists is None:
        codes = index.codes.nbytes() if hasattr(index.codes, "nbytes") else index.codes.size()
        places = 0
    else:
        codes = _list_codes(lists)
        places = 8 * index.ntotal + 4 * index.d * lists.nlist
    books = 0
    if hasattr(index, "pq"):
        books = 4 * index.pq.centroids.size()
    elif hasattr(index, "sq"):
        books = 4 * index.sq.trained.size()
    return {"codes": codes, "codebooks": books, "lists": places, "headers": total - codes - books - places}


def _list_codes(lists: Any) -> int:
    stored = faiss.downcast_InvertedLists(lists.invlists)
    counts: list[int] = [stored.list_size(i) for i in range(lists.nlist)]
    if isinstance(stored, faiss.BlockInvertedLists):  # fast scan: whole blocks of 32 vectors
        return sum(-(-n // int(stored.n_per_block)) for n in counts) * int(stored.block_size)
    return sum(counts) * int(stored.code_size)
