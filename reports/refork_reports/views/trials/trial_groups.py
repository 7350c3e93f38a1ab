"""The trials of a cell for the page: equal outputs are one group, and failures come first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from refork.records import Answer, Case, Step
from refork.records.outcome import Trial
from refork.text import numbers as humanize
from refork.text.escape import clipped
from refork_evals.results import Cell, ScoredTrial
from refork_evals.scorers.decisive_words import DecisiveWords, WordFinder

from refork_reports.sentences.marked_text import MarkedText, marked
from refork_reports.sentences.steps import answer_line, output_line, pretty
from refork_reports.sentences.tails import (
    OTHER_WORDS,
    arguments_line,
    beside_production,
    kind_of,
    name_of,
    other_words,
    shown_steps,
)

Block: TypeAlias = tuple["str | bool | MarkedText | Block", ...]
"""A part of an output: first its kind, which ``templates/scripts/blocks.js`` draws, then its texts."""

_ORDER: Final = ("fail", "error", "pass")


@dataclass(frozen=True, kw_only=True)
class TrialGroup:
    """Trials with the same outcome and the same output. ``said`` is its first line, ``repeated`` counts them."""

    outcome: str
    said: str
    repeated: str
    body: tuple[Block, ...]
    trials: tuple[ScoredTrial, ...]


def trial_groups(case: Case, cell: Cell) -> tuple[TrialGroup, ...]:
    """Return the groups of a cell: what fails, what could not be measured, what passes; each the largest first."""
    found: dict[tuple[str, tuple[Block, ...]], list[ScoredTrial]] = {}
    words = WordFinder(case)
    for scored in cell.trials:
        body = _body(case, scored.trial, words)
        found.setdefault((outcome_of(scored.passed), body), []).append(scored)
    groups = [_group(outcome, body, trials, cell) for (outcome, body), trials in found.items()]
    return tuple(sorted(groups, key=lambda group: (_ORDER.index(group.outcome), -len(group.trials))))


def outcome_of(passed: bool | None) -> str:
    return {True: "pass", False: "fail", None: "error"}[passed]


def _group(outcome: str, body: tuple[Block, ...], trials: list[ScoredTrial], cell: Cell) -> TrialGroup:
    first = trials[0].trial
    did = (
        "ended exactly so" if first.error else "did exactly this" if first.trajectory else "said exactly this"
    )
    return TrialGroup(
        outcome=outcome,
        said=_said(first),
        repeated=f"{len(trials)} of {len(cell.trials)} {did}" if len(trials) > 1 else "",
        body=body,
        trials=tuple(trials),
    )


def _said(trial: Trial) -> str:
    if trial.error is not None:
        return trial.error.type
    return answer_line(trial.answer) if trial.answer else ""


def _body(case: Case, trial: Trial, finder: WordFinder) -> tuple[Block, ...]:
    blocks: list[Block] = []
    words = finder(trial.answer) if trial.answer is not None else ()
    if trial.error is not None:
        blocks.append(("notice", trial.error.type, clipped(trial.error.message)[0]))
    if trial.trajectory:
        blocks += _tail(case, trial, words)
    elif trial.answer is not None:
        blocks += _answer(trial.answer, words)
    return tuple(blocks)


def _tail(case: Case, trial: Trial, words: Sequence[DecisiveWords]) -> Iterator[Block]:
    odd = other_words(case, trial)
    begin, left_out, end = shown_steps(trial.trajectory)
    yield ("steps", "steps", *(_step(step, step.number in odd) for step in begin))
    if left_out:
        yield ("left-out", f"{humanize.plural(left_out, 'step')} left out here; results.json holds them all.")
        yield ("steps", "last steps", *(_step(step, step.number in odd) for step in end))
    yield ("quiet", beside_production(case, trial))
    if trial.answer is not None:
        yield ("kind", "result")
        text = trial.answer.text
        yield _text("result", text, _of(words, None)) if text else ("quiet", "The result is empty.")


def _step(step: Step, odd: bool) -> Block:
    what = (str(step.number), kind_of(step), name_of(step), arguments_line(step))
    return (*what, output_line(step), step.error is not None, OTHER_WORDS if odd else "")


def _answer(answer: Answer, words: Sequence[DecisiveWords]) -> Iterator[Block]:
    if answer.text:
        yield _text("output", answer.text, _of(words, None))
    for call in answer.tool_calls:
        yield ("call", call.name)
        yield _text(f"arguments of {call.name}", pretty(call.arguments), _of(words, call.name), kind="code")
    if not answer.text and not answer.tool_calls:
        yield ("quiet", "The answer is empty.")


def _of(words: Sequence[DecisiveWords], tool: str | None) -> tuple[DecisiveWords, ...]:
    return tuple(each for each in words if each.tool == tool)


def _text(label: str, text: str, words: Sequence[DecisiveWords], *, kind: str = "text") -> Block:
    """Return a text with the words that decided marked, a long one shortened in its middle: as its head, its tail and
    a sentence about what is left out.
    """
    head, tail, left_out = clipped(text)
    shown = marked(head, words, is_json=kind == "code")
    if not left_out:
        return (kind, label, shown)
    sentence = f"{humanize.plural(left_out, 'character')} left out here; results.json holds the whole text."
    return (kind, label, shown, marked(tail, words, is_json=kind == "code"), sentence)
