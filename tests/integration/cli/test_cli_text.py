"""What the command line prints: numbers, times and hostile text."""

from datetime import UTC, datetime, timedelta

import pytest
from refork.cli._output.options import since
from refork.cli._output.tables import TableColumn, print_table
from refork.cli._output.text import ago, duration, first_line, one_line, printable, tokens
from refork.errors import BadInputError

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COLUMNS = (
    TableColumn(title="id"),
    TableColumn(title="n", right=True),
    TableColumn(title="text", flexible=True),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢字", "plain ü 漢字"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u200bc", "a\\u202eb\\u200bc"),
        ("a\r\nb\tc", "a\\r\nb    c"),
        ("\udc80", "\\udc80"),
    ],
)
def test_no_control_character_is_printed(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_texts_become_one_line() -> None:
    assert one_line(" a\n b\r\nc ") == "a b c"
    assert first_line("\n \n  first \x1b\nsecond") == "first \\x1b"
    assert first_line("") == ""


@pytest.mark.parametrize(
    ("count", "shown"), [(None, "–"), (0, "0"), (999, "999"), (1234, "1.2k"), (999_999, "1.0M")]
)
def test_tokens_are_short(count: int | None, shown: str) -> None:
    assert tokens(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.42, "420 ms"),
        (4.2, "4.2 s"),
        (59.99, "1 min 0 s"),
        (80, "1 min 20 s"),
        (11_100, "3 h 5 min"),
    ],
)
def test_durations_have_a_unit(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-30), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=26), "1 d ago"),
        (timedelta(days=40), "2026-10-14"),
    ],
)
def test_times_are_relative_to_now(past: timedelta, shown: str) -> None:
    assert ago(NOW - past, now=NOW) == shown


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("2h", NOW - timedelta(hours=2)),
        ("30m", NOW - timedelta(minutes=30)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-11-01T09:30+00:00", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1).astimezone(UTC)),
    ],
)
def test_since_takes_spans_and_dates(text: str, moment: datetime) -> None:
    assert since(text, now=NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "7", "7y", "-2h", "2026-13-01", "999999w", "٣d"])
def test_another_since_says_what_is_accepted(text: str) -> None:
    with pytest.raises(BadInputError, match=r"--since .* is not a time; accepted are spans such as '7d'"):
        since(text, now=NOW)


@pytest.mark.parametrize("width", [20, 25, 40, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, [("run-1", "12", "漢字 " * 20), ("run-2", "3", "[bold]x[/bold]")])
    lines = capsys.readouterr().out.splitlines()
    assert any("run-1" in line for line in lines)
    assert any("12" in line for line in lines)
    assert all(len(line) + line.count("漢") + line.count("字") <= width for line in lines)
    assert any("[bold]" in line for line in lines)


def test_a_table_in_a_pipe_is_never_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    print_table(COLUMNS, [("run-1", "12", "x" * 5000)])
    assert capsys.readouterr().out == f"id     n  text\nrun-1  12  {'x' * 5000}\n".replace(
        "id     n", "id      n"
    )
