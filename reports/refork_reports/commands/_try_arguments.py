"""The arguments of ``refork try`` that are more than a text: its targets, and a number of trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import click
from refork.errors import BadInputError

MOST_RUNS: Final = 20
"""Runs that ``--where`` takes if nobody says how many."""


class TrialsType(click.ParamType[Any]):
    """A number of trials, or ``auto``."""

    name = "trials"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["auto"]:
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or int(value) == 0:
            self.fail(f"{value!r} is neither a number of trials nor 'auto'", param, ctx)
        return int(value)


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The runs or cases that were named. Raises BadInputError unless they were named in one way."""

    run: str | None
    cases: Sequence[str]
    filters: Sequence[str]
    most: int | None

    def __post_init__(self) -> None:
        ways = {"RUN@STEP": self.run, "--case": self.cases, "--where": self.filters}
        given = [word for word, value in ways.items() if value]
        if not given:
            raise BadInputError(
                "RUN@STEP is missing: name a run and a step, such as 3f2a@7, or give --case or --where"
            )
        if len(given) > 1:
            raise BadInputError(f"{' and '.join(given)} contradict each other: give one of them")
        if self.most is not None and not self.filters:
            raise BadInputError("--last is for --where, as in --where status=ERROR --last 5")

    @property
    def last(self) -> int:
        """The maximum number of runs that filters choose."""
        return self.most or MOST_RUNS
