"""A write that is killed, or that fails, leaves nothing that a user would commit."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from refork.errors import BadFileError
from refork.storage import files as storage
from refork.storage.files import write_atomically
from refork.storage.temporary_folders import temporary

KILLED = """
import os, signal, sys
from pathlib import Path
from refork.storage import files
from refork.storage.files import write_atomically
if sys.argv[2] == "named":
    files._nameless = lambda folder: None
def parts():
    yield "half"
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), parts())
"""


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def nothing(*_given: object) -> None:
    """As a system answers that has no such files."""


def killed(path: Path, how: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), how], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no files without a name")
def test_a_killed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("old", encoding="utf-8")
    killed(tmp_path / "summary.md", "nameless")
    assert names(tmp_path) == ["summary.md"]
    assert (tmp_path / "summary.md").read_text("utf-8") == "old"


def test_files_of_dead_processes_are_deleted_at_the_next_write_in_that_folder(tmp_path: Path) -> None:
    killed(tmp_path / "summary.md", "named")
    assert len(names(tmp_path)) == 1
    write_atomically(tmp_path / "results.json", "new")
    assert names(tmp_path) == ["results.json"]


def test_what_a_living_process_writes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    left = [f".summary.md.{os.getpid()}.01234567.tmp", ".notes.tmp", "summary.md.99999999.01234567.tmp"]
    for name in left:
        (tmp_path / name).touch()
    write_atomically(tmp_path / "results.json", "new")
    assert names(tmp_path) == sorted([*left, "results.json"])


@pytest.mark.parametrize("how", ["nameless", "named", "no link"])
def test_a_write_that_fails_leaves_the_old_file_alone(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "named":
        monkeypatch.setattr(storage, "_nameless", nothing)
    if how == "no link":
        monkeypatch.setattr(storage, "_linked", nothing)

    def parts() -> Iterator[str]:
        yield "half"
        raise OSError(28, "No space left on device")

    path = tmp_path / "résumé.md"
    write_atomically(path, "whole: é")
    with pytest.raises(BadFileError, match="No space left"):
        write_atomically(path, parts())
    assert names(tmp_path) == ["résumé.md"]
    assert path.read_text("utf-8") == "whole: é"


HELD = """
import os, signal
from refork.storage.temporary_folders import temporary_folder
print(temporary_folder("test"), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_temporary_folder_of_a_dead_process_goes_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    done = subprocess.run(
        [sys.executable, "-c", HELD], capture_output=True, encoding="utf-8", check=False, timeout=60
    )
    left = Path(done.stdout.strip())
    assert left.is_dir()
    (tmp_path / "refork-test-mine").mkdir()
    with temporary("test") as first, temporary("test") as second:
        assert not left.exists()
        assert first.is_dir()
        assert second.is_dir()
    assert names(tmp_path) == ["refork-test-mine"]
