"""The commit that a session measured, as git says it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_DIRTY: Final = "-dirty"
_DIGEST: Final = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit; ``dirty`` says that tracked files differ from it."""

    digest: str
    dirty: bool


def commit_of(folder: Path) -> Commit | None:
    """Return the commit that is checked out; None without git, outside a repository, or before a first commit."""
    command = ["git", "describe", "--always", "--abbrev=64", "--exclude=*", f"--dirty={_DIRTY}"]
    try:
        done = subprocess.run(  # noqa: S603 - git itself, with constant arguments
            command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    said = done.stdout.strip()
    digest = said.removesuffix(_DIRTY)
    if done.returncode or not _DIGEST.fullmatch(digest):
        return None
    return Commit(digest=digest, dirty=said.endswith(_DIRTY))
