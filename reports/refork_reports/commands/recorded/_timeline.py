"""Prints the steps of a run on a terminal: folded, with marks, and every one of parallel calls in a line."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import click
from refork.cli._output.steps import COLUMNS, calls_of, step_cells, summary
from refork.cli._output.tables import TableColumn, print_table
from refork.cli._output.text import duration, first_line, one_line, tokens
from refork.records import Run
from refork.text.numbers import plural
from refork.tool_policy import DBOS_PREFIX

from refork_reports.views.run_pages.step_marks import BROKEN, WRITES, StepMarks
from refork_reports.views.run_pages.step_rows import Fold, StepRow, step_rows

_MARK: Final = TableColumn(title="")
_LEGEND: Final = {BROKEN: "broken here", WRITES: "writes"}


def print_folded(run: Run, marks: StepMarks, *, unfold: bool) -> None:
    """Print the table of the steps, what the marks mean, and what is folded. ``unfold`` shows every step."""
    rows = run.steps if unfold else step_rows(run, shown=marks.numbers)
    cells = [line for row in rows for line in _lines(row, marks)]
    columns = [_MARK, *COLUMNS]
    if not any(line[0] for line in cells):
        columns, cells = columns[1:], [line[1:] for line in cells]
    print_table(columns, cells)
    for line in (*_legend(marks), *_folded(rows)):
        click.echo(line)


def _lines(row: StepRow, marks: StepMarks) -> Iterator[tuple[str, ...]]:
    """The lines of a row: several for a step that made several calls, none for DBOS's plumbing."""
    if isinstance(row, Fold):
        if row.kind == "repeated":
            yield ("", *_again(row))
        return
    mark, cells = marks.of(row), step_cells(row)
    calls = [] if row.answer is None or row.error is not None else calls_of(row.answer)
    if len(calls) <= 1:
        yield (mark, *cells)
        return
    text = first_line(row.answer.text if row.answer is not None else "")
    first, *others = [text, *calls] if text else calls
    yield (mark, *cells[:-1], first_line(first))
    blank = ("",) * len(cells)
    yield from ((*blank, first_line(call)) for call in others)


def _again(fold: Fold) -> tuple[str, ...]:
    steps = fold.steps
    used = sum(step.usage.total_tokens for step in steps if step.usage is not None)
    seconds = [step.seconds for step in steps if step.seconds is not None]
    last = summary(next(step for step in reversed(steps) if not step.name.startswith(DBOS_PREFIX)))
    return (
        f"{steps[0].number}–{steps[-1].number}",
        "",
        f"{fold.rounds}× again",
        duration(sum(seconds)) if seconds else "",
        tokens(used) if used else "",
        f"the last: {last}" if last else "",
    )


def _legend(marks: StepMarks) -> Iterator[str]:
    for step, why in marks.reasons:
        place = "" if step is None else f"{BROKEN} step {step}: "
        yield one_line(f"{place}{why}")
    used = [f"{mark} {said}" for mark, said in _LEGEND.items() if marks.uses(mark)]
    if used:
        yield "  ".join(used)


def _folded(rows: Sequence[StepRow]) -> Iterator[str]:
    folds = [row for row in rows if isinstance(row, Fold)]
    plumbing = Counter(
        step.name.removeprefix(DBOS_PREFIX)
        for fold in folds
        if fold.kind == "plumbing"
        for step in fold.steps
    )
    repeated = sum(len(fold.steps) for fold in folds if fold.kind == "repeated")
    parts = [f"{plural(repeated, 'step')} that repeat"] if repeated else []
    if plumbing:
        names = ", ".join(f"{count} {name}" for name, count in plumbing.most_common())
        parts.append(f"{plural(plumbing.total(), 'step')} of DBOS's own ({names})")
    if parts:
        yield one_line(f"Folded: {' and '.join(parts)}; --all shows every step.")
