"""Decides which prompt to take for each agent."""

from collections.abc import Iterable, Mapping, Sequence

from refork.records.variant import CURRENT

from refork_evals.results import CaseResult, Cell, Change, Method, VariantComparison, Verdict
from refork_evals.results.recommendation import CandidateEffect, FixTest, NoRecommendation, Recommendation


def recommend(
    results: Sequence[CaseResult], comparisons: Iterable[VariantComparison] = ()
) -> tuple[Recommendation, ...]:
    """Decide for every agent that has a failing case, or a case that a candidate improves.

    ``comparisons`` are those with ``current``, over the cases of ``results``.
    """
    decided = judge_agents(results, comparisons)
    return tuple(
        each for each in decided if each.failures or any(effect.improves for effect in each.candidates)
    )


def judge_agents(
    results: Sequence[CaseResult], comparisons: Iterable[VariantComparison] = ()
) -> tuple[Recommendation, ...]:
    """Decide for every agent, also where there is nothing to fix."""
    agents: dict[str | None, list[CaseResult]] = {}
    for result in results:
        agents.setdefault(result.case.agent, []).append(result)
    shared = _shared(agents)
    changes = {each.variant: each.change for each in comparisons if each.variant not in shared}
    return tuple(_recommendation(agent, cases, changes) for agent, cases in agents.items())


def _shared(agents: Mapping[str | None, Sequence[CaseResult]]) -> set[str]:
    """Return the names that candidates of several agents have: each of these is another prompt."""
    names = [{cell.variant for result in cases for cell in result.cells} for cases in agents.values()]
    return {name for each in names for name in each if sum(name in other for other in names) > 1}


def _recommendation(
    agent: str | None, cases: Sequence[CaseResult], changes: Mapping[str, Change]
) -> Recommendation:
    failures = tuple(result.case.name for result in cases if _fails(result.cell(CURRENT)))
    names = dict.fromkeys(
        cell.variant
        for result in cases
        for cell in result.cells
        if cell.variant != CURRENT and not cell.changes
    )
    effects = tuple(_effect(name, cases, len(failures), changes.get(name)) for name in names)
    chosen = _choice(effects)
    variant, reason = (chosen.variant, None) if isinstance(chosen, CandidateEffect) else (None, chosen)
    return Recommendation(agent=agent, failures=failures, candidates=effects, variant=variant, reason=reason)


def _effect(name: str, cases: Sequence[CaseResult], failures: int, change: Change | None) -> CandidateEffect:
    tried = [
        (result, cell, result.cell(CURRENT)) for result in cases if (cell := result.cell(name)) is not None
    ]
    fixing = [
        (result.case.name, cell, _fails(current))
        for result, cell, current in tried
        if cell.fixes and not result.not_red
    ]
    guards = [(result.case.name, cell, current) for result, cell, current in tried if result.case.guard]
    broken = tuple(case for case, cell, current in guards if _breaks(cell, current))
    lost = tuple(result.case.name for result, cell, _ in tried if cell.beside is Change.REGRESSED)
    worse = tuple(case for case in lost if case not in broken)
    return CandidateEffect(
        variant=name,
        failures=failures,
        fixes=tuple(case for case, _, is_failure in fixing if is_failure),
        settles=tuple(case for case, _, is_failure in fixing if not is_failure),
        unshown=tuple(
            result.case.name
            for result, cell, current in tried
            if _fails(current) and cell.verdict is Verdict.PASS and not cell.fixes and not result.not_red
        ),
        guards=sum(result.case.guard for result in cases),
        intact=tuple(case for case, cell, _ in guards if cell.verdict is Verdict.PASS and case not in broken),
        broken=broken,
        failing_too=tuple(case for case, cell, _ in guards if _fails(cell) and case not in broken),
        worse=worse,
        fails=tuple(
            result.case.name
            for result, cell, current in tried
            if _fails(cell) and _passes(current) and not result.case.guard and result.case.name not in worse
        ),
        test=_test([cell for _, cell, _ in fixing]),
        change=change,
    )


def _breaks(cell: Cell, current: Cell | None) -> bool:
    """Return whether a guard is lost: it fails and ``current`` does not, or it is shown to be worse."""
    return cell.beside is Change.REGRESSED or (_fails(cell) and not _fails(current))


def _fails(cell: Cell | None) -> bool:
    return cell is not None and cell.verdict.is_bad


def _passes(cell: Cell | None) -> bool:
    return cell is not None and cell.verdict is Verdict.PASS


def _test(fixing: Sequence[Cell]) -> FixTest | None:
    if not fixing:
        return None
    return FixTest.EXACT if all(cell.method is Method.FIXED for cell in fixing) else FixTest.SEQUENTIAL


def _choice(effects: Sequence[CandidateEffect]) -> CandidateEffect | NoRecommendation:
    """Return the harmless candidate that fixes the most, unless several fix as many and not the same cases."""
    improving = [each for each in effects if each.improves]
    harmless = [each for each in improving if not each.harms]
    if not effects:
        return NoRecommendation.NO_CANDIDATE
    if not improving:
        return NoRecommendation.NONE_FIXES
    if not harmless:
        return NoRecommendation.HARMS
    most = max(_count(each) for each in harmless)
    best = [each for each in harmless if _count(each) == most]
    if len({each.fixes or each.settles for each in best}) > 1:
        return NoRecommendation.DIFFERENT
    return min(best, key=lambda each: (len(each.worse) + len(each.fails), -len(each.intact)))


def _count(effect: CandidateEffect) -> tuple[int, int]:
    return len(effect.fixes), len(effect.settles)
