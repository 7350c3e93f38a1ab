"""Tokens, cost and time: of a step, of a whole run, and of many of them together."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Final

from pydantic import ConfigDict, PlainSerializer, WithJsonSchema

from refork.records.prices import project_price


def _plain(amount: Decimal) -> str:
    """Return a decimal without an exponent. pydantic does not accept the signature of a bound method of str under
    Python 3.13.
    """
    return f"{amount:f}"


Money = Annotated[
    Decimal,
    PlainSerializer(_plain, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}),
]
"""US dollars; in a file a decimal string: ``"0.0042"``."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one or more model calls, as the provider reported them.

    ``input_tokens`` includes ``cached_tokens``; ``output_tokens`` includes ``reasoning_tokens``.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


MOST_TOKENS: Final = 10**12


def checked(**counts: float | None) -> Usage | None:
    """Return the usage with these counts; None if one of them is not a valid count: negative, broken, or absurd."""
    whole: dict[str, int] = {}
    for name, count in counts.items():
        value = 0 if count is None else count
        if not 0 <= value <= MOST_TOKENS or value != int(value):  # NaN fails the first
            return None
        whole[name] = int(value)
    return Usage(**whole)


def total_usage(usages: Iterable[Usage | None]) -> Usage:
    """Return the sum of the known usages."""
    return sum((usage for usage in usages if usage is not None), Usage())


def cost(usage: Usage, model: str | None) -> Decimal | None:
    """The price of ``usage`` in US dollars: by the project's own price of the model, or else the table of
    genai-prices. None for a model that neither knows.
    """
    if model is None:
        return None
    own = project_price(model)
    if own is None:
        return _list_price(usage, model)
    return own.of(
        input_tokens=usage.input_tokens, cached_tokens=usage.cached_tokens, output_tokens=usage.output_tokens
    )


def total_cost(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of the costs in US dollars; None if one is unknown, because a partial sum would be misleading."""
    total = Decimal(0)
    for each in costs:
        if each is None:
            return None
        total += each
    return total


@lru_cache(maxsize=4096)
def _list_price(usage: Usage, model: str) -> Decimal | None:
    from genai_prices import Usage as PricedUsage  # noqa: PLC0415 - the table takes 100 ms to load
    from genai_prices import calc_price  # noqa: PLC0415

    priced = PricedUsage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        return calc_price(priced, model_ref=model).total_price
    except (LookupError, ValueError):
        return None


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The tokens and the cost of a number of trials.

    ``cost_usd`` is None if a model has no known price, because a partial sum would be misleading.
    """

    trials: int = 0
    tokens: int = 0
    cost_usd: Money | None = Decimal(0)

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(
            trials=self.trials + other.trials,
            tokens=self.tokens + other.tokens,
            cost_usd=total_cost((self.cost_usd, other.cost_usd)),
        )


@dataclass(frozen=True, kw_only=True)
class WholeReruns:
    """The tokens, cost and time of running the whole recorded run again, once for every trial.

    ``seconds`` are those of one rerun after another.
    """

    trials: int
    tokens: int
    cost_usd: Money | None
    seconds: float

    def __add__(self, other: "WholeReruns") -> "WholeReruns":
        return WholeReruns(
            trials=self.trials + other.trials,
            tokens=self.tokens + other.tokens,
            cost_usd=total_cost((self.cost_usd, other.cost_usd)),
            seconds=self.seconds + other.seconds,
        )
