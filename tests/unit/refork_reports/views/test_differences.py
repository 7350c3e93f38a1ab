"""Every two variants are compared by the same figures as a variant beside current."""

from refork_evals.verdicts.comparison import arms_of, compare
from refork_reports.formats.html import render
from refork_reports.views.differences import Difference, Differences, differences
from refork_reports.views.trials.placed_cells import placed_cases
from support.report_data import page_data
from support.report_evaluations import evaluation, guard, malformed_sql, misleading_summary, realistic


def found() -> Differences:
    made = realistic()
    return differences(made, placed_cases(made))


def over_all_cases(left: str, right: str) -> Difference:
    return next(
        each for each in found().found if (each.left, each.right, each.case_anchor) == (left, right, "")
    )


def test_a_pair_with_current_has_the_figures_of_the_comparison() -> None:
    for compared in compare(arms_of(realistic().cells)):
        each = over_all_cases("current", compared.variant)
        assert (each.cases, each.difference, each.low, each.high) == (
            compared.cases,
            compared.difference,
            compared.interval.low,
            compared.interval.high,
        )


def test_two_candidates_are_compared_on_the_cases_that_both_were_measured_on() -> None:
    each = over_all_cases("careful", "terse")
    assert each.cases == 2
    assert (each.passed_left, each.passed_right) == ((24, 24), (6, 24))


def test_variants_that_share_no_case_are_no_pair() -> None:
    assert not [each for each in found().found if {each.left, each.right} == {"careful", "short"}]


def test_a_case_has_pairs_of_its_own() -> None:
    own = [each for each in found().found if each.case_anchor == "case/misleading-summary"]
    assert [(each.left, each.right) for each in own] == [
        ("current", "careful"),
        ("current", "terse"),
        ("careful", "terse"),
    ]
    assert all(each.cases == 1 for each in own)


def test_the_page_has_them_as_data() -> None:
    data = page_data(render(evaluation(misleading_summary(), malformed_sql(), guard())))
    names = [data["strings"][place] for place in data["variants"]]
    assert names[0] == "current"
    pair = data["pairs"]["case/misleading-summary"][0]
    assert [names[pair[0]], names[pair[1]]] == ["current", "careful"]
    assert pair[6:] == [1, 10, 10, 10]
    assert data["cells"]["case/misleading-summary/terse"]["figures"][:2] == [4, 10]
