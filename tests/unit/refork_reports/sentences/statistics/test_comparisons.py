"""A comparison in a line says what was tested."""

import pytest
from refork_evals.results import Change, DifferenceInterval, VariantComparison
from refork_reports.sentences.statistics.comparisons import line


def compared(change: Change, margin: float = 0.2) -> VariantComparison:
    return VariantComparison(
        variant="careful",
        against="current",
        cases=3,
        change=change,
        difference=0.0,
        interval=DifferenceInterval(low=-0.11, high=0.11),
        p_value=1.0,
        could_find=0.2,
        margin=margin,
    )


@pytest.mark.parametrize(
    ("margin", "said"), [(0.2, "unchanged within 20 points"), (0.12, "unchanged within 12 points")]
)
def test_unchanged_names_the_difference_that_it_rules_out(margin: float, said: str) -> None:
    assert line(compared(Change.UNCHANGED, margin)) == (
        f"careful beside current: {said}, ±0 points (−11 to +11 points, p = 1) on 3 cases"
    )


def test_a_comparison_that_found_nothing_names_no_margin() -> None:
    assert "within" not in line(compared(Change.INCONCLUSIVE))
