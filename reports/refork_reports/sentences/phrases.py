"""The sentences of a report: one wording for the terminal and for the page."""

from typing import Final

from refork.errors import StaleError
from refork.text import numbers as humanize
from refork_evals.results import CaseResult, Cell, Verdict
from refork_evals.results.totals import shown_cost

NOT_RED: Final = (
    "The recorded answer meets this case's own expectations, so the case would not have caught the failure. "
    "Tighten `expect` in its case.yaml until the recorded answer fails."
)
NOT_GREEN: Final = (
    "The recorded answer of this guard fails the guard's own expectations, so the guard measures a mistake in them. "
    "Correct `expect` in its case.yaml until the recorded answer passes."
)
_ADVICE: Final = {
    Verdict.STALE: (
        f"Nothing at or after the fork point has run. {StaleError.ADVICE[0].upper()}{StaleError.ADVICE[1:]}."
    ),
    Verdict.ERROR: (
        "Errors are not failures: nothing is said about the prompt. Remove the cause and run the case again."
    ),
    Verdict.INCONCLUSIVE: (
        "The trials are too few, or too close to the limit, to tell. Raise `trials` in its case.yaml."
    ),
}


def shown_trials(cell: Cell) -> str:
    """Return passes over planned trials, which include errors and missing ones. A dash if none was run."""
    return f"{cell.passes}/{scheduled(cell)}" if cell.trials else humanize.UNKNOWN


def scheduled(cell: Cell) -> int:
    return len(cell.trials) + cell.missing


def shown_interval(cell: Cell) -> str:
    return humanize.interval(cell.interval.low, cell.interval.high) if cell.interval else humanize.UNKNOWN


def shown_price(cell: Cell) -> str:
    """Format the cost of a cell, or say that one of its models has no known price."""
    spent = shown_cost(cell)
    return "no price" if spent is None else humanize.money(spent)


def fix(cell: Cell) -> str:
    """Describe a fix: careful 10/10 (72–100%)."""
    within = f" ({shown_interval(cell)})" if cell.interval else ""
    return f"{cell.variant} {shown_trials(cell)}{within}"


def advice(verdict: Verdict) -> str:
    """Return what to do about a verdict that decides nothing; empty for the others."""
    return _ADVICE.get(verdict, "")


def doubt_of(result: CaseResult) -> str:
    """Return ``not red`` or ``not green`` if the recorded answer contradicts the case's expectations, else nothing."""
    return "not red" if result.not_red else "not green" if result.not_green else ""


def about_doubt(result: CaseResult) -> str:
    """Explain :func:`doubt_of`; empty if there is none."""
    return {"not red": NOT_RED, "not green": NOT_GREEN}.get(doubt_of(result), "")


def recorded_says(result: CaseResult) -> str:
    """Return the result of production's answer under the case's own expectations: fail, pass, not red, error or a
    dash.
    """
    if doubt := doubt_of(result):
        return doubt
    if result.recorded is None:
        return humanize.UNKNOWN
    return {True: "pass", False: "fail", None: "error"}[result.recorded.passed]
