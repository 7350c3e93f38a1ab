"""The headline follows the exit code, and names one prompt to take or says why there is none."""

from dataclasses import replace

import pytest
from refork_evals.results import CaseResult, Gate, GateCase, GateFinding, Verdict
from refork_reports.sentences.headline import headline
from support.report_evaluations import (
    evaluation,
    fixed_by,
    guard,
    malformed_sql,
    misleading_summary,
    realistic,
    stale,
    unmeasured,
)


def test_the_headline_tells_which_prompts_to_take_with_the_sums_of_what_they_do() -> None:
    said = headline(realistic())
    assert said.verdict is Verdict.FAIL
    assert said.text == (
        "Take careful for summarizer and schema-first for analyst: together they fix 2 of 2 failures and break none "
        "of 1 guard; 37 of 38 trials pass, was 15 of 34."
    )


def test_what_current_comes_to_and_each_agent_stand_below_the_headline() -> None:
    said = headline(realistic())
    current = "The current prompts fail 2 of 5 cases; 1 passes, 1 could not be measured and 1 is stale."
    assert said.more == (
        current,
        "Take careful for summarizer: it fixes 1 of 1 failure and breaks none of 1 guard.",
        "Take schema-first for analyst: it fixes 1 of 1 failure, and no guard watches over it.",
    )
    assert said.brief == (current,)
    assert said.whole == " ".join((said.text, *said.more))


@pytest.mark.parametrize(
    ("results", "text", "more"),
    [
        ((), "No case was run.", ()),
        ((guard(),), "The current prompts pass the one case; 14 of 14 trials pass.", ()),
        ((guard(), guard()), "The current prompts pass both cases; 28 of 28 trials pass.", ()),
        ((guard(), stale()), "The current prompts pass 1 of 2 cases; 1 is stale.", ()),
        (
            (misleading_summary(),),
            "Take careful: it fixes 1 of 1 failure, and no guard watches over it; "
            "10 of 10 trials pass, was 1 of 10.",
            ("The current prompts fail the one case.",),
        ),
        (
            (misleading_summary(), fixed_by(malformed_sql())),
            "Take careful for summarizer: it fixes 1 of 1 failure, and no guard watches over it; "
            "10 of 10 trials pass, was 1 of 10.",
            (
                "The current prompts fail both cases.",
                "No candidate is shown to fix it for analyst; "
                "schema-first passes 1 of 1 failure, not shown to be better.",
            ),
        ),
        (
            (fixed_by(misleading_summary()),),
            "The current prompts fail the one case, and no candidate is shown to fix it.",
            (
                "The current prompts fail the one case.",
                "No candidate is shown to fix it; careful passes 1 of 1 failure, not shown to be better.",
            ),
        ),
        (
            (fixed_by(misleading_summary(), "terse"), guard()),
            "The current prompts fail 1 of 2 cases, and there is no prompt to take.",
            (
                "The current prompts fail 1 of 2 cases; 1 passes.",
                "There is no prompt to take: terse fixes 1 of 1 failure but breaks 1 of 1 guard (quarterly-summary).",
            ),
        ),
        ((unmeasured(), unmeasured()), "2 could not be measured.", ()),
        ((replace(guard(), cells=()),), "The current prompts were not run.", ()),
    ],
)
def test_the_headline_counts_grammatically(
    results: tuple[CaseResult, ...], text: str, more: tuple[str, ...]
) -> None:
    said = headline(evaluation(*results))
    assert (said.text, said.more) == (text, more)


def test_where_no_single_prompt_fixes_all_none_is_recommended() -> None:
    both = replace(misleading_summary(), case=replace(malformed_sql().case, agent="summarizer"))
    said = headline(evaluation(misleading_summary(), fixed_by(both, "terse")))
    assert said.text == "The current prompts fail both cases, and there is no prompt to take."
    assert said.more[-1] == (
        "There is no prompt to take: no single one fixes both; "
        "careful fixes 1 of 2 failures (misleading-summary), terse fixes 1 of 2 failures (malformed-sql)."
    )


@pytest.mark.parametrize("blocks", [True, False])
def test_with_a_gate_the_headline_is_the_gates(blocks: bool) -> None:
    found = GateFinding.REGRESSED if blocks else GateFinding.HELD
    gate = Gate(cases=(GateCase(case="small", finding=found, blocks=blocks),), baseline="baseline.json")
    said = headline(replace(realistic(), gate=gate))
    assert said.word == ("Gate fails" if blocks else "Gate passes")
    assert said.verdict is (Verdict.FAIL if blocks else Verdict.PASS)
    assert said.text.startswith(f"The gate {'FAILS' if blocks else 'passes'}: 1 case beside baseline.json")
