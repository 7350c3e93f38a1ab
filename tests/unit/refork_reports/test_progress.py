"""The progress says how far an evaluation is, what it has cost, and how long it still takes."""

from decimal import Decimal

import pytest
from pytest_refork.reporting.progress import texts
from refork.records.usage import Spending
from refork_evals.evaluation.pace import Counts
from refork_reports.progress import words

PAID = Spending(trials=12, tokens=1320, cost_usd=Decimal("0.0042"))


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (Counts(done=0, scheduled=40, running=0), "0/40 trials"),
        (
            Counts(done=12, scheduled=40, running=8, paid=PAID, seconds_left=12.3),
            "12/40 trials, 8 running, $0.0042, about 12 s left",
        ),
        (
            Counts(done=12, scheduled=40, running=8, paid=PAID, seconds_left=90, may_grow=True),
            "12/40 trials, 8 running, $0.0042, at least 1 m 30 s left",
        ),
        (
            Counts(done=12, scheduled=40, running=8, paid=Spending(trials=12, tokens=1320, cost_usd=None)),
            "12/40 trials, 8 running, 1.3k tokens",
        ),
        (Counts(done=40, scheduled=40, running=0, paid=PAID), "40/40 trials, $0.0042"),
    ],
)
def test_what_is_known_is_said(counts: Counts, said: str) -> None:
    assert words(counts) == said


def test_with_less_room_pytest_says_less() -> None:
    counts = Counts(done=12, scheduled=40, running=8, paid=PAID, seconds_left=12.3)
    assert texts(counts) == (
        "agent evals 12/40 trials, 8 running, $0.0042, about 12 s left",
        "12/40 trials, $0.0042, about 12 s left",
        "12/40 trials",
        "12/40",
    )
