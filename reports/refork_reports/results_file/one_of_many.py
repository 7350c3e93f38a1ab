"""One evaluation of several sessions, for a report of them together."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace

from refork.errors import BadFileError
from refork.text.lines import one_line
from refork_evals.results import SuiteResult
from refork_evals.results.sections import Section
from refork_evals.results.totals import Totals, totals

from refork_reports.results_file.merge import MergedResults
from refork_reports.results_file.rebuilt import rebuilt, rebuilt_result
from refork_reports.results_file.schema import Results


def evaluation_of(merged: MergedResults) -> SuiteResult:
    """Return what several files hold as one evaluation; what a single file holds as it was measured.

    Verdicts stay those of their sessions. Variants are compared, and prompts recommended, over all cases anew. The gate
    of a session says nothing of others, so several have none. Raises BadFileError for what cannot be.
    """
    with contradictions_refused():
        return rebuilt(merged.sessions[0]) if len(merged.sessions) == 1 else _together(merged)


@contextmanager
def contradictions_refused() -> Generator[None]:
    """Raise BadFileError where a file keeps to the schema and still cannot be, such as a share of no trials."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise BadFileError(
            f"results.json contradicts itself ({one_line(str(error))}): run the evaluation again"
        ) from error


def _together(merged: MergedResults) -> SuiteResult:
    from refork_evals.verdicts.comparison import MARGIN, arms_of, compare  # noqa: PLC0415 - SciPy
    from refork_evals.verdicts.recommendation import recommend  # noqa: PLC0415

    sessions = sorted(merged.sessions, key=lambda each: each.started_at)
    last = sessions[-1]
    cases = tuple(map(rebuilt_result, merged.cases))
    guards = {result.case.name for result in cases if result.case.guard}
    cells = [cell for result in cases for cell in result.cells]
    alpha = max(session.alpha for session in sessions)
    margin = max((each.margin for session in sessions for each in session.comparisons), default=MARGIN)
    comparisons = compare(arms_of(cells, guards), alpha=alpha, margin=margin)
    found = SuiteResult(
        cases=cases,
        started_at=last.started_at,
        seconds=sum(session.totals.seconds for session in sessions),
        alpha=alpha,
        refork_version=last.refork,
        settings=_settings(sessions),
        comparisons=comparisons,
        recommendations=recommend(cases, comparisons),
        sections=(_sessions(sessions), *_sections(sessions)),
    )
    return replace(found, totals=_totals(found, sessions))


def _totals(found: SuiteResult, sessions: Sequence[Results]) -> Totals:
    """Sum up the cells; which models have a price, only their sessions know."""
    known = [session.totals for session in sessions]
    return replace(
        totals(found),
        unpriced_models=_each_once(model for each in known for model in each.unpriced_models),
        project_prices=_each_once(model for each in known for model in each.project_prices),
        example_prices=_each_once(model for each in known for model in each.example_prices),
    )


def _settings(sessions: Sequence[Results]) -> dict[str, str]:
    names = _each_once(name for session in sessions for name in session.settings)
    return {
        name: " or ".join(_each_once(each.settings[name] for each in sessions if name in each.settings))
        for name in names
    }


def _sections(sessions: Sequence[Results]) -> tuple[Section, ...]:
    """Return each section once, as the last session has it."""
    found = {section.title: section for session in sessions for section in session.sections or ()}
    return tuple(found.values())


def _sessions(sessions: Sequence[Results]) -> Section:
    gated = sum(session.gate is not None for session in sessions)
    had = f" {gated} of them had a gate, which only the report of that session shows." if gated else ""
    return Section(
        title="Sessions",
        note=f"This report is of {len(sessions)} sessions.{had}",
        columns=("started", "Refork", "cases", "trials", "headline"),
        rows=tuple(
            (
                session.started_at.isoformat(" ", "seconds"),
                session.refork,
                str(len(session.cases)),
                str(session.totals.trials),
                session.headline,
            )
            for session in sessions
        ),
    )


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
