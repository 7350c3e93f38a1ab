"""Estimates cases under variants, from their records, their plans and the answer cache. No call is made."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from refork.answer_cache import AnswersMode, Store, digest_of
from refork.config import Config
from refork.prompts.prompt import Prompt
from refork.records import Case
from refork.records.variant import Variant

from refork_evals.estimation.cached_trials import CachedTrials, Reuse, TrialNumbers
from refork_evals.estimation.estimate import CellEstimate, SuiteEstimate, WorkRange
from refork_evals.estimation.judge_work import JudgeCalls, judge_calls
from refork_evals.estimation.trial_work import expected_request, trial_work
from refork_evals.evaluation.case_plans import CasePlans
from refork_evals.evaluation.evaluate import count_families, measured_cases
from refork_evals.evaluation.measured_case import MeasuredCase
from refork_evals.evaluation.settings import Settings

Wanted = Sequence[tuple[MeasuredCase, Sequence[str]]]


def estimate(
    cases: Sequence[Case | str | Path] | None,
    variants: Sequence[Variant | Prompt | str] | None,
    settings: Settings,
) -> SuiteEstimate:
    """Estimate what :func:`refork_evals.evaluation.evaluate.evaluate` would take. Raises ReforkError as that does."""
    measured, plans = measured_cases(cases, variants, settings), CasePlans(settings)
    count_families(plans, measured)
    wanted = [(case, [variant.name for variant in case.variants]) for case in measured]
    return estimate_of(wanted, plans, Store(AnswersMode(settings.project.answers)), settings.project)


def estimate_of(wanted: Wanted, plans: CasePlans, store: Store, project: Config) -> SuiteEstimate:
    """Estimate cases under the variants that go with each. Raises ReforkError for a damaged file of answers."""
    folders: dict[Path, _CaseFolder] = {}
    for case, variants in wanted:
        folders.setdefault(case.case.folder, _CaseFolder(plans, store, project)).add(case, variants)
    by_cell = {(cell.case, cell.variant): cell for folder in folders.values() for cell in folder.estimates()}
    ordered = tuple(by_cell[case.name, variant] for case, variants in wanted for variant in variants)
    return SuiteEstimate(
        cells=ordered, concurrency=project.concurrency, is_offline=store.mode is AnswersMode.OFFLINE
    )


class _CaseFolder:
    """The measured cases of one folder. Tests that share a case share its answers, in the order of the tests."""

    def __init__(self, plans: CasePlans, store: Store, project: Config) -> None:
        self._plans = plans
        self._store = store
        self._project = project
        self._cases: list[tuple[MeasuredCase, Sequence[str]]] = []
        self._taken: dict[str, tuple[int, int]] = {}

    def add(self, case: MeasuredCase, variants: Sequence[str]) -> None:
        self._cases.append((case, variants))

    def estimates(self) -> Iterator[CellEstimate]:
        cached = self._store.cached(self._cases[0][0].case.folder)
        digests = self._digests() if cached else {}
        known = CachedTrials(cached, digests.values())
        for case, variants in self._cases:
            trials = self._trials(case, variants)
            judges = judge_calls(case.case, case.scorers)
            for variant in variants:
                yield self._cell(
                    case, variant, trials[variant], known, digest=digests.get(variant), judges=judges
                )
                judges = replace(judges, recorded=0)

    def _cell(
        self,
        case: MeasuredCase,
        variant: str,
        trials: tuple[int, int],
        cached: CachedTrials,
        *,
        digest: str | None,
        judges: JudgeCalls,
    ) -> CellEstimate:
        one = trial_work(case.case, case.variant(variant), self._project.models)
        if self._store.mode is AnswersMode.OFFLINE:
            return CellEstimate(case=case.name, variant=variant, trials=trials)
        calls = one.work.most.calls
        reuse = cached.reuse(digest, self._numbers(variant, trials), trials=trials, calls=calls)
        answers = WorkRange(
            least=one.work.least.times(reuse.paid_least), most=one.work.most.times(reuse.paid_most)
        )
        judged = _judged(judges, cached, digest, reuse, trials)
        parts = [one] * bool(answers.most.calls) + [judges.call] * bool(judged.most.calls)
        return CellEstimate(
            case=case.name,
            variant=variant,
            trials=trials,
            reusable=reuse.reusable,
            answers=answers,
            judges=judged,
            trial_seconds=one.work.most.seconds,
            is_rough=any(part.is_rough for part in parts),
            models=frozenset[str]().union(*(part.models for part in parts)),
            unpriced=frozenset[str]().union(*(part.unpriced for part in parts)),
        )

    def _trials(self, case: MeasuredCase, variants: Sequence[str]) -> dict[str, tuple[int, int]]:
        """The fewest and the most trials of each variant. All begin with as many, and ``current`` goes on beside
        candidates.
        """
        plans = {variant: self._plans.of(case, variant) for variant in variants}
        fewest = max((plan.first for plan in plans.values()), default=0)
        return {variant: (fewest, max(fewest, plan.most)) for variant, plan in plans.items()}

    def _numbers(self, variant: str, trials: tuple[int, int]) -> TrialNumbers:
        """Number the trials of a cell after those of the tests before it."""
        fewest, most = self._taken.get(variant, (0, 0))
        self._taken[variant] = fewest + trials[0], most + trials[1]
        if fewest != most:
            return TrialNumbers(fewest=None, most=None)
        start = fewest + 1
        return TrialNumbers(fewest=range(start, start + trials[0]), most=range(start, start + trials[1]))

    def _digests(self) -> dict[str, str]:
        """The digest of each variant's request at the fork point, where its record tells it."""
        found: dict[str, str] = {}
        for measured, variants in self._cases:
            case = measured.case
            for variant in variants if case.scope == "step" else ():
                request = expected_request(case, measured.variant(variant))
                if request is not None and variant not in found:
                    found[variant] = digest_of(request, own_ids=(case.run.id,))
        return found


def _judged(
    judges: JudgeCalls,
    cached: CachedTrials,
    digest: str | None,
    reuse: Reuse,
    trials: tuple[int, int],
) -> WorkRange:
    """Estimate the calls of the judges of a cell."""
    if not judges.at_most:
        return WorkRange()
    fewest, most = trials
    least = judges.always * (fewest + judges.recorded)
    saved = sum(min(judges.at_most, cached.known_replies(digest, trial)) for trial in reuse.known)
    saved += min(judges.at_most, cached.known_replies(None, 0)) * judges.recorded
    return judges.of(least - cached.take_replies(least), judges.at_most * (most + judges.recorded) - saved)
