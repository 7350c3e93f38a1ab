"""Checks a recorded run by a function of the project's own, which the caller names."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from refork.case_capture.case_writer import find_step
from refork.case_capture.failures import slug
from refork.dbos.application.importing import inert_dbos
from refork.errors import BadInputError, StepNotFoundError
from refork.records import Run, Step
from refork.redaction.error_text import summary
from refork.redaction.texts import without_secrets

from refork_evals.scan.checking.checks import NotScoredError, Problem
from refork_evals.scan.checking.expectations import ExpectationCheck
from refork_evals.scorers.evidence import is_list, one_line, quote

Finding: TypeAlias = (
    bool | None | tuple[bool, int | str | None, str] | tuple[bool, int | str | None, str, Sequence[Any]]
)
"""The result of a check for a run: None or True if it is fine, False, or ``(failed, step, name)``.

``step`` is a step's number or the name of its agent or tool, or None. ``name`` says what failed. A fourth item lists
what a case of it expects, as in ``case.yaml``.
"""
Function: TypeAlias = Callable[[Run], "Finding | Sequence[Finding] | Awaitable[Finding | Sequence[Finding]]"]
_ACCEPTED: Final = "None, True, False, (failed, step, name), (failed, step, name, expect) or a list of these"


@dataclass(frozen=True, kw_only=True)
class FunctionCheck:
    """A run fails as the function says."""

    name: str
    function: Function

    @classmethod
    def of(cls, given: "str | Function") -> "FunctionCheck":
        """Return the check of a function, given itself or as ``module:function``.

        Raises BadInputError if there is none.
        """
        if not isinstance(given, str):
            return cls(name=getattr(given, "__name__", "check"), function=given)
        module, _, name = given.partition(":")
        if not module or not name:
            raise BadInputError(f"--check {given!r} names no function: write module:function")
        try:
            with inert_dbos():
                function: Any = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise BadInputError(f"--check {given!r} cannot be imported: {summary(error)}") from error
        if not callable(function):
            raise BadInputError(f"--check {given!r} is not a function: it is a {type(function).__name__}")
        return cls(name=name, function=cast("Function", function))

    async def problems(self, run: Run) -> Sequence[Problem]:
        try:
            found: Any = self.function(run)
            if inspect.isawaitable(found):
                found = await found
        except Exception as error:
            raise NotScoredError(f"{self.name} raised {summary(error)}") from error
        findings = cast("Sequence[Any]", found) if is_list(found) else (found,)
        return [problem for each in findings if (problem := self._problem(run, each)) is not None]

    def _problem(self, run: Run, found: Any) -> Problem | None:
        if found is None or found is True:
            return None
        if found is False:
            return self._failed(run, None, self.name, ())
        if not _is_finding(found):
            raise BadInputError(f"--check {self.name!r} returned {quote(found)}; accepted: {_ACCEPTED}")
        failed, step, name, *expect = found
        return self._failed(run, step, name, *expect) if failed else None

    def _failed(self, run: Run, step: int | str | None, name: str, expect: Sequence[Any] = ()) -> Problem:
        found = None if step is None else self._step(run, step)
        return Problem(
            what=one_line(name),
            name=slug(without_secrets(name)),
            step=found,
            where=None,
            expect=tuple(ExpectationCheck.of(entry).entry for entry in expect),
        )

    def _step(self, run: Run, step: int | str) -> Step:
        try:
            return find_step(run, str(step))
        except StepNotFoundError as error:
            raise BadInputError(f"--check {self.name!r} names a step that is not there: {error}") from None


def _is_finding(found: Any) -> bool:
    if not isinstance(found, tuple):
        return False
    if len(found) not in (3, 4):
        return False
    failed, step, name, *expect = found
    is_step = step is None or (isinstance(step, int | str) and not isinstance(step, bool))
    has_expect = not expect or (is_list(expect[0]) and all(isinstance(each, Mapping) for each in expect[0]))
    return (
        isinstance(failed, bool) and is_step and isinstance(name, str) and bool(name.strip()) and has_expect
    )
