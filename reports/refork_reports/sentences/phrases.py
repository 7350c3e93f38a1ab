"""The sentences of a report: one wording for the terminal and for the page."""

from dataclasses import dataclass
from typing import Final

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import WORST_FIRST, CaseResult, Cell, SuiteResult, Verdict
from refork_evals.results.totals import shown_cost

NOT_RED: Final = (
    "The recorded answer meets this case's own expectations, so the case would not have caught the failure. "
    "Tighten `expect` in its case.yaml until the recorded answer fails."
)
_ADVICE: Final = {
    Verdict.STALE: (
        "Nothing at or after the fork point has run. If the change to the code was not meant, undo it; "
        "if it was, capture a run made with the code as it is now."
    ),
    Verdict.ERROR: (
        "Errors are not failures: nothing is said about the prompt. Remove the cause and run the case again."
    ),
    Verdict.INCONCLUSIVE: (
        "The trials are too few, or too close to the limit, to tell. Raise `trials` in its case.yaml."
    ),
}


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The result in one sentence. ``verdict`` is the worst verdict of ``current`` and determines the colour."""

    verdict: Verdict
    text: str


def headline(evaluation: SuiteResult) -> Headline:
    results = evaluation.cases
    if not results:
        return Headline(verdict=Verdict.INCONCLUSIVE, text="No case was run.")
    by_verdict = {
        verdict: [each for each in results if (cell := each.cell(CURRENT)) and cell.verdict is verdict]
        for verdict in Verdict
    }
    worst = next((verdict for verdict in WORST_FIRST if by_verdict[verdict]), Verdict.INCONCLUSIVE)
    clauses = [_failing(by_verdict[Verdict.FAIL], len(results)), *_rest(by_verdict, len(results))]
    said = "; ".join(clause for clause in clauses if clause) or "the current prompts were not run"
    return Headline(verdict=worst, text=f"{said[:1].upper()}{said[1:]}.")


def shown_trials(cell: Cell) -> str:
    """Passes over planned trials, errors and missing ones among them. A dash where none was run."""
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
    """careful 10/10 (72–100%)."""
    within = f" ({shown_interval(cell)})" if cell.interval else ""
    return f"{cell.variant} {shown_trials(cell)}{within}"


def advice(verdict: Verdict) -> str:
    """Return what to do about a verdict that decides nothing; empty for the others."""
    return _ADVICE.get(verdict, "")


def recorded_says(result: CaseResult) -> str:
    """Return the result of production's answer under the case's own expectations: fail, pass, not red, error or a
    dash.
    """
    if result.not_red:
        return "not red"
    if result.recorded is None:
        return humanize.UNKNOWN
    return {True: "pass", False: "fail", None: "error"}[result.recorded.passed]


def _failing(failing: list[CaseResult], total: int) -> str:
    if not failing:
        return ""
    count, fixed = len(failing), sum(bool(result.fixes) for result in failing)
    if not fixed:
        share = "no candidate fixes it" if count == 1 else "no candidate fixes any of them"
    elif fixed == count:
        share = (
            "a candidate fixes it" if count == 1 else f"candidates fix {'both' if count == 2 else 'them all'}"
        )
    else:
        share = f"candidates fix {fixed} of them"
    return f"the current prompts fail {_of(count, total)}, and {share}"


def _rest(by_verdict: dict[Verdict, list[CaseResult]], total: int) -> list[str]:
    counts = {verdict: len(found) for verdict, found in by_verdict.items()}
    failing, passing = counts[Verdict.FAIL], counts[Verdict.PASS]
    held, dropped = counts[Verdict.HELD], counts[Verdict.DROPPED]
    words = [
        (counts[Verdict.INCONCLUSIVE], "is undecided", "are undecided"),
        (counts[Verdict.ERROR], "could not be measured", "could not be measured"),
        (counts[Verdict.STALE], "is stale", "are stale"),
    ]
    if failing:
        words.insert(0, (passing, "passes", "pass"))
    clauses = [] if failing or not passing else [f"the current prompts pass {_of(passing, total)}"]
    clauses += [f"the current prompts dropped in {_of(dropped, total)}"] * bool(dropped)
    clauses += [
        f"they held in {held:,}" if dropped else f"the current prompts held in {_of(held, total)}"
    ] * bool(held)
    said = [f"{count} {one if count == 1 else several}" for count, one, several in words if count]
    return [*clauses, humanize.listed(said)]


def _of(count: int, total: int) -> str:
    if count == total:
        return {1: "the one case", 2: "both cases"}.get(total, f"all {total:,} cases")
    return f"{count:,} of {total:,} cases"
