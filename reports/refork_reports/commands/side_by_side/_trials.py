"""Two trials of a session side by side: prompt, request, output and scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from refork.records import Request
from refork.text.numbers import duration, tokens

from refork_reports.results_file.schema import CaseEntry, CellEntry, TrialEntry
from refork_reports.sentences.steps import call_line, pretty
from refork_reports.views.run_pages.side_by_side import Passage, Section, SideBySide


@dataclass(frozen=True, kw_only=True)
class FoundTrial:
    """A trial as a results.json holds it, with its case and its variant."""

    case: CaseEntry
    cell: CellEntry
    trial: TrialEntry

    @property
    def name(self) -> str:
        return f"{self.case.name}:{self.cell.variant}#{self.trial.number}"


def trials_beside(first: FoundTrial, second: FoundTrial) -> SideBySide:
    """Return the comparison of two trials, with a section for each part that one of them has."""
    before, after = _parts(first), _parts(second)
    sections = (_section(title, before.get(title, {}), after.get(title, {})) for title in before | after)
    return SideBySide(
        first=tuple(_facts(first)),
        second=tuple(_facts(second)),
        sections=tuple(section for section in sections if section.passages),
        unit="part",
    )


def _facts(found: FoundTrial) -> Iterator[str]:
    trial = found.trial
    yield found.name
    yield {True: "pass", False: "fail", None: "error"}[trial.passed]
    yield duration(trial.seconds)
    if trial.usage is not None:
        yield f"{tokens(trial.usage.total_tokens)} tokens"


def _section(title: str, before: Mapping[str, str], after: Mapping[str, str]) -> Section:
    names = dict.fromkeys((*before, *after))
    passages = (Passage(title=name, before=before.get(name, ""), after=after.get(name, "")) for name in names)
    return Section(
        title=title, passages=tuple(passage for passage in passages if passage.before or passage.after)
    )


def _parts(found: FoundTrial) -> dict[str, dict[str, str]]:
    """The texts of a trial by section, each by its name within the section."""
    request = found.cell.request
    prompt = None if request is None else request.prompt
    return {
        "prompt": {"": prompt or ""},
        "request": {} if request is None else dict(_request(request)),
        "what went before": {"": found.cell.changes},
        "output": {"": output_of(found.trial)},
        "steps": {
            "": "\n".join(f"{step.number} {step.name}: {step.said}" for step in found.trial.trajectory)
        },
        "scores": {name: f"{verdict}: {reason}" for name, verdict, reason in _scores(found.trial)},
    }


def _request(request: Request) -> Iterator[tuple[str, str]]:
    yield "model", request.model or ""
    yield from ((name, _text(value)) for name, value in sorted(request.settings.items()))
    yield "tools offered", "\n".join(pretty(vars(tool)) for tool in request.tools)
    yield "output schema", "" if request.output_schema is None else pretty(request.output_schema)
    yield "input", _text(request.input)


def output_of(trial: TrialEntry) -> str:
    """Return what a trial gave: its error, or the answer's text and its tool calls, a line each."""
    if trial.error is not None:
        return f"{trial.error.type}: {trial.error.message}"
    if trial.answer is None:
        return ""
    return "\n".join(filter(None, [trial.answer.text, *map(call_line, trial.answer.tool_calls)]))


def _scores(trial: TrialEntry) -> Iterator[tuple[str, str, str]]:
    for place, score in enumerate(trial.scores, 1):
        name = score.scorer if len(trial.scores) == 1 else f"{place} {score.scorer}"
        verdict = {True: "pass", False: "fail", None: "error"}[score.passed]
        yield name, verdict, score.error or score.reason


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else pretty(value)
