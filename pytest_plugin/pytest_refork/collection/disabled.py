"""Reports in one line what pytest leaves out without ``--agent-evals``. Nothing runs."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_refork.option_names import CASE_FILE, MARKER, RUN_FILE

HINT: Final = "run pytest --agent-evals"
_OUTPUT: Final = "refork_left_out"


class Disabled:
    """Counts the cases that pytest walks over and the tests that need ``--agent-evals``."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._cases: set[Path] = set()
        self._tests = 0
        self._by_workers = 0

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> "_LeftOut | None":
        if file_path.name != CASE_FILE or not (file_path.parent / RUN_FILE).is_file():
            return None
        self._cases.add(file_path)
        # Named on the command line, a file that nobody collects would be an error of usage.
        return _LeftOut.from_parent(parent, path=file_path) if parent.session.isinitpath(file_path) else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if item.get_closest_marker(MARKER) is not None:
                item.add_marker(pytest.mark.skip(reason=f"an agent eval: {HINT}"))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._tests = sum(item.get_closest_marker(MARKER) is not None for item in session.items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None]:
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._count
        return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # Every worker collects everything, so each of them has counted the same.
        self._by_workers = max(self._by_workers, getattr(node, "workeroutput", {}).get(_OUTPUT, 0))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        count = self._count or self._by_workers
        if count and self._config.get_verbosity() > -2:
            noun = "case" if count == 1 else "cases"
            terminalreporter.write_line(f"{count} agent-eval {noun} skipped: {HINT}", yellow=True)

    @property
    def _count(self) -> int:
        return len(self._cases) + self._tests


class _LeftOut(pytest.File):
    """A case that was named on the command line without ``--agent-evals``. It has no items."""

    def collect(self) -> Iterator[pytest.Item]:
        return iter(())
