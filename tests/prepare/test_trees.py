"""Folders and archives give the same files; nothing leads out of an archive; what is cut off is named."""

import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from picture_files import numbered, picture, write_tar, write_tree, write_zip

from semcom.files.errors import SemcomError
from semcom.prepare import archives
from semcom.prepare.trees import open_trees

FILES = numbered("top/b/2.png", "top/a/1.png", "top/a/3.png") | {"top/notes.txt": b"hello"}
HIDDEN = {"top/.DS_Store": b"x", "__MACOSX/top/a/._1.png": b"x", ".git/config": b"x"}


def as_folder(folder: Path) -> Path:
    return write_tree(folder / "tree ü", FILES | HIDDEN)


def as_zip(folder: Path) -> Path:
    return write_zip(folder / "tree.zip", FILES | HIDDEN)


def as_tar(folder: Path) -> Path:
    return write_tar(folder / "tree.tar", FILES | HIDDEN)


def as_gz(folder: Path) -> Path:
    return write_tar(folder / "tree.tar.gz", FILES | HIDDEN, prefix="./")


def as_xz(folder: Path) -> Path:
    return write_tar(folder / "tree.tar.xz", FILES | HIDDEN)


WAYS = (as_folder, as_zip, as_tar, as_gz, as_xz)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_files_whatever_holds_them(way, tmp_path):
    tree = open_trees([way(tmp_path)])
    assert tree.names == tuple(sorted(FILES))
    assert tree.folders == ("top", "top/a", "top/b")
    wanted = ["top/b/2.png", "top/a/1.png"]
    assert dict(tree.read(wanted)) == {name: FILES[name] for name in wanted}
    assert dict(tree.read(tree.names)) == FILES  # again, and all
    tree.close()


def test_empty_folders_are_there(tmp_path):
    (as_folder(tmp_path) / "top" / "c").mkdir()
    with zipfile.ZipFile(as_zip(tmp_path), "a") as archive:
        archive.mkdir("top/c")
    with tarfile.open(as_tar(tmp_path), "a") as archive:
        member = tarfile.TarInfo("top/c")
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    for path in ("tree ü", "tree.zip", "tree.tar"):
        assert "top/c" in open_trees([tmp_path / path]).folders


def test_a_folder_of_archives_stands_for_them(tmp_path):
    write_tar(tmp_path / "train.tar.xz", numbered("train/a/1.png"))
    write_zip(tmp_path / "test.zip", {"test/a/1.png": picture(9)})
    (tmp_path / "README.md").write_text("about")
    tree = open_trees([tmp_path])
    assert tree.names == ("test/a/1.png", "train/a/1.png")
    assert dict(tree.read(["test/a/1.png"])) == {"test/a/1.png": picture(9)}
    same = open_trees([tmp_path / "train.tar.xz", tmp_path / "test.zip"])
    assert same.names == tree.names
    with pytest.raises(SemcomError, match="have 1 files of the same name, train/a/1.png"):
        open_trees([tmp_path / "train.tar.xz", write_tar(tmp_path / "x.tar", numbered("train/a/1.png"))])


def test_several_folders_keep_their_names(tmp_path):
    for part in ("train", "test"):
        write_tree(tmp_path / part, numbered("a/1.png"))
    tree = open_trees([tmp_path / "train", tmp_path / "test"])
    assert tree.names == ("test/a/1.png", "train/a/1.png")
    assert tree.folders == ("test/a", "train/a")
    assert len(list(tree.read(tree.names))) == 2


def test_links_in_a_folder_are_followed_and_circles_end(tmp_path):
    folder = as_folder(tmp_path)
    write_tree(tmp_path / "elsewhere", {"4.png": picture(4)})
    (folder / "top" / "c").symlink_to(tmp_path / "elsewhere")
    (folder / "top" / "a" / "round").symlink_to(folder)
    tree = open_trees([folder])
    assert "top/c/4.png" in tree.names
    assert len(tree.names) == len(FILES) + 1


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png", "a\\..\\..\\e", "C:/e"])
def test_members_that_lead_out_refuse_the_archive(name, tmp_path):
    for path in (
        write_zip(tmp_path / "x.zip", {"a/1.png": b"1", name: b"2"}),
        write_tar(tmp_path / "x.tar", {"a/1.png": b"1", name: b"2"}),
    ):
        with pytest.raises(SemcomError, match="leads out of its folder; nothing of such an archive is read"):
            open_trees([path])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        member = tarfile.TarInfo("a/1.png")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(SemcomError, match="is a link, a device or encrypted"):
        open_trees([tmp_path / "x.tar"])


def test_links_in_a_zip_and_members_that_claim_to_be_huge(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        member = zipfile.ZipInfo("a/1.png")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(SemcomError, match="is a link"):
        open_trees([tmp_path / "x.zip"])
    monkeypatch.setattr(archives, "LARGEST", 100)
    for path in (as_zip(tmp_path), as_tar(tmp_path)):
        with pytest.raises(SemcomError, match="claims .* bytes, over 100"):
            open_trees([path])


def everything(path: Path) -> dict[str, bytes]:
    tree = open_trees([path])
    return dict(tree.read(tree.names))


@pytest.mark.parametrize("way", WAYS[1:])
def test_cut_off_archives(way, tmp_path):
    path = way(tmp_path)
    whole = path.read_bytes()
    end = len(whole.rstrip(b"\0"))  # a tar is filled up with zeros
    for keep in (end // 2, end * 9 // 10, 30):
        path.write_bytes(whole[:keep])
        with pytest.raises(SemcomError, match=f"{path.name}.*(truncated|no whole archive)"):
            everything(path)


def test_a_tar_cut_off_between_two_members(tmp_path):
    path = write_tar(tmp_path / "x.tar", {"a/1.png": bytes(512), "a/2.png": bytes(512)})
    path.write_bytes(path.read_bytes()[: 2 * 512])
    with pytest.raises(SemcomError, match="its end is missing"):
        open_trees([path])


def test_a_damaged_member_and_a_name_twice(tmp_path):
    path = as_zip(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"IHDR") + 20] ^= 0xFF
    path.write_bytes(data)
    tree = open_trees([path])
    with pytest.raises(SemcomError, match="tree.zip is truncated or damaged at top/b/2.png"):
        list(tree.read(tree.names))
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", b"2")
    with pytest.raises(SemcomError, match="1 members twice, 'a.png' first"):
        open_trees([tmp_path / "y.zip"])


def test_what_is_no_folder_and_no_archive(tmp_path):
    (tmp_path / "x.rar").write_bytes(b"Rar!")
    (tmp_path / "x.zip").write_bytes(b"PK nothing")
    for name, said in (
        ("x.rar", "no folder and no whole archive"),
        ("x.zip", "no whole"),
        ("y", "there is no"),
    ):
        with pytest.raises(SemcomError, match=said):
            open_trees([tmp_path / name])
