"""The claims about candidates: which prompt to take, what it fixes and what it breaks.

Every place that shows such a claim takes it from here. A claim needs a test: a candidate "fixes" a case only where it
is shown to be better than ``current``, and "breaks none" of the guards only if it passes each of them.
"""

from collections.abc import Sequence
from typing import Final

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import CaseResult, Cell, Change, Recommendation, Verdict
from refork_evals.results.recommendation import CandidateEffect, FixTest, NoRecommendation

from refork_reports.sentences import phrases

NOT_SHOWN: Final = "passes where current does not, not shown to be better"
PENDING: Final = "passes where current does not; the report says whether it is shown to be better"
_TESTS: Final = {
    FixTest.EXACT: "Fisher's exact test, corrected over all cells",
    FixTest.SEQUENTIAL: "a sequential test, corrected over all cells",
}
_BESIDE: Final = {
    Change.IMPROVED: "better than current",
    Change.REGRESSED: "worse than current",
    Change.UNCHANGED: "same as current",
}
_LISTED: Final = 3


def clauses(found: Sequence[Recommendation]) -> tuple[str, ...]:
    """Return a clause for each agent with something to fix: the prompt to take, or why there is none."""
    return tuple(clause(each, is_named=len(found) > 1) for each in found)


def lines(found: Sequence[Recommendation]) -> tuple[str, ...]:
    """Return the clauses with the test that shows the recommended prompt to be better."""
    return tuple(_tested(said, each) for said, each in zip(clauses(found), found, strict=True))


def tests(found: Sequence[Recommendation]) -> tuple[str, ...]:
    """Name the tests that show the recommended prompts to be better, each once."""
    used = dict.fromkeys(each.recommended.test for each in found if each.recommended is not None)
    return tuple(f"A fix is better than current by {_TESTS[test]}." for test in used if test is not None)


def choice(found: Recommendation) -> str:
    """Name the prompt to take and its agent: ``careful for summarizer``."""
    return f"{found.variant}{_for_agent(found)}"


def none(found: Sequence[Recommendation]) -> str:
    """Say in short why there is no prompt to take for any of the agents."""
    heads = {_none(each)[0] for each in found}
    return heads.pop() if len(heads) == 1 else "there is no prompt to take"


def together(effects: Sequence[CandidateEffect]) -> str:
    """Sum up what prompts of several agents fix and break: fix 3 of 3 failures and break none of 2 guards."""
    failures = sum(each.failures for each in effects)
    settled = sum(len(each.settles) for each in effects)
    fixed = sum(len(each.fixes) for each in effects)
    said = [f"fix {fixed} of {humanize.plural(failures, 'failure')}"] * bool(fixed)
    said += [f"pass {humanize.plural(settled, 'case')} that current does not pass"] * bool(settled)
    said.append(_guards_of(effects))
    lost = sum(len(each.worse) + len(each.fails) for each in effects)
    but = f", but lose {humanize.plural(lost, 'other case')}" if lost else ""
    return humanize.listed(said) + but


def _guards_of(effects: Sequence[CandidateEffect]) -> str:
    total = sum(each.guards for each in effects)
    intact = sum(len(each.intact) for each in effects)
    if not total:
        return "have no guard"
    if intact == total:
        return f"break none of {humanize.plural(total, 'guard')}"
    return f"pass {intact} of {humanize.plural(total, 'guard')}"


def _for_agent(found: Recommendation) -> str:
    return f" for {found.agent or 'steps without an agent'}"


def guards(effect: CandidateEffect) -> str:
    """Describe what a candidate does to the guards of its agent, as far as each one's own verdict says it."""
    if not effect.guards:
        return "no guard watches over it"
    total = humanize.plural(effect.guards, "guard")
    if effect.broken:
        return f"breaks {len(effect.broken)} of {total} ({_some(effect.broken)})"
    if len(effect.intact) == effect.guards:
        return f"breaks none of {total}"
    undecided = effect.guards - len(effect.intact) - len(effect.failing_too)
    parts = [f"{len(effect.intact)} of {total} {'passes' if effect.guards == 1 else 'pass'}"]
    parts += [f"{undecided} undecided"] * bool(undecided)
    parts += [f"{len(effect.failing_too)} failing as with current"] * bool(effect.failing_too)
    return ", ".join(parts)


def fixes(effect: CandidateEffect) -> str:
    """Say how many failures a candidate fixes: fixes 1 of 2 failures."""
    settled = humanize.plural(len(effect.settles), "case") if effect.settles else ""
    if not effect.fixes and settled:
        return f"passes {settled} that current does not pass"
    said = f"fixes {len(effect.fixes)} of {humanize.plural(effect.failures, 'failure')}"
    return f"{said} and passes {settled} that current does not pass" if settled else said


def beside(cell: Cell) -> str:
    """Say whether a candidate is better or worse than ``current`` in a case; empty if that is not shown."""
    return "" if cell.beside is None else _BESIDE.get(cell.beside, "")


def mark(cell: Cell) -> str:
    """Return the claim about a cell in a word: fix, better, worse or same; otherwise empty."""
    return "fix" if cell.fixes else beside(cell).partition(" ")[0]


