"""Writes a session's new answers into the cases' folders. Only the main process writes, never a worker."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from refork.answer_cache import AnswersMode, CachedAnswer, Store
from refork.errors import ReforkError
from refork.records.outcome import Trial, cached_answer

from refork_evals.agreement.judge_answers import JudgeAnswer
from refork_evals.results import CaseResult


@dataclass(frozen=True, kw_only=True)
class Saved:
    """The number of answers written and of cases written to, and the errors."""

    answers: int = 0
    cases: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unscored:
    """A trial of the case in ``folder`` that was paid for but not scored."""

    folder: Path
    trial: Trial


def keep(
    mode: AnswersMode,
    results: Iterable[CaseResult],
    judged: Iterable[JudgeAnswer],
    *,
    unscored: Iterable[Unscored] = (),
    cases: Path,
) -> Saved:
    """Write the new answers, each case at once. ``cases`` is the folder of all cases."""
    fresh: dict[Path, list[CachedAnswer]] = {}
    asked: dict[Path, set[str]] = {}
    scored = (
        (result.case.folder, trial)
        for result in results
        for trial in (result.outcome.trials if result.outcome is not None else ())
    )
    for folder, trial in (*scored, *((each.folder, each.trial) for each in unscored)):
        new = list(_of(trial))
        fresh.setdefault(folder, []).extend(new)
        asked.setdefault(folder, set()).update(cached.digest for cached in new)
    for each in judged:
        fresh.setdefault(each.folder, []).append(each.cached)
        asked.setdefault(each.folder, set()).add(each.cached.digest)
    return _written(Store(mode), fresh, asked, cases)


def _written(
    store: Store, fresh: dict[Path, list[CachedAnswer]], asked: dict[Path, set[str]], home: Path
) -> Saved:
    answers, cases, problems = 0, 0, list[str]()
    for folder, new in fresh.items():
        if not new or not folder.is_dir():
            continue
        try:
            changed = store.keep(folder, new, requested=asked[folder], cases=home)
        except ReforkError as error:
            problems.append(str(error))
            continue
        answers, cases = answers + changed, cases + bool(changed)
    return Saved(answers=answers, cases=cases, problems=tuple(problems))


def _of(trial: Trial) -> Iterator[CachedAnswer]:
    yield from trial.cached_steps
    cached = cached_answer(trial)
    if cached is not None:
        yield cached
