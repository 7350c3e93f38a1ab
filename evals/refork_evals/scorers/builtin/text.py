"""Scorers of text: contains, not_contains, equals, regex."""

import re
import warnings
from typing import Annotated, Any, ClassVar, Final

import regex
from pydantic import AfterValidator, Field

from refork_evals.scorers.builtin.base import Finding, ValueScorer
from refork_evals.scorers.evidence import as_text, json_equal, parse_json, quote, quote_around
from refork_evals.scorers.time_limits import TimedPattern

SEARCHED: Final = 100_000
"""Characters in which a pattern is searched. The limit does not prevent slow patterns."""


class Contains(ValueScorer):
    """The text occurs."""

    kind: ClassVar[str] = "contains"
    short_form: ClassVar[str | None] = "text"

    text: str = Field(min_length=1, description="The text that must occur.")
    ignore_case: bool = Field(
        default=False, description="Ignore the difference between upper and lower case."
    )

    def check(self, value: Any) -> Finding:
        return _find(as_text(value), self.text, self.ignore_case)

    def words(self, value: Any) -> tuple[str, ...]:
        """Return the text as it stands in the value, in each of its spellings."""
        return _spellings(as_text(value), self.text, self.ignore_case)


class NotContains(ValueScorer):
    """The text does not occur."""

    kind: ClassVar[str] = "not_contains"
    short_form: ClassVar[str | None] = "text"

    text: str = Field(min_length=1, description="The text that must not occur.")
    ignore_case: bool = Field(
        default=False, description="Ignore the difference between upper and lower case."
    )

    def check(self, value: Any) -> Finding:
        found = _find(as_text(value), self.text, self.ignore_case)
        return Finding(passed=not found.passed, reason=found.reason)

    def words(self, value: Any) -> tuple[str, ...]:
        """Return the text as it stands in the value, in each of its spellings."""
        return _spellings(as_text(value), self.text, self.ignore_case)


def _find(text: str, wanted: str, ignore_case: bool) -> Finding:
    searched, key = (text.casefold(), wanted.casefold()) if ignore_case else (text, wanted)
    start = searched.find(key)
    if start < 0:
        return Finding(passed=False, reason=f"does not contain {quote(wanted)}: {quote(text)}")
    # Folding can change the length ("ß" becomes "ss"); the place is then known in the folded text only.
    shown = text if len(text) == len(searched) else searched
    evidence = quote_around(shown, start, start + len(key))
    return Finding(passed=True, reason=f"contains {quote(wanted)}: {evidence}")


def _spellings(text: str, wanted: str, ignore_case: bool) -> tuple[str, ...]:
    found = re.findall(re.escape(wanted), text[:SEARCHED], re.IGNORECASE if ignore_case else 0)
    return tuple(dict.fromkeys(found))


class Equals(ValueScorer):
    """The value, and nothing else. White space around a text does not count."""

    kind: ClassVar[str] = "equals"
    short_form: ClassVar[str | None] = "value"

    value: Any = Field(description="A text, or any JSON value; the answer's text is then parsed as JSON.")
    ignore_case: bool = Field(
        default=False, description="Ignore the difference between upper and lower case of a text."
    )

    def check(self, value: Any) -> Finding:
        if isinstance(self.value, str):
            return self._text(value)
        try:
            found = parse_json(value)
        except ValueError as error:
            return Finding(passed=False, reason=str(error))
        return self._finding(json_equal(found, self.value), quote(found))

    def _text(self, value: Any) -> Finding:
        if not isinstance(value, str):
            return self._finding(False, quote(value))
        left, right = value.strip(), str(self.value).strip()
        if self.ignore_case:
            left, right = left.casefold(), right.casefold()
        return self._finding(left == right, _from_difference(left, right))

    def _finding(self, passed: bool, found: str) -> Finding:
        return Finding(passed=passed, reason=f"is {found}" + ("" if passed else f", not {quote(self.value)}"))


def _from_difference(left: str, right: str) -> str:
    """Return ``left`` around the first character in which it differs from ``right``."""
    common = next(
        (i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right))
    )
    return quote(left) if left == right else quote_around(left, common, min(common + 1, len(left)))


def _compiles(pattern: str) -> str:
    try:
        with warnings.catch_warnings():
            # Python warns of patterns whose meaning may change one day, which is no error today.
            warnings.simplefilter("ignore")
            re.compile(pattern)
            TimedPattern(pattern)
    except (re.error, regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression ({error}): {quote(pattern)}") from None
    return pattern


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]


class Regex(ValueScorer):
    """The regular expression is found somewhere. Its syntax is Python's."""

    kind: ClassVar[str] = "regex"
    short_form: ClassVar[str | None] = "pattern"

    pattern: Pattern = Field(description="A regular expression of Python's re module.")
    ignore_case: bool = Field(
        default=False, description="Ignore the difference between upper and lower case."
    )

    def check(self, value: Any) -> Finding:
        text, match = self._search(value)
        if match is None:
            return Finding(passed=False, reason=f"does not match {quote(self.pattern)}: {quote(text)}")
        evidence = quote_around(text, match.start(), match.end())
        return Finding(passed=True, reason=f"matches {quote(self.pattern)}: {evidence}")

    def words(self, value: Any) -> tuple[str, ...]:
        """Return what the pattern matches. Raises TooLongError."""
        _, match = self._search(value)
        return (match.group(),) if match is not None and match.group() else ()

    def _search(self, value: Any) -> "tuple[str, regex.Match[str] | None]":
        text = as_text(value)[:SEARCHED]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return text, TimedPattern(self.pattern, ignore_case=self.ignore_case).search(text)
