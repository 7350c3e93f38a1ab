"""Prices that the project gives its own models: those of ``[tool.refork.prices]``."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

MILLION: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars per million tokens of a model. ``cached_input`` is ``input`` where it is None.

    ``example`` says that nobody charges this price; whatever shows it says so.
    """

    input: Decimal
    output: Decimal
    cached_input: Decimal | None = None
    example: bool = False

    def of(self, *, input_tokens: int, cached_tokens: int, output_tokens: int) -> Decimal:
        """Return the US dollars for these tokens; ``input_tokens`` includes ``cached_tokens``."""
        cached = self.input if self.cached_input is None else self.cached_input
        uncached_tokens = max(0, input_tokens - cached_tokens)
        total = uncached_tokens * self.input + cached_tokens * cached + output_tokens * self.output
        return total / MILLION


_IN_USE: Final[dict[str, Price]] = {}
"""The prices of this process. They are global so that no code that computes a cost can leave them out."""


def use_prices(prices: Mapping[str, Price]) -> None:
    """Set the prices of this process, in place of those before. Names are as they occur in runs."""
    _IN_USE.clear()
    _IN_USE.update(prices)


def project_price(model: str | None) -> Price | None:
    """Return the project's own price of a model; None if it gives none."""
    return None if model is None else _IN_USE.get(model)