def unfixed(best: Cell | None, *, not_red: bool = False) -> str:
    """Say why a failing case has no fix, with the candidate that came nearest."""
    if not_red:
        return "not red, so that no candidate can be shown to fix it"
    if best is None:
        return "no candidate was run on it"
    if best.verdict is Verdict.PASS:
        return f"no candidate is shown to fix it: {phrases.fix(best)} {NOT_SHOWN}"
    return f"no candidate fixes it; the nearest is {phrases.fix(best)}"


def effect(cell: Cell, current: Cell | None) -> str:
    """Name what a candidate does to another case, as far as the verdicts of the two say it."""
    if cell.beside is Change.REGRESSED:
        return "makes worse"
    if cell.verdict is Verdict.PASS:
        return "passes"
    if not cell.verdict.is_bad:
        return "nothing said of"
    return "fails, as current does," if current is not None and current.verdict.is_bad else "breaks"


def alternatives(result: CaseResult) -> tuple[tuple[Cell, ...], str]:
    """Return the candidates of a case that ``current`` does not pass, and what may be said of them.

    Those that fix it; else those that pass, of which nothing is shown. While other cases are measured that is not known
    yet where the number of trials was fixed.
    """
    current = result.cell(CURRENT)
    if current is None or current.verdict is Verdict.PASS or not current.verdict.is_measured:
        return (), ""
    passing = [
        each
        for each in result.cells
        if each.variant != CURRENT and not each.changes and each.verdict is Verdict.PASS
    ]
    shown = [each for each in result.fixes if each.beside is Change.IMPROVED]
    if shown:
        return tuple(shown), f"fixed by {_fixes(shown)}"
    if not passing:
        return (), ""
    is_pending = any(each.beside is None for each in passing) and not result.not_red
    said = PENDING if is_pending else NOT_SHOWN
    return tuple(passing), f"{_fixes(passing)}: {said}"


def _fixes(cells: Sequence[Cell]) -> str:
    return humanize.listed([phrases.fix(each) for each in cells])


def clause(found: Recommendation, *, is_named: bool) -> str:
    """Return the prompt to take, or why there is none; ``is_named`` adds the agent."""
    chosen = found.recommended
    if chosen is not None:
        return f"take {choice(found) if is_named else chosen.variant}: it {_balance(chosen)}"
    agent = _for_agent(found) if is_named else ""
    said = _none(found)
    return f"{said[0]}{agent}{said[1]}"


def _tested(said: str, found: Recommendation) -> str:
    chosen = found.recommended
    if chosen is None or chosen.test is None:
        return said
    each = "each " if len(chosen.fixes + chosen.settles) > 1 else ""
    return f"{said} ({each}better than current by {_TESTS[chosen.test]})"


def _balance(effect: CandidateEffect) -> str:
    watched = guards(effect)
    joint = " and " if watched.startswith("breaks") else ", and "
    costs = [f"is worse in {len(effect.worse)} ({_some(effect.worse)})"] * bool(effect.worse)
    costs += [f"fails {len(effect.fails)} that current passes ({_some(effect.fails)})"] * bool(effect.fails)
    return f"{fixes(effect)}{joint}{watched}" + (f", but {' and '.join(costs)}" if costs else "")


def _none(found: Recommendation) -> tuple[str, str]:
    """Return the sentence for a recommendation that recommends nothing, and its reason."""
    match found.reason:
        case NoRecommendation.NO_CANDIDATE:
            return "no candidate was run", ""
        case NoRecommendation.HARMS:
            return "there is no prompt to take", f": {_harmful(found)}"
        case NoRecommendation.DIFFERENT:
            return "there is no prompt to take", f": {_different(found)}"
        case _:
            what = "it" if len(found.failures) == 1 else "any of them"
            unshown = [f"; {_not_shown(each)}" for each in found.candidates if each.unshown]
            return f"no candidate is shown to fix {what}", "".join(unshown[:_LISTED])


def _not_shown(effect: CandidateEffect) -> str:
    passed = f"{len(effect.unshown)} of {humanize.plural(effect.failures, 'failure')}"
    return f"{effect.variant} passes {passed}, not shown to be better"


def _harmful(found: Recommendation) -> str:
    harmful = [each for each in found.candidates if each.improves]
    said = [
        f"{each.variant} {fixes(each)} but {guards(each) if each.broken else 'is worse over all cases'}"
        for each in harmful[:_LISTED]
    ]
    rest = len(harmful) - _LISTED
    return "; ".join([*said, f"so do {rest} more"] if rest > 0 else said)


def _different(found: Recommendation) -> str:
    harmless = [each for each in found.candidates if each.improves and not each.harms]
    most = max(len(each.fixes) for each in harmless)
    shown = [each for each in harmless if len(each.fixes) == most][:_LISTED]
    each_one = ", ".join(
        f"{each.variant} {fixes(each)} ({_some(each.fixes or each.settles)})" for each in shown
    )
    if not most:
        return f"different candidates pass different cases; {each_one}"
    unharmed = " without harm" if any(each.improves and each.harms for each in found.candidates) else ""
    whole = "both" if len(found.failures) == 2 else "all of them"
    return f"no single one fixes {whole}{unharmed}; {each_one}"


def _some(names: tuple[str, ...]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
