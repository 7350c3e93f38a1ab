"""What the model was told of tools that are no DBOS steps: workflow code, which runs again in every replay."""

from collections import Counter, defaultdict
from threading import Lock
from typing import Any

from refork.frameworks.protocol import Framework, ToolResult
from refork.records import Run
from refork.tool_policy import last_part
from refork.tool_policy.canonical_arguments import canonical


class RecordedToolResults:
    """Hands out, in the order of the run, the answers of a recorded run's tools that left no checkpoint."""

    def __init__(self, run: Run, framework: Framework | None) -> None:
        self._steps = {step.tool or last_part(step.name) for step in run.steps}
        self._told: dict[tuple[str, str], list[ToolResult]] = defaultdict(list)
        self._taken: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()
        for told in _in_order(run, framework):
            self._told[told.name, canonical(told.arguments)].append(told)

    def fresh(self) -> "RecordedToolResults":
        """The same answers, none of them handed out."""
        other = object.__new__(RecordedToolResults)
        other.__dict__.update(self.__dict__)
        other._taken, other._lock = Counter(), Lock()
        return other

    def is_step(self, name: str) -> bool:
        """Whether a tool of that name left a checkpoint, by which DBOS answers it."""
        return name in self._steps

    def take(self, name: str, arguments: Any) -> ToolResult | None:
        """What was told for the same call; the last answer again where it was told less often."""
        if self.is_step(name):
            return None
        key = (name, canonical(arguments))
        told = self._told.get(key, [])
        with self._lock:
            place = self._taken[key]
            self._taken[key] += 1
        return told[min(place, len(told) - 1)] if told else None


def _in_order(run: Run, framework: Framework | None) -> list[ToolResult]:
    seen: dict[str, ToolResult] = {}
    for step in run.steps if framework is not None else ():
        if step.request is not None and framework is not None:
            for told in framework.tool_results(step.request):
                seen.setdefault(told.id, told)
    return list(seen.values())
