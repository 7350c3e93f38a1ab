"""Places on the page are named after cases and variants."""

from dataclasses import replace

from refork_reports.views.anchors import case_anchors, cell_anchors
from refork_reports.views.trials.placed_cells import placed_cases
from support.report_evaluations import case, evaluation, guard, hostile, misleading_summary, stale


def test_an_anchor_stays_when_a_case_is_added_before_it() -> None:
    before = placed_cases(evaluation(misleading_summary()))[0]
    after = placed_cases(evaluation(guard(), stale(), misleading_summary()))[2]
    assert before.anchor == after.anchor == "case/misleading-summary"
    assert [cell.anchor for cell in before.cells] == [cell.anchor for cell in after.cells]
    assert before.cells[1].anchor == "case/misleading-summary/careful"


def test_an_anchor_has_no_character_that_an_address_would_give_a_meaning() -> None:
    made = hostile()
    (anchor,) = case_anchors(evaluation(made))
    assert anchor == "case/b-hostile-b-output"
    assert cell_anchors(anchor, made) == (f"{anchor}/current", f"{anchor}/a-b")
    odd = replace(made, case=case("a/b?c=d #e%20 日本"))
    assert case_anchors(evaluation(odd)) == ("case/a-b-c-d-e-20-日本",)


def test_names_that_become_the_same_anchor_are_numbered() -> None:
    twice = [replace(guard(), case=case(name)) for name in ("a b", "a/b", "a b")]
    assert case_anchors(evaluation(*twice)) == ("case/a-b", "case/a-b~2", "case/a-b~3")
