"""Checks a recorded run by an expectation of ``case.yaml``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from pydantic import ValidationError
from refork.case_capture.failures import failure_of, slug
from refork.case_capture.fork_points import fork_points_of
from refork.errors import BadInputError
from refork.records import Run, Step
from refork.storage.yaml_dump import yaml_line
from refork.storage.yaml_text import parse_yaml

from refork_evals.scan.broken_steps import broken_step, judge_calls, last_model_step
from refork_evals.scan.checking.checks import NotScoredError, Problem
from refork_evals.scan.whole_runs import has_result, whole_sample
from refork_evals.scorers.evidence import is_list, one_line, quote
from refork_evals.scorers.parameters import first_error, key_path, sentence
from refork_evals.scorers.protocol import Scorer, run_scorer
from refork_evals.scorers.registry import parse_scorer

Entry = Mapping[str, Any]


def entries_of(given: str | Entry | Sequence[str | Entry]) -> tuple[Entry, ...]:
    """The entries of ``expect``: as data, or as YAML in which one entry or a list of them stands.

    Raises BadInputError for what is not YAML.
    """
    if isinstance(given, str):
        data = parse_yaml(given, path="--expect").data
        return tuple(data) if is_list(data) else (data,)
    if isinstance(given, Mapping):
        return (given,)
    return tuple(entry for each in given for entry in entries_of(each))


@dataclass(frozen=True, kw_only=True)
class ExpectationCheck:
    """A run fails if its result and its calls do not meet the expectation.

    A run without a result fails only if what it called cannot meet it: :class:`EndedWell` is about its error.
    """

    entry: Entry
    scorer: Scorer

    @classmethod
    def of(cls, entry: Entry) -> "ExpectationCheck":
        """Raises BadInputError for an unknown scorer or parameter."""
        try:
            return cls(entry=entry, scorer=parse_scorer(entry))
        except ValidationError as error:
            first = first_error(error)
            path = key_path(first["loc"])
            where = f"{path}: " if path else ""
            raise BadInputError(f"--expect {quote(entry)}: {where}{sentence(first)}") from None

    @cached_property
    def what(self) -> str:
        """The expectation in one line, as it is written in ``case.yaml``."""
        return one_line(yaml_line(self.entry))

    async def problems(self, run: Run) -> Sequence[Problem]:
        sample = whole_sample(run)
        score = await run_scorer(self.scorer, sample)
        if score.passed is True:
            return ()
        if score.passed is None:
            raise NotScoredError(f"{score.scorer}: {score.error}")
        step = await broken_step(run, sample, self.scorer)
        if step is None and not has_result(run):
            return ()
        return (self._problem(run, step, score.error or score.reason),)

    def _problem(self, run: Run, step: Step | None, reason: str) -> Problem:
        found = step or last_model_step(run)
        where = None if found is None else found.label
        return Problem(
            what=self.what,
            name=slug(f"{where or run.workflow}-{self.what}"),
            step=found,
            where=where,
            expect=(self.entry,),
            explain=partial(self._explain, reason),
        )

    async def _explain(self, reason: str, run: Run) -> str:
        """The reason of the score of ``run``. A judge is not asked again: its reason is in its own words."""
        if judge_calls(self.scorer):
            return reason
        score = await run_scorer(self.scorer, whole_sample(run))
        return score.reason if score.passed is False else reason


@dataclass(frozen=True, kw_only=True)
class EndedWell:
    """A run fails if it ended with an error. ``expect`` is what a case of it expects."""

    expect: tuple[Entry, ...] = ()

    async def problems(self, run: Run) -> Sequence[Problem]:
        failure = failure_of(run)
        if failure is None:
            if not has_result(run):
                raise NotScoredError(f"it has no result: {run.status}")
            return ()
        said = f"{failure.error}: {failure.message}" if failure.message else failure.error
        return (
            Problem(
                what=one_line(said),
                name=failure.name,
                step=_fork_point(run),
                where=failure.where or None,
                expect=self.expect,
                explain=_error_of,
            ),
        )


async def _error_of(run: Run) -> str:
    return "" if run.error is None else one_line(f"{run.error.type}: {run.error.message}")


def _fork_point(run: Run) -> Step | None:
    try:
        return fork_points_of(run, ()).steps[0]
    except BadInputError:
        return None
