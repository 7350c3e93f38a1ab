"""Recorded results of tools that are not DBOS steps.

Such a tool is called from workflow code, so every replay would call it again. Its result is therefore read from the
requests that were sent to the model afterwards.
"""

from collections import Counter, defaultdict
from threading import Lock
from typing import Any

from refork.frameworks.protocol import Framework, ToolResult
from refork.records import Run
from refork.tool_policy import last_part
from refork.tool_policy.canonical_arguments import canonical


class RecordedToolResults:
    """The results of a recorded run's tools that are not DBOS steps, each returned in recorded order. Thread-safe."""

    def __init__(self, run: Run, framework: Framework | None) -> None:
        self._steps = {step.tool or last_part(step.name) for step in run.steps}
        self._results: dict[tuple[str, str], list[ToolResult]] = defaultdict(list)
        self._taken: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()
        for result in _in_order(run, framework):
            self._results[result.name, canonical(result.arguments)].append(result)

    def fresh(self) -> "RecordedToolResults":
        """Return the same results, none of them used."""
        other = object.__new__(RecordedToolResults)
        other.__dict__.update(self.__dict__)
        other._taken, other._lock = Counter(), Lock()
        return other

    def is_step(self, name: str) -> bool:
        """Return whether a tool of that name is a DBOS step of the run, so that DBOS answers it itself."""
        return name in self._steps

    def next_result(self, name: str, arguments: Any) -> ToolResult | None:
        """Return the recorded result of this call, in recorded order.

        Repeats the last one if the call is made more often than it was recorded. Returns None if it was not recorded,
        or if the tool is a DBOS step.
        """
        if self.is_step(name):
            return None
        key = (name, canonical(arguments))
        results = self._results.get(key, [])
        with self._lock:
            place = self._taken[key]
            self._taken[key] += 1
        return results[min(place, len(results) - 1)] if results else None


def _in_order(run: Run, framework: Framework | None) -> list[ToolResult]:
    seen: dict[str, ToolResult] = {}
    for step in run.steps if framework is not None else ():
        if step.request is not None and framework is not None:
            for result in framework.tool_results(step.request):
                seen.setdefault(result.id, result)
    return list(seen.values())
