import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from semcom import cli
from semcom.files.errors import SemcomError
from semcom.training import weights
from semcom.training.state import state

HOLDER = """
import sys, time
from pathlib import Path
from semcom.training.state import state
with state(Path(sys.argv[1]), "d") as held:
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_folder_held_by_a_live_job_is_refused_and_freed_by_its_death(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(SemcomError, match=f"held by another process .*pid {holder.pid}"),
        state(tmp_path, "d"),
    ):
        pass
    holder.kill()
    holder.wait()
    with state(tmp_path, "d") as held:
        assert not held.resumed


def test_a_full_disk_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with (
            pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/d.lock'"),
            state(tmp_path, "d"),
        ):
            pass
    for words in (["--state", "results/.state"], ["--state=results/.state"]):
        monkeypatch.setattr(cli, "app", full)
        monkeypatch.setattr(sys, "argv", ["semcom", "links", "table", *words])
        caplog.clear()
        with pytest.raises(SystemExit), caplog.at_level("ERROR", "semcom"):
            cli.main()
        assert (
            "No space left on device (training states go to results/.state); free some space" in caplog.text
        )


def test_state_is_kept_on_failure_and_removed_on_success(tmp_path: Path) -> None:
    def fail() -> None:
        with state(tmp_path, "d") as held:
            held.save("a", {"x": torch.ones(2), "n": [1, 2.5]})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with state(tmp_path, "d") as held:
        assert held.resumed
        assert held.load("a")["n"] == [1, 2.5]
        assert held.load("b") is None
        held.remove("a")
        assert held.load("a") is None
    assert not (tmp_path / "d").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SemcomError, match=f"cannot write {tmp_path}"), state(tmp_path / "s", "d"):
        pass


def test_equal_content_gives_equal_bytes_under_any_name(tmp_path: Path) -> None:
    for name in ("a.pt", "other.pt"):
        weights.save(tmp_path / name, {"w": torch.arange(5)})
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "other.pt").read_bytes()


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    weights.save(path, {"w": torch.arange(1000)})
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SemcomError, match=r"w\.pt"):
        weights.load(path)


def test_other_objects_in_weights_are_refused_without_advice_to_run_them(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    weights.save(path, {"w": Path()})
    with pytest.raises(
        SemcomError, match=r"w\.pt \(it holds something else than tensors, .*\); remove it"
    ) as seen:
        weights.load(path)
    assert "weights_only" not in str(seen.value)


def test_a_changed_byte_in_weights_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    weights.save(path, {"w": torch.arange(1000, dtype=torch.float32)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SemcomError, match=r"w\.pt \(the checksum of .* is wrong\); remove it"):
        weights.load(path)


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    weights.save(tmp_path / "w.pt", {"weight": torch.ones(2, 3), "bias": torch.ones(2)})
    weights.load_into(torch.nn.Linear(3, 2), tmp_path / "w.pt")
    with pytest.raises(SemcomError, match=r"w\.pt does not hold the weights"):
        weights.load_into(torch.nn.Linear(4, 2), tmp_path / "w.pt")
    with pytest.raises(SemcomError, match=r"does not hold under '5' the weights"):
        weights.load_into(torch.nn.Linear(3, 2), tmp_path / "w.pt", part="5")
    (tmp_path / "w.pt").write_bytes(b"")
    with pytest.raises(SemcomError, match=r"cannot read the weights in .*w\.pt"):
        weights.load_into(torch.nn.Linear(3, 2), tmp_path / "w.pt")


def test_a_damaged_note_of_the_cpu_blocks_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with state(tmp_path, "d") as held:
            held.save("a", 1)
            (held.folder / "machine.json").write_text("{")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with state(tmp_path, "d") as held:
        assert held.load("a") == 1
