"""Evaluates cases under variants from start to end, for callers other than a test runner."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from refork.answer_cache import AnswersMode
from refork.case_files.case_file import CASE_FILE, load_case
from refork.case_files.finding import case_file_at
from refork.errors import BadInputError
from refork.prompts.candidates import PLAIN
from refork.prompts.prompt import Prompt
from refork.records import Case
from refork.records.variant import CURRENT, Variant
from refork.tool_policy.stubs import check_stubs

from refork_evals.agreement.judge_answers import JudgeAnswers, keeping
from refork_evals.evaluation.budget import new_budget
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.kept_answers.answer_writer import keep
from refork_evals.evaluation.kept_answers.durable_answers import DurableAnswers
from refork_evals.evaluation.measured_case import Catalogue, MeasuredCase
from refork_evals.evaluation.pace import Counts
from refork_evals.evaluation.settings import Settings
from refork_evals.evaluation.suite import Suite
from refork_evals.results import CaseResult, Gate, SuiteResult
from refork_evals.verdicts.comparison import margin_of
from refork_evals.verdicts.verdict import evaluate as decide


def evaluate(
    cases: Sequence[Case | str | Path] | None,
    variants: Sequence[Variant | Prompt | str] | None,
    settings: Settings,
    *,
    on_progress: Callable[[Counts], None],
    on_note: Callable[[str], None],
) -> SuiteResult:
    """Fork the cases, run the trials of ``current`` and of the variants, score them, and decide.

    ``cases`` are cases, folders, files or names (None: all of the project); ``variants`` are prompts, or names of the
    project's own (None: all of each case's agent). New answers are written into the cases' folders. A
    KeyboardInterrupt waits for the answers in flight, keeps them, and is raised again.
    Raises ReforkError for what is wrong before anything is paid for.
    """
    began, started_at = time.monotonic(), datetime.now(UTC)
    measured = measured_cases(cases, variants, settings)
    check_stubs(settings.project.tool_policy)
    with ExitStack() as stack:
        answers = DurableAnswers(settings.project)
        budget = new_budget(settings.project)
        stack.callback(budget.close)
        judges = JudgeAnswers(answers.store)
        stack.enter_context(keeping(judges))
        suite = Suite(settings, answers.store, budget)
        stack.callback(suite.close)
        for line in answers.lines:
            on_note(line)
        complete = False
        try:
            _measure(suite, measured, on_progress, on_note)
            complete = True
        finally:
            results = suite.scores.results
            saved = keep(
                AnswersMode(settings.project.answers),
                results,
                judges.made,
                unscored=suite.unscored,
                cases=settings.project.cases,
            )
            answers.close(complete=complete)
            for problem in saved.problems:
                on_note(f"answers were not cached: {problem}")
    return evaluation_of(results, settings, started_at=started_at, seconds=time.monotonic() - began)


def measured_cases(
    cases: Sequence[Case | str | Path] | None,
    variants: Sequence[Variant | Prompt | str] | None,
    settings: Settings,
) -> list[MeasuredCase]:
    """Read the cases and their variants, as :func:`evaluate` takes them. Raises ReforkError."""
    catalogue = Catalogue(settings)
    return [
        catalogue.measured(case, _variants(variants, case, catalogue))
        for case in _cases(cases, settings, catalogue)
    ]


def count_families(plans: CasePlans, cases: Sequence[MeasuredCase]) -> None:
    """Tell the plans over how many cells verdicts are corrected."""
    plans.families.current = len(cases)
    plans.families.candidates = sum(len(case.variants) - 1 for case in cases)


def evaluation_of(
    results: tuple[CaseResult, ...],
    settings: Settings,
    *,
    started_at: datetime,
    seconds: float,
    gate: Gate | None = None,
) -> SuiteResult:
    """Return the results of a session, corrected over all of its cases and compared."""
    project = settings.project
    return decide(
        results,
        started_at=started_at,
        seconds=seconds,
        alpha=project.alpha,
        refork_version=version("refork"),
        settings={"app": ", ".join(project.app), "concurrency": str(project.concurrency)},
        gate=gate,
        margin=margin_of(project.smallest_drop),
    )


def _measure(
    suite: Suite,
    cases: Sequence[MeasuredCase],
    on_progress: Callable[[Counts], None],
    on_note: Callable[[str], None],
) -> None:
    said: set[str] = set()

    def tick() -> None:
        suite.stops()
        on_progress(suite.counts)
        for line in suite.notes:
            if line not in said:
                said.add(line)
                on_note(line)

    count_families(suite.plans, cases)
    suite.complete()
    try:
        suite.add([(case, [variant.name for variant in case.variants]) for case in cases])
        for case in cases:
            suite.measure(case, tick)
        on_progress(suite.counts)
    except KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            suite.stop()
        raise


def _cases(given: Sequence[Case | str | Path] | None, settings: Settings, catalogue: Catalogue) -> list[Case]:
    root = settings.project.cases
    found = sorted(root.rglob(CASE_FILE)) if given is None else given
    cases = [each if isinstance(each, Case) else _case(Path(each), catalogue) for each in found]
    if not cases:
        raise BadInputError(
            f"there is no case in {str(root)!r}: write one with refork.capture or `refork capture`"
        )
    return cases


def _case(path: Path, catalogue: Catalogue) -> Case:
    file = case_file_at(path)
    return catalogue.named(str(path)) if file is None else load_case(file)


def _variants(
    given: Sequence[Variant | Prompt | str] | None, case: Case, catalogue: Catalogue
) -> tuple[Variant, ...] | None:
    if given is None:
        return None
    plain = case.agent if case.run.framework == PLAIN else None
    found: list[Variant] = []
    for position, each in enumerate(given, 1):
        if isinstance(each, str):
            found += catalogue.candidates(case, [each])
        else:
            found.append(each.variant(position, plain=plain) if isinstance(each, Prompt) else each)
    _check_names(found)
    return tuple(variant for variant in found if variant.name != CURRENT)


def _check_names(variants: Sequence[Variant]) -> None:
    names = [variant.name for variant in variants]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BadInputError(f"two variants are named {twice[0]!r}: give each a name of its own")
