"""Money is asked for where somebody can answer, and never spent silently above ``ask_above``."""

import io
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from refork.config import Config, load_config
from refork.errors import BadInputError
from refork_evals.estimation.estimate import CellEstimate, SuiteEstimate, Work, WorkRange
from refork_reports.commands._spending import confirm_spending


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def settings(folder: Path, **given: Any) -> Config:
    return load_config(folder, overrides=given, option_prefix="")


def taking(dollars: str | None, calls: int = 10) -> SuiteEstimate:
    cost = None if dollars is None else Decimal(dollars)
    work = Work(calls=calls, input_tokens=9, output_tokens=1, cost_usd=cost, seconds=1.0)
    cell = CellEstimate(
        case="rosy", variant="current", trials=(calls, calls), answers=WorkRange(least=work, most=work)
    )
    return SuiteEstimate(cells=(cell,))


def test_a_small_sum_and_no_call_at_all_need_no_question(tmp_path: Path) -> None:
    silent = io.StringIO()
    assert confirm_spending(taking("1.00"), settings(tmp_path), False, silent)
    assert confirm_spending(taking(None, calls=0), settings(tmp_path), False, silent)
    assert confirm_spending(taking("9"), settings(tmp_path, ask_above=10.0), False, silent)
    assert confirm_spending(taking("9"), settings(tmp_path, max_cost=0.5), False, silent)
    assert silent.getvalue() == ""


def test_whoever_said_yes_is_not_asked(tmp_path: Path) -> None:
    assert confirm_spending(taking("99"), settings(tmp_path), True, io.StringIO())


@pytest.mark.parametrize("dollars", ["1.01", None])
@pytest.mark.parametrize(("reply", "agreed"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_a_larger_or_unknown_sum_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dollars: str | None, reply: str, agreed: bool
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(reply))
    terminal = Terminal()
    assert confirm_spending(taking(dollars), settings(tmp_path), False, terminal) is agreed
    assert terminal.getvalue().startswith("This may cost more than $1.00: 10 calls, 10 tokens, ")


def test_elsewhere_it_is_refused_in_one_line_that_says_how_to_agree(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as refused:
        confirm_spending(taking("2.50"), settings(tmp_path), False, io.StringIO())
    said = str(refused.value)
    assert "more than ask_above, $1.00: 10 calls, 10 tokens, $2.50" in said
    assert "pass --yes" in said
    assert "\n" not in said
