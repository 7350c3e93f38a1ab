"""Messages between pytest-xdist's controller and its running workers, as files in one folder."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from refork.storage.temporary_folders import temporary_folder

INPUT: Final = "refork_shared"
"""The key of a worker's input with the folder."""
_JUST_NOW: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Collected:
    """The result of a worker's collection: the case of each item, by node id, and the messages to print."""

    cases: Mapping[str, str] = field(default_factory=dict[str, str])
    hints: Sequence[str] = ()


class Shared:
    """The folder of the messages. It is created when the controller starts its first worker, never without workers."""

    def __init__(self, folder: Path | None, *, slot: str) -> None:
        self._folder = folder
        self._slot = slot

    @classmethod
    def of(cls, config: pytest.Config) -> "Shared":
        given: dict[str, Any] = getattr(config, "workerinput", {})
        folder = Path(given[INPUT]) if INPUT in given else None
        if folder is not None and not folder.is_dir():
            folder = None  # a worker on another machine
        return cls(folder, slot=str(given.get("workerid", "")))

    def given(self) -> dict[str, str]:
        """Return the part of a worker's input that describes the folder."""
        self._folder = self._folder or temporary_folder("shared")
        return {INPUT: str(self._folder)}

    def close(self) -> None:
        """Delete the folder when the controller ends."""
        if self._folder is not None and not self._slot:
            shutil.rmtree(self._folder, ignore_errors=True)

    def tell(self, collected: Collected) -> None:
        """Send what was collected. Every worker collects the same, so it does not matter which one is received."""
        if self._folder is not None:
            part = self._folder / f"collected-{self._slot}"
            part.write_text(json.dumps(asdict(collected)), "utf-8")
            part.replace(self._folder / "collected.json")

    @property
    def collected(self) -> Collected:
        file = self._file("collected.json")
        return Collected() if file is None else Collected(**json.loads(file.read_text("utf-8")))

    def keep_together(self) -> None:
        """Tell the workers that one with an item of a case will receive all of them. Called by the controller."""
        self._mark("together")

    @property
    def is_saved_together(self) -> bool:
        return self._file("together") is not None

    def stop(self) -> None:
        """Tell the workers to start nothing new. Called by the controller."""
        self._mark("stop")

    @property
    def is_stopped(self) -> bool:
        return self._file("stop") is not None

    @property
    def was_stopped_before(self) -> bool:
        """True if the stop was announced some time ago, so that a signal arriving now is a new one."""
        file = self._file("stop")
        return file is not None and time.time() - file.stat().st_mtime > _JUST_NOW

    def _mark(self, name: str) -> None:
        if self._folder is not None:
            (self._folder / name).touch()

    def _file(self, name: str) -> Path | None:
        """Return the contents of a file; None if it does not exist, as on another machine."""
        file = None if self._folder is None else self._folder / name
        return file if file is not None and file.exists() else None
