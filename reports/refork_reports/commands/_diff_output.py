"""Prints two runs side by side on a terminal, with what differs marked word by word."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from refork.cli._output.text import one_line
from refork.records import Run, Step
from refork.text.numbers import plural, shorten_middle

from refork_reports.views.diffs import Piece, marked
from refork_reports.views.run_diff import StepPair, arguments_of, first_difference, name_of, output_of

_WIDTH: Final = 78
_CONTEXT: Final = 60
"""Characters that are shown of a passage that is the same in both."""
_PASSAGE: Final = 600
"""Characters that are shown of a passage that differs."""


def lines_of(before: Run, after: Run, pairs: Sequence[StepPair]) -> Iterator[str]:
    """The whole comparison, where ``[-...-]`` is only in the first run and ``{+...+}`` only in the second."""
    for mark, run in (("-", before), ("+", after)):
        facts = (run.id, run.workflow, run.status, plural(len(run.steps), "step"))
        yield f"{mark} {'  '.join(map(one_line, facts))}"
    first = first_difference(pairs)
    if first is None:
        yield "No step differs."
        return
    yield f"First difference: {_title(first)}"
    for is_equal, group in groupby(pairs, key=lambda pair: pair.is_equal):
        found = list(group)
        if is_equal:
            yield f"\n  {plural(len(found), 'equal step')}"
            continue
        for pair in found:
            yield from _pair(pair)


def document(pairs: Sequence[StepPair]) -> list[dict[str, Any]]:
    """The pairs as JSON. ``before`` and ``after`` are null where only one run has the step."""
    return [
        {"equal": pair.is_equal, "before": _step(pair.before), "after": _step(pair.after)} for pair in pairs
    ]


def _step(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {
        "number": step.number,
        "kind": step.kind.value,
        "name": name_of(step),
        "arguments": arguments_of(step),
        "output": output_of(step),
    }


def _title(pair: StepPair) -> str:
    step = pair.before or pair.after
    if step is None:
        raise ValueError("a pair has a step")
    if pair.before is None or pair.after is None:
        which = "first" if pair.after is None else "second"
        return one_line(f"step {step.number}, {name_of(step)}, only in the {which} run")
    numbers = {pair.before.number, pair.after.number}
    shown = (
        f"step {step.number}" if len(numbers) == 1 else f"steps {pair.before.number} and {pair.after.number}"
    )
    return one_line(f"{shown}, {name_of(step)}")


def _pair(pair: StepPair) -> Iterator[str]:
    mark = "-" if pair.after is None else "+" if pair.before is None else "~"
    yield f"\n{mark} {_title(pair)}"
    for title, (before, after) in (("arguments", pair.arguments), ("output", pair.outputs)):
        if before != after:
            yield from _wrapped(f"{title}: {_by_word(before, after)}")


def _by_word(before: str, after: str) -> str:
    """Both texts in one, as ``git diff --word-diff`` writes it."""
    left, right = marked(before, after)
    rest, parts = list(left), list[str]()
    for piece in right:
        while rest and rest[0].mark == "del":
            parts.append(_shown(rest.pop(0)))
        if piece.mark == "same" and rest:
            rest.pop(0)
        parts.append(_shown(piece))
    parts += [_shown(piece) for piece in rest]
    return " ".join(part for part in parts if part)


def _shown(piece: Piece) -> str:
    text = one_line(piece.text)
    if not text:
        return ""
    if piece.mark == "same":
        return shorten_middle(text, _CONTEXT)
    text = shorten_middle(text, _PASSAGE)
    return f"[-{text}-]" if piece.mark == "del" else f"{{+{text}+}}"


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent="    ", subsequent_indent="      ", break_long_words=True
    )
