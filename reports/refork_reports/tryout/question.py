"""Asks a question: reruns cases under variants, and groups what they answered."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from refork.config import Config
from refork.records import Case
from refork.records.variant import Variant
from refork_evals.estimation.estimate import SuiteEstimate
from refork_evals.estimation.estimating import estimate as estimate_cases
from refork_evals.evaluation.evaluate import evaluate
from refork_evals.evaluation.pace import Counts
from refork_evals.evaluation.settings import Settings
from refork_evals.results import CaseResult, Cell, ScoredTrial, SuiteResult, Verdict

from refork_reports.tryout.cases import folder_of
from refork_reports.tryout.expectations import not_judged

LOOKED_AT: Final = 5
"""Trials of a variant where nothing is expected of the answers, and no number is given."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """Cases, the variants to rerun them under beside ``current``, and what their answers must meet.

    Without ``expect`` the answers are grouped, and not judged. ``trials`` are those of each variant; None leaves them
    to the project's settings, or takes 5 where nothing is judged.
    """

    cases: tuple[Case, ...]
    variants: tuple[Variant, ...]
    expect: tuple[Mapping[str, Any], ...] = ()
    trials: int | Literal["auto"] | None = None

    @property
    def is_judged(self) -> bool:
        return bool(self.expect) or all(case.expect for case in self.cases)


@dataclass(frozen=True, kw_only=True)
class OutputGroup:
    """Equal outputs of a variant: ``count`` of its trials said ``text``. ``passed`` is None if nobody could say.

    ``reasons`` are those of the scorers that failed it, and ``trials`` the numbers of the trials, counted from 1.
    """

    text: str
    count: int
    trials: tuple[int, ...]
    passed: bool | None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The answer to a question. Without expectations the verdicts of ``result`` mean nothing."""

    question: Question
    result: SuiteResult

    @property
    def cells(self) -> Sequence[tuple[CaseResult, Cell]]:
        return [(found, cell) for found in self.result.cases for cell in found.cells]

    @property
    def passing(self) -> tuple[str, ...]:
        """The variants that pass on every case, in the order in which they were given. Empty if nothing is judged."""
        if not self.question.is_judged:
            return ()
        passing = [
            {cell.variant for cell in found.cells if cell.verdict is Verdict.PASS}
            for found in self.result.cases
        ]
        return tuple(
            each.name for each in self.question.variants if all(each.name in names for names in passing)
        )

    @property
    def is_measured(self) -> bool:
        """Say whether every cell has an answer."""
        return all(any(scored.trial.answer for scored in cell.trials) for _, cell in self.cells)


def ask(
    question: Question,
    config: Config,
    *,
    on_progress: Callable[[Counts], None],
    on_note: Callable[[str], None],
) -> Findings:
    """Rerun the cases of a question at their fork points, score the answers, and decide.

    Answers are kept with the cases, so a question that is asked again pays for none twice. A KeyboardInterrupt waits
    for the answers in flight, keeps them, and is raised again. Raises ReforkError for what is wrong before anything
    is paid for.
    """
    cases, settings = _measurable(question, config)
    result = evaluate(cases, question.variants, settings, on_progress=on_progress, on_note=on_note)
    return Findings(question=question, result=result)


def estimate(question: Question, config: Config) -> SuiteEstimate:
    """Estimate what :func:`ask` would take, without a call. Raises ReforkError as it does."""
    cases, settings = _measurable(question, config)
    return estimate_cases(cases, question.variants, settings)


def _measurable(question: Question, config: Config) -> tuple[list[Case], Settings]:
    trials = question.trials
    if trials is None and not question.is_judged:
        trials = LOOKED_AT
    temporary = folder_of(config)
    are_temporary = all(case.folder.is_relative_to(temporary) for case in question.cases)
    project = dataclasses.replace(config, cases=temporary) if are_temporary else config
    return [_expecting(case, question) for case in question.cases], Settings(project=project, trials=trials)


def outputs(cell: Cell) -> tuple[OutputGroup, ...]:
    """Group the equal outputs of a cell: those that failed first, then the most frequent."""
    groups: dict[tuple[str, bool | None], list[ScoredTrial]] = defaultdict(list)
    for scored in cell.trials:
        groups[_said(scored), scored.passed].append(scored)
    found = [_group(text, passed, trials) for (text, passed), trials in groups.items()]
    return tuple(sorted(found, key=lambda group: (group.passed is not False, -group.count, group.trials)))


def _group(text: str, passed: bool | None, trials: Sequence[ScoredTrial]) -> OutputGroup:
    reasons = [
        f"{score.scorer}: {score.error or score.reason}"
        for score in trials[0].scores
        if score.passed is not True
    ]
    return OutputGroup(
        text=text,
        count=len(trials),
        trials=tuple(scored.trial.number for scored in trials),
        passed=passed,
        reasons=tuple(reasons),
    )


def _said(scored: ScoredTrial) -> str:
    """The text of an answer with the calls that it asks for, or the error in place of one."""
    trial = scored.trial
    if trial.answer is None:
        return "" if trial.error is None else f"{trial.error.type}: {trial.error.message}"
    calls = [f"{call.name}({call.arguments})" for call in trial.answer.tool_calls]
    return "\n".join(part for part in (trial.answer.text, *calls) if part)


def _expecting(case: Case, question: Question) -> Case:
    expect = question.expect or (case.expect if question.is_judged else not_judged())
    return dataclasses.replace(case, expect=tuple(expect))
