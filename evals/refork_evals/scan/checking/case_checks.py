"""Checks recorded runs by what the project's cases expect, as far as that can be said of another run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from refork.case_files.case_file import load_case
from refork.case_files.finding import case_files_by_name
from refork.errors import ReforkError
from refork.records import Case, Run, Step
from refork.storage.yaml_dump import yaml_line
from refork.text.numbers import plural

from refork_evals.recorded import recorded_trial
from refork_evals.scan.broken_steps import judge_calls
from refork_evals.scan.checking.checks import Problem
from refork_evals.scorers.builtin.json_schema import JsonSchema
from refork_evals.scorers.builtin.limits import MaxCost, MaxSeconds, MaxTokens
from refork_evals.scorers.evidence import one_line
from refork_evals.scorers.expectations import parse_expectations
from refork_evals.scorers.protocol import Scorer, run_scorer
from refork_evals.trials import sample_of

_WHATEVER_THE_INPUT: Final = (JsonSchema, MaxTokens, MaxSeconds, MaxCost)
"""Scorers of form and size. What an answer must say, and what must be called, depends on what was asked."""


@dataclass(frozen=True, kw_only=True)
class CaseCheck:
    """The expectations of a case, applied to runs of its workflow at the step of its fork point.

    All of it is expected of a run with the input of the case's run; of another run only what is of form and size.
    Expectations that ask a model are left out. A run that does not reach such a step is not checked.
    """

    case: Case
    scorers: tuple[Scorer, ...]

    @classmethod
    def of(cls, case: Case) -> "CaseCheck":
        """Raises BadFileError for expectations that cannot be read here, such as a scorer of a conftest.py."""
        return cls(case=case, scorers=parse_expectations(case))

    def applied(self, run: Run) -> Iterator[tuple[int, Scorer]]:
        """Yield the scorers that can be applied to ``run``, each with its place in ``expect``."""
        if run.workflow != self.case.run.workflow:
            return
        is_same = _input_of(run) == _input_of(self.case.run) or run.id == self.case.run.id
        for place, scorer in enumerate(self.scorers):
            if not judge_calls(scorer) and (is_same or holds_whatever_the_input(scorer)):
                yield place, scorer

    async def problems(self, run: Run) -> Sequence[Problem]:
        applied = [*self.applied(run)]
        step = same_step(self.case, run) if applied else None
        if step is None:
            return ()
        case = replace(self.case, run=run, step=step.number)
        trial = recorded_trial(case)
        sample = sample_of(case, trial, case.fork_point.request, trial.seconds or None)
        if sample is None:
            return ()
        scores = [(place, await run_scorer(scorer, sample)) for place, scorer in applied]
        return [self._problem(place, step, score.reason) for place, score in scores if score.passed is False]

    def _problem(self, place: int, step: Step, reason: str) -> Problem:
        entry = self.case.expect[place]

        async def explain(_run: Run) -> str:
            return reason

        return Problem(
            what=one_line(f"{self.case.name}: {yaml_line(entry)}"),
            name=self.case.name,
            step=step,
            where=step.label,
            expect=(entry,),
            explain=explain,
        )


def holds_whatever_the_input(scorer: object) -> bool:
    """Return whether a scorer looks only at the form or the size of an answer."""
    parts = cast("tuple[object, ...]", getattr(scorer, "parts", ()))
    return all(map(holds_whatever_the_input, parts)) if parts else isinstance(scorer, _WHATEVER_THE_INPUT)


def same_step(case: Case, run: Run) -> Step | None:
    """Return the step of ``run`` in the place of the case's fork point: with as many of its name before it."""
    point = case.fork_point
    place = [step.number for step in case.run.steps if _key(step) == _key(point)].index(point.number)
    alike = [step for step in run.steps if _key(step) == _key(point)]
    return alike[place] if place < len(alike) else None


def _key(step: Step) -> tuple[str, str]:
    return step.kind.value, step.name


def _input_of(run: Run) -> tuple[Any, Any]:
    return [*run.args], run.kwargs


def case_checks(cases: Path, *, on_note: Callable[[str], None]) -> list[CaseCheck]:
    """Return the checks of a folder of cases. ``on_note`` is given a line for each case that cannot be applied."""
    found: list[CaseCheck] = []
    for name, file in case_files_by_name(cases).items():
        try:
            case = load_case(file)
            if case.expect:
                found.append(CaseCheck.of(case))
        except ReforkError as error:
            on_note(f"case {name!r} is not applied: {error}")
    return found


def describe(checks: Sequence[CaseCheck]) -> str:
    """Say in a line what is looked for, and of which runs."""
    said = "runs that ended with an error"
    if not checks:
        return f"looked for {said}: no case of the project says more; --expect or --check do"
    general = sum(any(map(holds_whatever_the_input, check.scorers)) for check in checks)
    judged = sum(any(map(judge_calls, check.scorers)) for check in checks)
    also = f"; what {general} of them say of form and size, of every run of the workflow" if general else ""
    left = f"; what {judged} of them ask a model was left out" if judged else ""
    whose = plural(len(checks), "case")
    return f"looked for {said}, and for what {whose} expect, of runs with the input of the case{also}{left}"
