"""The scorer that finds numbers in a text."""

import math
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, model_validator

from refork_evals.scorers.builtin.base import Finding, ValueScorer
from refork_evals.scorers.builtin.text import SEARCHED
from refork_evals.scorers.evidence import as_text, quote

_MINUS: Final = "-\u2212\u2013\ufe63\uff0d"
"""Hyphen, minus sign, en dash, small and full-width hyphen: models write them all for a negative number."""

# A sign counts only where it does not follow a word, a number or a bracket: "10-12" is a range, and
# "2024-01" a month. A digit after a letter is part of a name: "Q3", "v2".
_NUMBER: Final = re.compile(
    rf"""
    (?P<sign>(?<![\w%)\]])[{_MINUS}])?
    (?:(?<![\w])[$€£¥](?P<inner>[{_MINUS}])?)?
    (?<![\w.])
    (?P<digits>
        (?:[0-9]{{1,3}}(?:[,\u00a0\u202f][0-9]{{3}})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?
        |\.[0-9]+
    )
    (?:[eE](?P<exponent>[+{_MINUS}]?[0-9]{{1,4}})(?![\w]))?
    """,
    re.VERBOSE,
)


def numbers_in(text: str) -> tuple[float, ...]:
    """Return the finite numbers of a text in order: ``"-$1,234.5 (12%)"`` -> ``(-1234.5, 12.0)``."""
    found = (_value(match) for match in _NUMBER.finditer(text))
    return tuple(number for number in found if math.isfinite(number))


def _value(match: re.Match[str]) -> float:
    digits = re.sub("[,\u00a0\u202f]", "", match["digits"])
    exponent = re.sub(f"[{_MINUS}]", "-", match["exponent"] or "0")
    size = float(f"{digits}e{exponent}")
    return -size if match["sign"] or match["inner"] else size


class Number(ValueScorer):
    """The text contains a number within a tolerance of ``value``."""

    kind: ClassVar[str] = "number"
    short_form: ClassVar[str | None] = "value"

    value: float = Field(description="The number that must occur. A percentage is its face value: 12% is 12.")
    tolerance: float | None = Field(
        default=None, ge=0, description="How far off it may be, in the same unit."
    )
    relative_tolerance: float | None = Field(
        default=None, ge=0, description="How far off it may be, as a part of value: 0.01 is one percent."
    )
    ignore_sign: bool = Field(default=False, description="Treat -12 and 12 as equal, as in 'fell by 12%'.")
    occurrence: Literal["any", "all"] = Field(
        default="any",
        description="Whether any number of the text must be within the tolerance, or all of them.",
    )

    @model_validator(mode="after")
    def _one_tolerance(self) -> "Number":
        if self.tolerance is not None and self.relative_tolerance is not None:
            raise ValueError("has both tolerance and relative_tolerance; keep one")
        return self

    def check(self, value: Any) -> Finding:
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers: Sequence[float] = (float(value),)
        else:
            numbers = numbers_in(as_text(value)[:SEARCHED])
        if not numbers:
            return Finding(passed=False, reason=f"no number in {quote(value)}")
        near = [number for number in numbers if self._is_near(number)]
        passed = bool(near) if self.occurrence == "any" else len(near) == len(numbers)
        return self._finding(passed, numbers, value)

    def _finding(self, passed: bool, numbers: Sequence[float], value: Any) -> Finding:
        pick = min if self.occurrence == "any" else max
        telling = pick(numbers, key=self._distance)
        verb = "is" if passed else "is not"
        which = "nearest number" if self.occurrence == "any" else "farthest number"
        reason = f"{which} {telling:.12g} {verb} {self._wanted}: {quote(value)}"
        return Finding(passed=passed, reason=reason, value=telling)

    @property
    def _wanted(self) -> str:
        if self.relative_tolerance is not None:
            return f"within {self.relative_tolerance:.12g} x {abs(self.value):.12g} of {self.value:.12g}"
        return (
            f"within {self.tolerance:.12g} of {self.value:.12g}" if self.tolerance else f"{self.value:.12g}"
        )

    def _distance(self, number: float) -> float:
        return abs(abs(number) - abs(self.value)) if self.ignore_sign else abs(number - self.value)

    def _is_near(self, number: float) -> bool:
        allowed = abs(self.value) * (self.relative_tolerance or 0.0) + (self.tolerance or 0.0)
        # Binary fractions: 0.3 is 0.1 away from 0.2 only up to the last bit.
        slack = 1e-9 * max(abs(number), abs(self.value))
        return self._distance(number) <= allowed + slack
