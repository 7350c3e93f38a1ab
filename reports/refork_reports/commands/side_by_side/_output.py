"""Prints two things side by side on a terminal, with what differs marked word by word."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from refork.cli._output.text import one_line
from refork.records import Step
from refork.text.numbers import plural, shorten_middle

from refork_reports.views.diffs import Piece, marked
from refork_reports.views.run_pages.run_diff import StepPair, arguments_of, name_of, output_of
from refork_reports.views.run_pages.side_by_side import Section, SideBySide

_WIDTH: Final = 78
_CONTEXT: Final = 60
"""Characters that are shown of a passage that is the same in both."""
_PASSAGE: Final = 600
"""Characters that are shown of a passage that differs."""
_SIGNS: Final = {"first": "-", "second": "+", None: "~"}


def lines_of(found: SideBySide) -> Iterator[str]:
    """The whole comparison, where ``[-...-]`` is only on the first side and ``{+...+}`` only on the second."""
    for sign, facts in (("-", found.first), ("+", found.second)):
        yield f"{sign} {'  '.join(map(one_line, facts))}"
    first = found.first_difference
    if first is None:
        yield f"No {found.unit} differs."
        return
    yield f"First difference: {one_line(first.title)}"
    for is_equal, group in groupby(found.sections, key=lambda section: section.is_equal):
        sections = list(group)
        if is_equal:
            yield f"\n  {_equal(sections, found.unit)}"
            continue
        for section in sections:
            yield from _section(section)


def steps_document(pairs: Sequence[StepPair]) -> list[dict[str, Any]]:
    """The pairs as JSON. ``before`` and ``after`` are null where only one run has the step."""
    return [
        {"equal": pair.is_equal, "before": _step(pair.before), "after": _step(pair.after)} for pair in pairs
    ]


def parts_document(found: SideBySide) -> dict[str, Any]:
    """The sections as JSON, each by its title."""
    return {
        section.title: {
            "equal": section.is_equal,
            "before": {passage.title: passage.before for passage in section.passages},
            "after": {passage.title: passage.after for passage in section.passages},
        }
        for section in found.sections
    }


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


def _equal(sections: Sequence[Section], unit: str) -> str:
    if unit == "step":
        return plural(len(sections), "equal step")
    return one_line(f"equal: {', '.join(section.title for section in sections)}")


def _section(section: Section) -> Iterator[str]:
    yield f"\n{_SIGNS[section.only]} {one_line(section.title)}"
    for passage in section.passages:
        if not passage.is_equal:
            title = one_line(f"{passage.title}: ") if passage.title else ""
            yield from _wrapped(f"{title} {_by_word(passage.before, passage.after)}".strip())


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
