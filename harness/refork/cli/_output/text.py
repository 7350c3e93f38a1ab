"""Text for a terminal: with hostile characters escaped, and numbers in readable form."""

from datetime import UTC, datetime, timedelta
from typing import Final

UNKNOWN: Final = "–"
_FIRST_LINE: Final = 500


def printable(text: str) -> str:
    """Return ``text`` with every character that a terminal would execute, or not show, written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else "    " if c == "\t" else _escaped(c) for c in text)


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, and printable."""
    return printable(" ".join(text.split()))


def first_line(text: str) -> str:
    """Return the first line of ``text`` that is not blank, printable."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return printable(next((line for line in lines if line), "")[:_FIRST_LINE])


def tokens(count: int | None) -> str:
    """Format a number of tokens: 850, 12.3k, 1.2M."""
    if count is None:
        return UNKNOWN
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if count >= size - size / 2000:
            return f"{count / size:.1f}{unit}"
    return str(count)


def duration(seconds: float | None) -> str:
    """Format seconds: 420 ms, 4.2 s, 1 min 20 s, 3 h 5 min."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def ago(moment: datetime | None, *, now: datetime | None = None) -> str:
    """Format a time as its distance from now: just now, 5 min ago, 3 h ago, 6 d ago; a date from a month on."""
    if moment is None:
        return UNKNOWN
    past = (now or datetime.now(tz=UTC)) - moment
    if past >= timedelta(days=31):
        return moment.astimezone().date().isoformat()
    minutes = past.total_seconds() / 60
    if minutes < 1:
        return "just now"
    for size, unit in ((1440, "d"), (60, "h"), (1, "min")):
        if minutes >= size:
            return f"{int(minutes // size)} {unit} ago"
    raise AssertionError("a minute or more is one of these")


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
