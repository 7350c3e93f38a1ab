"""Signs that the trials of a cell are not independent draws."""

from dataclasses import dataclass
from typing import Literal

Sign = Literal["identical", "seed", "repeats"]
"""All answers are the same; the request has a seed; equal answers follow one another."""


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """The reason why the trials of a cell may not be independent. ``answers`` is the number of compared answers.

    ``temperature`` is that of the request, None if it sets none. ``seed`` is set for ``seed``, ``p_value`` for
    ``repeats``.
    """

    sign: Sign
    answers: int
    temperature: float | None = None
    seed: str | None = None
    p_value: float | None = None
