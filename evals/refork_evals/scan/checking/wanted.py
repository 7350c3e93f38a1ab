"""Reads the conditions of a good run: expectations of ``case.yaml``, functions of the project's, or both."""

from collections.abc import Sequence
from dataclasses import dataclass

from refork.errors import BadInputError

from refork_evals.scan.checking.checks import RunCheck
from refork_evals.scan.checking.expectations import EndedWell, Entry, ExpectationCheck, entries_of
from refork_evals.scan.checking.functions import Function, FunctionCheck


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The expectations and functions that a run is checked by."""

    entries: tuple[Entry, ...]
    expectations: tuple[ExpectationCheck, ...]
    functions: tuple[str | Function, ...]

    @classmethod
    def of(
        cls, expect: str | Entry | Sequence[str | Entry], check: str | Function | Sequence[str | Function]
    ) -> "Wanted":
        """Raises BadInputError for a wrong expectation, or if there is neither an expectation nor a function."""
        entries = entries_of(expect)
        functions = (check,) if isinstance(check, str) or callable(check) else (*check,)
        if not entries and not functions:
            raise BadInputError("nothing says what a good run is: give --expect or --check")
        return cls(
            entries=entries, expectations=tuple(map(ExpectationCheck.of, entries)), functions=functions
        )

    def own_checks(self) -> list[RunCheck]:
        """Return the checks as the caller said them. The application is imported by now.

        Raises BadInputError for a function that is not there.
        """
        return [*self.expectations, *map(FunctionCheck.of, self.functions)]

    def checks(self) -> list[RunCheck]:
        """Return ``own_checks``, and, with an expectation, the check that a run ended without an error."""
        ended = [EndedWell(expect=self.entries)] if self.expectations else []
        return [*self.own_checks(), *ended]
