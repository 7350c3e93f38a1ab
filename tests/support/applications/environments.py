"""Environments of applications, made by uv and kept in a folder that is named by what they hold."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
UV: Final = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
FOLDER_VARIABLE: Final = "REFORK_TEST_ENVIRONMENTS"


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What is installed beside Refork: packages, or the pyproject.toml that names them, and what overrides its pins."""

    packages: tuple[str, ...] = ()
    file: Path | None = None
    overrides: tuple[str, ...] = ()


def interpreter(version: str) -> str:
    """A Python of this version. Skips, and says so, where this machine has none; never for the running one's."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    installed = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
    for candidate in filter(
        None, [*map(str, installed), _found_by_uv(version), shutil.which(f"python{version}")]
    ):
        if _is(candidate, version):
            return candidate
    pytest.skip(f"THERE IS NO PYTHON {version} ON THIS MACHINE: the application was not tried with it")


def environment(python: str, requirements: Requirements) -> Path:
    """The Python of an environment with Refork, as this checkout has it, and what is required beside it."""
    home = _folder() / _key(python, requirements)
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            _make(home, python, requirements)
            (home / "complete").touch()
    return home / "bin/python"


def _make(home: Path, python: str, requirements: Requirements) -> None:
    shutil.rmtree(home, ignore_errors=True)
    _uv("venv", "--python", python, str(home))
    overrides = home / "overrides.txt"
    overrides.write_text("\n".join(requirements.overrides))
    wanted: list[str] = ["--override", str(overrides), "--editable", str(ROOT), *requirements.packages]
    if requirements.file is not None:
        wanted += ["--requirement", str(requirements.file)]
    _uv("pip", "install", "--python", str(home / "bin/python"), *wanted)


def _key(python: str, requirements: Requirements) -> str:
    file = requirements.file
    parts = [python, str(ROOT), (ROOT / "pyproject.toml").read_text(), *requirements.packages]
    parts += ["overrides", *requirements.overrides, file.read_text() if file is not None else ""]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def _folder() -> Path:
    given = os.environ.get(FOLDER_VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return Path(given) if given else cache / "refork-test-environments"


def _found_by_uv(version: str) -> str | None:
    command = [UV, "python", "find", "--no-python-downloads", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return found.stdout.strip() or None


def _is(python: str, version: str) -> bool:
    """Whether it starts, and is what its name says: a shim of pyenv is there for versions that are not."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return False
    return said.stdout.strip() == version


def _uv(command: str, *arguments: str) -> str:
    words: Sequence[str] = [UV, command, *arguments]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stderr}"
    return done.stdout
