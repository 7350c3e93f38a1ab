"""Formats numbers for people: 12.3k tokens, $0.0042, 1 m 20 s. An unknown value is a dash, never a zero."""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

UNKNOWN: Final = "–"
MINUS: Final = "−"
ELLIPSIS: Final = "…"


def tokens(count: int | None) -> str:
    """Format a number of tokens: 850, 12.3k, 123k, 1.2M."""
    if count is None:
        return UNKNOWN
    sign, size = _sign(count), abs(count)
    if size < 1000:
        return f"{sign}{size}"
    for unit, scaled in (("k", size / 1e3), ("M", size / 1e6), ("B", size / 1e9)):
        rounded = round(scaled, 1 if scaled < 99.95 else None)
        if rounded < 1000:
            return f"{sign}{rounded}{unit}"
    return f"{sign}{size:,}"


def money(usd: Decimal | None) -> str:
    """Format US dollars: with cents from one dollar on, with two significant digits below."""
    if usd is None:
        return UNKNOWN
    sign, size = _sign(usd), abs(usd)
    if not size:
        return "$0"
    if size < Decimal("0.00001"):
        return f"{sign}<$0.00001"
    exponent = min(-2, size.adjusted() - 1)
    rounded = size.quantize(Decimal(1).scaleb(exponent), rounding=ROUND_HALF_UP)
    return f"{sign}${rounded:,.2f}" if rounded >= 1 else f"{sign}${rounded:f}"


def duration(seconds: float | None) -> str:
    """Format seconds: 420 ms, 4.2 s, 42 s, 1 m 20 s, 41 min, 3 h 5 min."""
    if seconds is None:
        return UNKNOWN
    return _sign(seconds) + _duration(abs(seconds))


def _duration(seconds: float) -> str:
    if seconds < 0.9995:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} m {rest} s" if rest else f"{minutes} m"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def percent(share: float | None) -> str:
    """Format a share as a whole percentage. 0% and 100% appear only for exactly none and exactly all."""
    return UNKNOWN if share is None else f"{_percentage(share)}%"


def number(value: float | None) -> str:
    """Format a measured number with four significant digits, as an integer from 1,000 on: 0.6667, −12, 12,346,
    1.5e-05.
    """
    if value is None:
        return UNKNOWN
    size = abs(value)
    if not math.isfinite(size) or (size and not 0.001 <= size < 1e9):
        return f"{_sign(value)}{size:.4g}"
    digits = max(0, 3 - math.floor(math.log10(size))) if size else 0
    text = f"{size:,.{digits}f}"
    return _sign(value) + (text.rstrip("0").rstrip(".") if digits else text)


def share(value: float | None) -> str:
    """Format a number between -1 and 1 with two decimals: 0.68, −0.05."""
    return UNKNOWN if value is None else f"{_sign(round(value, 2))}{abs(value):.2f}"


def interval(low: float, high: float) -> str:
    """Format an interval: 72–100%."""
    return f"{_percentage(low)}–{_percentage(high)}%"


def plural(count: int, noun: str) -> str:
    """Format a count with its noun: 1 case, 2 cases, 0 cases."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(parts: list[str]) -> str:
    """Join words: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def shorten_middle(text: str, width: int, ellipsis: str = ELLIPSIS) -> str:
    """Return ``text`` in at most ``width`` terminal columns, cut in its middle."""
    from rich.cells import cell_len  # noqa: PLC0415 - `refork --help` needs no columns

    if cell_len(text) <= width:
        return text
    room = width - cell_len(ellipsis)
    if room <= 0:
        return ellipsis[:width]
    tail = room // 2
    return _columns(text, room - tail) + ellipsis + _columns(text[::-1], tail)[::-1]


def _columns(text: str, width: int) -> str:
    from rich.cells import chop_cells  # noqa: PLC0415 - see shorten_middle

    return chop_cells(text, width)[0] if width > 0 and text else ""


def _percentage(share: float) -> int:
    if share <= 0 or share >= 1:
        return 0 if share <= 0 else 100
    return min(99, max(1, round(share * 100)))


def _sign(number: float | Decimal) -> str:
    return MINUS if number < 0 else ""
