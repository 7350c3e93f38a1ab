"""The estimate of an evaluation: what it takes at the least and at the most, by case and variant."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add
from typing import TypeVar

from refork.records.usage import Money, total_cost

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, kw_only=True)
class Work:
    """Model calls, and what they take. ``seconds`` are those of one call after another.

    Tokens, cost and time are None if a part of them is unknown, because a partial sum would be misleading.
    """

    calls: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cost_usd: Money | None = Decimal(0)
    seconds: float | None = 0.0

    @property
    def tokens(self) -> int | None:
        return _sum(self.input_tokens, self.output_tokens)

    def __add__(self, other: "Work") -> "Work":
        return Work(
            calls=self.calls + other.calls,
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cost_usd=total_cost((self.cost_usd, other.cost_usd)),
            seconds=_sum(self.seconds, other.seconds),
        )

    def times(self, count: int) -> "Work":
        """Return the work of ``count`` trials. None of them take nothing, whatever is unknown of one."""
        if not count:
            return Work()
        return Work(
            calls=self.calls * count,
            input_tokens=None if self.input_tokens is None else self.input_tokens * count,
            output_tokens=None if self.output_tokens is None else self.output_tokens * count,
            cost_usd=None if self.cost_usd is None else self.cost_usd * count,
            seconds=None if self.seconds is None else self.seconds * count,
        )


@dataclass(frozen=True, kw_only=True)
class WorkRange:
    """The least and the most that something takes."""

    least: Work = Work()
    most: Work = Work()

    def __add__(self, other: "WorkRange") -> "WorkRange":
        return WorkRange(least=self.least + other.least, most=self.most + other.most)


@dataclass(frozen=True, kw_only=True)
class CellEstimate:
    """The estimate of a case under a variant.

    ``trials`` are the fewest and the most. Up to ``reusable`` of them are answered from the cache. ``answers`` is what
    the others take, ``judges`` what judges take. ``trial_seconds`` is the time of one trial. ``is_rough`` says that
    tokens were counted by characters. ``models`` are all that are called, ``unpriced`` those without a known price.
    """

    case: str
    variant: str
    trials: tuple[int, int]
    reusable: int = 0
    answers: WorkRange = WorkRange()
    judges: WorkRange = WorkRange()
    trial_seconds: float | None = 0.0
    is_rough: bool = False
    models: frozenset[str] = frozenset()
    unpriced: frozenset[str] = frozenset()

    @property
    def total(self) -> WorkRange:
        return self.answers + self.judges


@dataclass(frozen=True, kw_only=True)
class SuiteEstimate:
    """The estimate of an evaluation. ``concurrency`` is the number of calls at once; ``is_offline`` allows no call."""

    cells: tuple[CellEstimate, ...] = ()
    concurrency: int = 1
    is_offline: bool = False

    @property
    def total(self) -> WorkRange:
        """Calls, tokens and cost of answers and judges together."""
        return reduce(add, (cell.total for cell in self.cells), WorkRange())

    @property
    def judges(self) -> WorkRange:
        """The part of ``total`` that judges take."""
        return reduce(add, (cell.judges for cell in self.cells), WorkRange())

    @property
    def trials(self) -> tuple[int, int]:
        return sum(cell.trials[0] for cell in self.cells), sum(cell.trials[1] for cell in self.cells)

    @property
    def reusable(self) -> int:
        return sum(cell.reusable for cell in self.cells)

    @property
    def seconds(self) -> tuple[float | None, float | None]:
        """The time at the least and at the most, with ``concurrency`` calls at once; None where it is unknown."""
        least = [(cell.answers.least, cell.trial_seconds) for cell in self.cells]
        most = [(cell.answers.most, cell.trial_seconds) for cell in self.cells]
        return self._elapsed(least), self._elapsed(most)

    @property
    def is_rough(self) -> bool:
        return any(cell.is_rough for cell in self.cells)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models without a known price, by name."""
        return tuple(sorted({model for cell in self.cells for model in cell.unpriced}))

    @property
    def models(self) -> tuple[str, ...]:
        """The models that are called, by name."""
        return tuple(sorted({model for cell in self.cells for model in cell.models}))

    @property
    def by_case(self) -> dict[str, "SuiteEstimate"]:
        """The same for each case alone."""
        names = dict.fromkeys(cell.case for cell in self.cells)
        return {name: self._of(cell for cell in self.cells if cell.case == name) for name in names}

    def _of(self, cells: Iterable[CellEstimate]) -> "SuiteEstimate":
        return SuiteEstimate(cells=tuple(cells), concurrency=self.concurrency, is_offline=self.is_offline)

    def _elapsed(self, parts: Iterable[tuple[Work, float | None]]) -> float | None:
        """Return the seconds of all calls: those of the longest trial, or of all side by side if that is more."""
        called = [(work, longest) for work, longest in parts if work.calls]
        if any(work.seconds is None or longest is None for work, longest in called):
            return None
        total = sum(work.seconds or 0.0 for work, _ in called)
        return max(total / self.concurrency, max((longest or 0.0 for _, longest in called), default=0.0))


def _sum(one: _Number | None, other: _Number | None) -> _Number | None:
    return None if one is None or other is None else one + other
