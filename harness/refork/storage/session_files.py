"""The names of a session's files in a project's cache folder."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from refork.storage.process_locks import held_file

SUFFIX: Final = ".answers"
MAIN: Final = "main"
_OVER: Final = "over"


@dataclass(frozen=True, kw_only=True)
class ProcessJournal:
    """The journal of one process of a session: ``<session>-<name>.answers``, and the lock beside it.

    It is over once its session ended, even if its answers could not be written elsewhere.
    """

    folder: Path
    session: str
    name: str
    is_over: bool = False

    @classmethod
    def at(cls, path: Path) -> Self:
        stem = path.name.removesuffix(SUFFIX)
        session, _, name = stem.removesuffix(f".{_OVER}").partition("-")
        return cls(folder=path.parent, session=session, name=name, is_over=stem.endswith(f".{_OVER}"))

    @property
    def path(self) -> Path:
        return self.folder / f"{self._stem}{SUFFIX}"

    @property
    def lock(self) -> Path:
        return self.folder / f"{self._stem}.lock"

    @property
    def _stem(self) -> str:
        stem = f"{self.session}-{self.name}" if self.name else self.session
        return f"{stem}.{_OVER}" if self.is_over else stem

    def remove(self) -> None:
        """Delete the journal, whose answers are stored elsewhere."""
        self.path.unlink(missing_ok=True)
        self.lock.unlink(missing_ok=True)

    def retire(self) -> None:
        """Keep the journal of a session that is over."""
        if not self.is_over:
            self.path.replace(replace(self, is_over=True).path)
            self.lock.unlink(missing_ok=True)

    def is_orphan(self, held: Collection[Self]) -> bool:
        """Return whether the process lives and the one that it works for does not. ``held`` are journals that this
        process holds.
        """
        main = replace(self, name=MAIN)
        if self == main:
            return False
        if main in held or not main.lock.exists():
            return True
        with held_file(main.lock) as is_free:
            return is_free


def parts_in(folder: Path) -> list[ProcessJournal]:
    """Return the journals in a project's cache folder."""
    return [ProcessJournal.at(path) for path in sorted(folder.glob(f"*{SUFFIX}"))] if folder.is_dir() else []
