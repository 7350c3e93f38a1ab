"""Explains a failed item: rate and interval, the first failing trial, and the difference between the prompts."""

from collections.abc import Iterator

from refork.records import Answer
from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork.text.escape import clipped, escape_controls
from refork_evals.results import CaseResult, Cell, ScoredTrial
from refork_reports.sentences import claims
from refork_reports.sentences.steps import call_line
from refork_reports.sentences.tails import beside_production, other_words, shown_steps, step_line
from refork_reports.sentences.verdict_lines import verdict_line
from refork_reports.views.diffs import prompt_diff

_OUTPUT_CHARACTERS = 2_000
_OUTPUT_LINES = 30


def explanation(result: CaseResult, cell: Cell, test_failure: str = "") -> str:
    """Return everything that there is to say about an item, the headline first.

    ``test_failure`` is pytest's own account of the first trial that a test function failed.
    """
    return "\n".join([verdict_line(cell), *_trial(result, cell, test_failure), *_prompts(result, cell)])


def _trial(result: CaseResult, cell: Cell, test_failure: str) -> Iterator[str]:
    failing = next((each for each in cell.trials if each.passed is False), None)
    shown = failing or next((each for each in cell.trials if each.passed is None), None)
    if shown is None:
        return
    kind = "failing trial" if shown is failing else "trial that could not be measured"
    yield from ["", f"first {kind}, number {shown.trial.number} under {cell.variant}:"]
    if test_failure:
        yield from test_failure.splitlines()
    else:
        yield from (f"  - {escape_controls(reason)}" for reason in shown.reasons)
    yield from _way(result, shown)
    if shown.trial.answer is not None:
        yield from ["", "its result:" if shown.trial.trajectory else "its output:", *_output(shown)]


def _way(result: CaseResult, scored: ScoredTrial) -> Iterator[str]:
    if not scored.trial.trajectory:
        return
    begin, left_out, end = shown_steps(scored.trial.trajectory)
    odd = other_words(result.case, scored.trial)
    yield from [
        "",
        "its steps:",
        *(f"  {step.number}. {escape_controls(step_line(step, odd))}" for step in begin),
    ]
    if left_out:
        yield f"  [{humanize.plural(left_out, 'step')} left out]"
    yield from (f"  {step.number}. {escape_controls(step_line(step, odd))}" for step in end)
    yield escape_controls(beside_production(result.case, scored.trial))


def _output(scored: ScoredTrial) -> Iterator[str]:
    answer: Answer | None = scored.trial.answer
    assert answer is not None, "only a trial with an answer has an output"
    head, tail, left_out = clipped(answer.text, _OUTPUT_CHARACTERS)
    text = f"{head}\n[{left_out:,} characters left out]\n{tail}" if left_out else head
    lines = [line for line in escape_controls(text).splitlines() if line.strip()]
    if not scored.trial.trajectory:
        lines += [escape_controls(call_line(call)) for call in answer.tool_calls]
    yield from (f"  | {line}" for line in lines[:_OUTPUT_LINES])
    if len(lines) > _OUTPUT_LINES:
        yield f"  | [{len(lines) - _OUTPUT_LINES} lines left out]"
    if not lines:
        yield "  | (nothing)"


def _prompts(result: CaseResult, cell: Cell) -> Iterator[str]:
    current = result.cell(CURRENT)
    others, said = claims.alternatives(result)
    other = cell if cell.variant != CURRENT else next(iter(others), None)
    if cell.variant == CURRENT and said:
        yield from ["", escape_controls(said)]
    if current is None or other is None or current.request is None or other.request is None:
        return
    difference = prompt_diff(current.request.prompt or "", other.request.prompt or "", other.variant)
    if difference:
        yield from ["", f"how the prompt of {other.variant} differs:", *(f"  {line}" for line in difference)]
