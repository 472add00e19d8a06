"""CIFAR-10's two releases, and pickles that are programs."""

import codecs
import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest
from picture_files import write_tar, write_tree

from semcom.files.errors import SemcomError
from semcom.prepare.cifar import BATCHES, CLASSES, cifar10, find
from semcom.prepare.trees import open_trees
from semcom.prepare.unpickle import unpickle

N = 4
DRAWS = np.random.default_rng(0)
IMAGES = {batch: DRAWS.integers(0, 256, (N, 32, 32, 3), dtype=np.uint8) for batch in BATCHES}
LABELS = {batch: [int(n) for n in DRAWS.integers(0, 10, N)] for batch in BATCHES}


def planes(batch: str) -> np.ndarray:
    """(N, 3072): all of red, row by row, then green, then blue."""
    return IMAGES[batch].transpose(0, 3, 1, 2).reshape(N, 3072)


def binary() -> dict[str, bytes]:
    return {
        f"cifar-10-batches-bin/{batch}.bin": b"".join(
            bytes([label]) + row.tobytes() for label, row in zip(LABELS[batch], planes(batch), strict=True)
        )
        for batch in BATCHES
    }


def as_python_2(value: dict[str, object]) -> bytes:
    """As cPickle of Python 2 wrote it, protocol 2: texts as byte strings, numpy's old module names."""
    shape, data = value["data"].shape, value["data"].tobytes()
    out = io.BytesIO()

    def text(item: bytes) -> None:
        out.write(b"U" + bytes([len(item)]) + item)

    out.write(b"\x80\x02}(")
    text(b"data")
    out.write(b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR")
    out.write(b"(K\x01" + b"M" + struct.pack("<H", shape[0]) + b"M" + struct.pack("<H", shape[1]) + b"\x86")
    out.write(
        b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    )
    out.write(b"T" + struct.pack("<I", len(data)) + data + b"tb")
    text(b"labels")
    out.write(b"](" + b"".join(b"K" + bytes([label]) for label in value["labels"]) + b"e")
    text(b"batch_label")
    text(b"training batch 1 of 5")
    out.write(b"u.")
    return out.getvalue()


def python() -> dict[str, bytes]:
    return {
        f"cifar-10-batches-py/{batch}": as_python_2({"data": planes(batch), "labels": LABELS[batch]})
        for batch in BATCHES
    }


def python_3(protocol: int) -> dict[str, bytes]:
    return {
        batch: pickle.dumps({b"data": planes(batch), b"labels": LABELS[batch], b"x": b"\xff"}, protocol)
        for batch in BATCHES
    }


def check(given) -> None:
    read = dict(given.pictures)
    assert list(read) == list(given.known)
    for batch in BATCHES:
        for number in range(N):
            name = f"{batch}/{number}"
            np.testing.assert_array_equal(read[name], IMAGES[batch][number])
            known = given.known[name]
            assert known.label == CLASSES[LABELS[batch][number]]
            assert known.split == ("test" if batch == "test_batch" else "train")


@pytest.mark.parametrize("release", [binary, python, lambda: python_3(2), lambda: python_3(4)])
def test_every_release_gives_the_same_images(release, tmp_path):
    for path in (write_tree(tmp_path / "x", release()), write_tar(tmp_path / "x.tar.gz", release())):
        tree = open_trees([path])
        check(cifar10(tree, find(tree)))


def test_binary_is_preferred_where_both_are(tmp_path):
    tree = open_trees([write_tree(tmp_path, binary() | python())])
    assert find(tree)["data_batch_1"].endswith(".bin")


def test_the_hand_made_pickle_is_one_of_python_2():
    made = as_python_2({"data": planes("test_batch"), "labels": [1]})
    names = [op.name for op, _, _ in pickletools.genops(made)]
    assert {"PROTO", "SHORT_BINSTRING", "BINSTRING", "GLOBAL"} <= set(names)


def test_faults_name_the_batch(tmp_path):
    files = binary()
    name = "cifar-10-batches-bin/data_batch_3.bin"
    for change, said in (
        (files[name][:-1], "data_batch_3.bin of .* no multiple of 3073 .* truncated"),
        (files[name][:3073], "the batches have .*'data_batch_3': 1.*all should have as many"),
        (b"\x0a" + files[name][1:], "labels of 4 images, or not in 0..9"),
        (b"", "has 0 bytes"),
    ):
        tree = open_trees([write_tree(tmp_path, files | {name: change})])
        with pytest.raises(SemcomError, match=said):
            cifar10(tree, find(tree))
    (tmp_path / name).unlink()
    tree = open_trees([tmp_path])
    with pytest.raises(SemcomError, match="lacks data_batch_3 of CIFAR-10"):
        cifar10(tree, find(tree))


def test_pickles_of_something_else(tmp_path):
    whole = python()
    name = "cifar-10-batches-py/test_batch"
    good = {b"data": planes("test_batch"), b"labels": LABELS["test_batch"]}
    for change, said in (
        (whole[name][:-200], "truncated or no pickle of arrays"),
        (b"\x80\x05garbage", "truncated or no pickle"),
        (pickle.dumps([1, 2]), "is no batch of CIFAR-10"),
        (pickle.dumps({b"data": planes("test_batch")}), "no batch of CIFAR-10.*labels"),
        (pickle.dumps(good | {b"data": good[b"data"].astype(float)}), "no batch of CIFAR-10.*float64"),
        (pickle.dumps(good | {b"labels": [0, 1]}), "no batch of CIFAR-10.*2 labels"),
        (pickle.dumps(good | {b"labels": ["a"] * N}), "no batch of CIFAR-10"),
        (pickle.dumps(good | {b"labels": [0, 1, 2, 99]}), "not in 0..9"),
    ):
        tree = open_trees([write_tree(tmp_path, whole | {name: change})])
        with pytest.raises(SemcomError, match=said):
            cifar10(tree, find(tree))


class Evil:
    """Calls `function` with `arguments` when it is unpickled."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def test_an_evil_pickle_is_refused_before_it_does_anything(tmp_path):
    ran = tmp_path / "it ran"
    for evil, names in (
        (Evil(os.system, f"touch '{ran}'"), "posix.system"),
        (Evil(eval, f"open({str(ran)!r}, 'w')"), "builtins.eval"),
        (Evil(__import__, "antigravity"), "builtins.__import__"),
        (Evil(np.fromfile, str(ran)), "numpy.fromfile"),
        (Evil(getattr, np.dtype, "type"), "builtins.getattr"),
        (Evil(codecs.lookup, "rot13"), "_codecs.lookup"),
    ):
        data = pickle.dumps({b"data": evil, b"labels": [1]})
        with pytest.raises(SemcomError, match=f"it is a pickle that names {names}, .*nothing was run"):
            unpickle(data, where="it")
    assert not ran.exists()


def test_allowed_names_in_another_use():
    with pytest.raises(SemcomError, match="no pickle of arrays .bytes in the encoding 'rot13'"):
        unpickle(pickle.dumps(Evil(codecs.encode, "abc", "rot13")), where="it")
    with pytest.raises(SemcomError, match="truncated or no pickle of arrays"):
        unpickle(pickle.dumps(Evil(np.ndarray, (2**62,))), where="it")


def test_dotted_names_and_outside_objects_are_refused():
    # Protocol 4 reaches attributes by dots: numpy's `ndarray.tofile` must not be had by `ndarray`.
    dotted = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(SemcomError, match=r"names numpy\.ndarray\.tofile"):
        unpickle(dotted, where="it")
    with pytest.raises(SemcomError, match="names the outside object b'x'"):
        unpickle(b"\x80\x02U\x01xQ.", where="it")
    with pytest.raises(SemcomError, match="names copyreg"):
        unpickle(b"ccopyreg\n_reconstructor\n(cnumpy\nndarray\ncbuiltins\nobject\nNtR.", where="it")
