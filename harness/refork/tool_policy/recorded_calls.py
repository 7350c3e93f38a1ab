"""The calls of a recorded run, whose results answer the same calls with the same arguments."""

import difflib
import re
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from refork.records import RecordedError, Run, Step, StepKind
from refork.tool_policy import last_part
from refork.tool_policy.canonical_arguments import canonical, shown
from refork.tool_policy.recorded_arguments import arguments_of

_WORDS: Final = 300
_CHARACTERS: Final = 300
"""Characters of two calls that are compared for similarity, because difflib's time grows faster than their square.
"""
_CANDIDATES: Final = 10
_SHOWN: Final = 160


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The recorded result of a call: ``output`` encoded, or ``error``; ``child_run`` if it started a workflow."""

    number: int
    name: str
    output: Any = None
    error: RecordedError | None = None
    child_run: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A recorded call. ``keys`` are its arguments as canonical JSON, empty if they are unknown."""

    recorded: Recorded
    label: str
    keys: tuple[str, ...]


class RecordedCalls:
    """The steps of ``run`` that are not model calls, found by name and arguments.

    ``start`` is the fork point. Calls recorded from there on are returned in the order of the run, each once;
    after that the last one is returned again, or, if there is none, the last one before the fork point. Arguments
    are those of ``Step.arguments``, or of the model's answer that requested the tool. A call with unknown
    arguments is never returned. One object serves one trial; :meth:`fresh` returns the next. Safe to use from many
    threads.
    """

    def __init__(self, run: Run, *, start: int = 0) -> None:
        self._start = start
        self._calls = _calls(run)
        self._by_name: dict[str, list[_Call]] = defaultdict(list)
        self._by_label: dict[str, list[_Call]] = defaultdict(list)
        for call in self._calls:
            self._by_name[call.recorded.name].append(call)
            for label in {call.label, last_part(call.recorded.name)}:
                self._by_label[label].append(call)
        self._by_key: dict[tuple[str, str], list[_Call]] = defaultdict(list)
        for call in self._calls:
            for key in call.keys:
                self._by_key[call.recorded.name, key].append(call)
        self._taken: set[int] = set()
        self._lock = threading.Lock()

    def fresh(self) -> "RecordedCalls":
        """Return the same calls, none of them used, without reading the run again."""
        other = object.__new__(RecordedCalls)
        other.__dict__.update(self.__dict__)
        other._taken, other._lock = set(), threading.Lock()
        return other

    def take(self, name: str, arguments: Any) -> Recorded | None:
        """Return the recorded result of ``name`` for ``arguments``; None if no such call was recorded.

        ``name`` is a step's name, or a tool's or the last part of a step's name if only one step has it.
        ``arguments`` is JSON as :func:`refork.values.encode` writes it, or a model's text.
        """
        same = self._by_key.get((self._name(name), canonical(arguments)), [])
        ahead = [call for call in same if call.recorded.number >= self._start]
        with self._lock:
            untaken = (call for call in ahead if call.recorded.number not in self._taken)
            call = next(untaken, same[-1] if same else None)
            if call is None:
                return None
            self._taken.add(call.recorded.number)
            return call.recorded

    def nearest(self, name: str, arguments: Any) -> str:
        """Return the recorded call that is most similar to this one, in a line to show: of the same name if there
        is one.
        """
        wanted = canonical(arguments)
        same = self._by_name.get(self._name(name), [])
        found = _most_like(f"{name}({wanted})", same or self._calls)
        if found is None:
            return "no call of any tool or step was recorded"
        said = f"step {found.recorded.number}, {_text(found, unlike=wanted)}"
        if not same:
            return f"no call of {name!r} was recorded; the nearest is {said}"
        return f"the nearest that was recorded is {said}"

    def _name(self, name: str) -> str:
        """Return the name of the step that ``name`` means; ``name`` itself if no step or several steps match."""
        names = {call.recorded.name for call in self._by_label.get(name, [])}
        return names.pop() if name not in self._by_name and len(names) == 1 else name


def _calls(run: Run) -> tuple[_Call, ...]:
    known = arguments_of(run)
    steps = sorted(
        (step for step in run.steps if step.kind is not StepKind.MODEL), key=lambda step: step.number
    )
    return tuple(_call(step, known.get(step.number, ())) for step in steps)


def _call(step: Step, arguments: Sequence[Any]) -> _Call:
    recorded = Recorded(
        number=step.number, name=step.name, output=step.output, error=step.error, child_run=step.child_run
    )
    keys = tuple(dict.fromkeys(canonical(each) for each in arguments))
    return _Call(recorded=recorded, label=step.tool or last_part(step.name), keys=keys)


def _most_like(wanted: str, calls: Sequence[_Call]) -> _Call | None:
    """Return the most similar call: by words, otherwise by characters, otherwise the first. Compares all calls
    roughly, then the likeliest closely.
    """
    by_words, by_characters = difflib.SequenceMatcher[str](), difflib.SequenceMatcher[str]()
    by_words.set_seq2(_words(wanted))
    by_characters.set_seq2(wanted[:_CHARACTERS])

    def likeness(call: _Call, *, roughly: bool) -> tuple[float, float, int]:
        text = f"{call.label}({call.keys[0] if call.keys else ''})"
        by_words.set_seq1(_words(text))
        by_characters.set_seq1(text[:_CHARACTERS])
        close = by_words.quick_ratio() if roughly else by_words.ratio()
        return close, by_characters.quick_ratio(), -call.recorded.number

    likely = sorted(calls, key=lambda call: likeness(call, roughly=True), reverse=True)[:_CANDIDATES]
    return max(likely, key=lambda call: likeness(call, roughly=False), default=None)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text[: 10 * _WORDS])[:_WORDS]


def _text(call: _Call, *, unlike: str) -> str:
    if not call.keys:
        return f"{call.label}, whose arguments are not on record"
    return f"{call.label}({shown(call.keys[0], limit=_SHOWN, unlike=unlike)})"
