"""Forms of a shared base: read, written back, fitted to dimensions and to how many vectors there are."""

import faiss
import pytest

from semcom.files.errors import SemcomError
from semcom.params.form import parse
from semcom.params.formfit import fitted

FORMS = (
    "Flat", "SQ8", "SQ4", "SQ6", "SQfp16", "SQbf16", "PQ64", "PQ32x6", "PQ8x12", "PQ32x4fs", "Clusters1024",
    "PCA256,PQ32", "PCAR256,SQ8", "PCAW64,PQ16", "PCAWR64,PQ16", "RR128,PQ8", "OPQ32,PQ32", "OPQ32_256,PQ32",
    "PCA256,OPQ16,PQ16", "IVF256,Flat", "IVF256,PQ32", "IVF256,PQ32x4fs", "IVF256,PQ32x4fsr", "IVF256,SQ8",
    "OPQ32_256,IVF256,PQ32x4fs", "PCA64,Clusters256",
)  # fmt: skip


@pytest.mark.parametrize("text", FORMS)
def test_a_form_is_written_back_as_it_was_read_and_faiss_knows_it(text: str) -> None:
    form = parse(text)
    assert str(form) == text
    assert parse(str(form)) == form
    assert faiss.index_factory(512, form.faiss).d == 512


def test_clusters_are_one_codebook() -> None:
    whole = faiss.index_factory(64, parse("Clusters1024").faiss)
    index = faiss.downcast_index(whole)
    assert (index.pq.M, index.pq.nbits, index.pq.ksub) == (1, 10, 1024)
    assert str(parse("PQ1x10")) == "Clusters1024"


def test_no_time_goes_into_polysemous_codes() -> None:
    """Which `PQ64` asks faiss for, and nothing here searches by."""
    plain, ours = (faiss.index_factory(64, form) for form in ("PQ8", parse("PQ8").faiss))
    assert faiss.downcast_index(plain).do_polysemous_training
    assert not faiss.downcast_index(ours).do_polysemous_training


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Foo", "'Foo' in the form 'Foo' is not supported there; a form is any transforms, OPQ32"),
        ("HNSW32", "'HNSW32' in the form 'HNSW32' is not supported there; a form is"),
        ("L2norm,PQ8", "'L2norm' in the form 'L2norm,PQ8' is not supported there"),
        ("", "'' in the form '' is not supported"),
        ("IVF256", "'IVF256' in the form 'IVF256' is not supported"),
        ("PQ32,PCA256", "'PQ32' in the form"),
        ("PQ0", "'PQ0' in the form"),
        ("PQ 32", "'PQ 32' in the form"),
        ("PQ8x20", "a codebook has at most 16 bits; write PQ8x8"),
        ("PQ8fs", "codebooks of fast scan (fs) have 4 bits; write PQ8x4fs"),
        ("Clusters1000", "a power of two, 2 to 65536; take Clusters1024"),
        ("Clusters1", "a power of two, 2 to 65536; take Clusters2"),
    ],
)
def test_what_is_no_form_says_what_may_be(text: str, said: str) -> None:
    with pytest.raises(SemcomError) as caught:
        parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "dim", "said"),
    [
        ("PQ60", 512, "512 is not divisible by 60; take PQ32 or PQ64"),
        ("PQ30", 1280, "1280 is not divisible by 30; take PQ20 or PQ32"),
        (
            "PCA100,PQ64",
            512,
            "cuts 100 dimensions into 64 sub-vectors, but 100 is not divisible by 64; take PQ50",
        ),
        ("OPQ30_240,PQ16", 512, None),
        ("OPQ30,PQ32", 512, "take OPQ16 or OPQ32"),
        ("PQ600", 512, "take PQ512"),
        ("PCA600,Flat", 512, "PCA600 of the form PCA600,Flat makes 600 dimensions of 512; take at most 512"),
    ],
)
def test_dimensions_that_do_not_divide_name_the_nearest_that_do(
    text: str, dim: int, said: str | None
) -> None:
    if said is None:
        fitted(parse(text), dim=dim, vectors=10**6, too_few="refuse")
        return
    with pytest.raises(SemcomError) as caught:
        fitted(parse(text), dim=dim, vectors=10**6, too_few="refuse")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "vectors", "small"),
    [
        ("PQ32", 39 * 256, "PQ32"),
        ("PQ32", 39 * 256 - 1, "PQ32x7"),
        ("PQ32", 78, "PQ32x1"),
        ("Clusters1024", 39 * 64, "Clusters64"),
        ("IVF256,SQ8", 39 * 100, "IVF64,SQ8"),
        ("IVF256,PQ32", 39 * 16, "IVF16,PQ32x4"),
        ("IVF256,PQ32x4fs", 39 * 16, "IVF16,PQ32x4fs"),
        ("Flat", 1, "Flat"),
        ("SQ8", 1, "SQ8"),
    ],
)
def test_too_few_vectors_take_smaller_codebooks_and_say_so(
    text: str, vectors: int, small: str, caplog: pytest.LogCaptureFixture
) -> None:
    form = parse(text)
    with caplog.at_level("INFO", logger="semcom"):
        assert str(fitted(form, dim=512, vectors=vectors, too_few="fewer_bits")) == small
    assert caplog.messages == (
        [f"form {text}: {vectors} vectors are too few, it takes {need(text)}; it becomes {small}"]
        if small != text
        else []
    )


def need(text: str) -> int:
    return 39 * {"Clusters1024": 1024}.get(text, 256)


@pytest.mark.parametrize(
    ("text", "vectors", "how", "said"),
    [
        ("PQ32", 500, "refuse", "500 vectors are too few to train the form PQ32, which takes 9984 (39 a c"),
        ("PQ32", 500, "refuse", "or take PQ32x3 (too_few: fewer_bits does)"),
        ("PQ32", 77, "fewer_bits", "or take Flat or SQ8"),
        ("PQ32x4fs", 500, "fewer_bits", "takes 624 (39 a centroid); give more vectors, or take Flat or SQ8"),
        ("PQ256", 100, "fewer_bits", "faiss cannot search codebooks of 1 bits over sub-vectors of 2 dimen"),
        ("OPQ8,PQ8", 511, "fewer_bits", "OPQ8 of the form OPQ8,PQ8, which takes more than 511"),
        ("PCA256,PQ16", 256, "fewer_bits", "PCA256 of the form PCA256,PQ16, which takes more than 256"),
    ],
)  # fmt: skip
def test_or_are_refused(text: str, vectors: int, how: str, said: str) -> None:
    with pytest.raises(SemcomError) as caught:
        fitted(parse(text), dim=512, vectors=vectors, too_few=how)  # type: ignore[arg-type]
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sample"),
    [("Flat", 65_536), ("PQ64", 65_536), ("Clusters1024", 65_536), ("IVF4096,PQ8", 262_144)],
)
def test_the_sample_is_what_is_enough(text: str, sample: int) -> None:
    assert parse(text).sample == sample
