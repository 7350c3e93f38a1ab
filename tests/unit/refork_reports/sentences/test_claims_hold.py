"""Whatever an evaluation finds, what its report claims agrees with the numbers beside it."""

import html
import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from refork_evals.results import CaseResult, Change, Gate, GateCase, GateFinding, SuiteResult, Verdict
from refork_evals.scorers.registry import parse_scorer
from refork_evals.verdicts.verdict import evaluate, judge_case
from refork_reports.formats import html as page
from refork_reports.formats import markdown, terminal
from support.evals_builders import case, outcome

VARIANTS = ("current", "careful", "terse", "brackets")
ALL, NONE = "+" * 20, "-" * 20
"""Enough trials that a fix is shown over all cells of an example."""
OTHERS = st.one_of(st.sampled_from([ALL, NONE, "+", "-", "!" * 3]), st.text("+-!", max_size=14))
BALANCE = r"(\w+)(?: for [^:]*)?: it (?:fixes (\d+) of (\d+) failures?)?"


@st.composite
def judged(draw: st.DrawFn, number: int) -> CaseResult:
    name = f"case-{number}"
    said = {variant: draw(OTHERS) for variant in VARIANTS if draw(st.sampled_from([True, True, False]))}
    is_guard, is_red = draw(st.sampled_from([False, True])), draw(st.sampled_from([True, True, True, False]))
    usual = {"current": ALL if is_guard else NONE, "careful": draw(st.sampled_from([ALL, NONE]))}
    said = draw(st.sampled_from([usual, said | usual, said]))
    said = {"current": NONE} | said
    word = "fell" if is_red or is_guard else "rose"
    scorers = [parse_scorer({"contains": word})]
    swap = str.maketrans("+-", "-+") if word == "rose" else {}
    fork = outcome(name, **{variant: marks.translate(swap) for variant, marks in said.items()})
    return judge_case(
        case(name, guard=is_guard, agent=draw(st.sampled_from(["one", "one", "two"]))),
        fork,
        scorers,
        variants=tuple(said),
        trials=max(1, *map(len, said.values())),
    )


@st.composite
def evaluations(draw: st.DrawFn) -> SuiteResult:
    results = [draw(judged(number)) for number in range(draw(st.integers(1, 5)))]
    finding = draw(st.sampled_from([None, GateFinding.REGRESSED, GateFinding.HELD]))
    gate = None
    if finding is not None:
        blocks = finding is GateFinding.REGRESSED
        gate = Gate(cases=(GateCase(case="case-0", finding=finding, blocks=blocks),), baseline="accepted")
    return evaluate(results, started_at=datetime(2026, 1, 1, tzinfo=UTC), gate=gate)


@given(evaluations())
def test_a_report_claims_only_what_the_numbers_show(found: SuiteResult) -> None:
    _check_fixes(found)
    _check_recommendations(found)
    for text in _texts(found):
        _check_sentences(found, text)
    _check_headline(found)
    _check_exit_code(found)


def _check_fixes(found: SuiteResult) -> None:
    for result in found.cases:
        for cell in result.fixes:
            current = result.cell("current")
            assert cell.verdict is Verdict.PASS
            assert cell.beside is Change.IMPROVED
            assert not result.not_red
            assert current is not None
            assert current.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)


def _check_recommendations(found: SuiteResult) -> None:
    for each in found.recommendations:
        chosen = each.recommended
        assert (chosen is None) is (each.reason is not None)
        cases = [result for result in found.cases if result.case.agent == each.agent]
        if chosen is None:
            continue
        assert not chosen.broken
        assert chosen.improves
        for result in cases:
            cell, current = result.cell(chosen.variant), result.cell("current")
            if result.case.guard and cell is not None and cell.verdict is Verdict.FAIL:
                assert current is not None
                assert current.verdict is Verdict.FAIL


def _texts(found: SuiteResult) -> list[str]:
    shown = "\n".join(
        "".join(segment.text for segment in line) for line in terminal.summary(found, width=5000)
    )
    return [shown, html.unescape(markdown.render(found))]


def _check_sentences(found: SuiteResult, text: str) -> None:
    """Each agent's recommendation is said, with the counts of the cells; no other one is."""
    said = re.findall(r"[Tt]ake " + BALANCE + r"([^\n]*?)(?=[Tt]ake |\n|$)", text)
    chosen = [each for each in found.recommendations if each.variant is not None]
    assert len(said) == len(chosen)
    for (variant, fixed, failures, rest), each in zip(said, chosen, strict=True):
        assert variant == each.variant
        cases = [result for result in found.cases if result.case.agent == each.agent]
        failing = [result for result in cases if _verdict(result, "current") is Verdict.FAIL]
        fixing = [result for result in failing if variant in result.winners]
        assert (int(fixed or 0), int(failures or 0)) == (len(fixing), len(failing) if fixed else 0)
        verdicts = [_verdict(result, variant) for result in cases if result.case.guard]
        if breaks_none := re.search(r"breaks none of (\d+) guards?", rest):
            assert int(breaks_none[1]) == len(verdicts)
            assert set(verdicts) == {Verdict.PASS}
        elif passing := re.search(r"(\d+) of (\d+) guards? pass", rest):
            assert (int(passing[1]), int(passing[2])) == (verdicts.count(Verdict.PASS), len(verdicts))
        else:
            assert "no guard watches over it" in rest
            assert not verdicts


def _check_headline(found: SuiteResult) -> None:
    """The headline of the page, and its title, name the prompt to take, or the sums over those of several agents."""
    made = page.render(found)
    title = re.search(r"<title>(.*?)</title>", made, re.DOTALL)
    first = re.search(r'<h1 id="headline">(.*?)</h1>', made, re.DOTALL)
    assert title
    assert first
    said = html.unescape(first[1])
    assert html.unescape(title[1]).endswith(said)
    chosen = [each for each in found.recommendations if each.variant is not None]
    assert ("ake " in said) is (bool(chosen) and found.gate is None) or "no prompt to take" in said
    if found.gate is not None or not chosen:
        return
    if len(chosen) == 1:
        _check_sentences(found, said)
    else:
        fixed = re.search(r"fix (\d+) of (\d+) failure", said)
        fixing = [
            result
            for each in chosen
            for result in found.cases
            if result.case.agent == each.agent and _verdict(result, "current") is Verdict.FAIL
        ]
        taken = {each.agent: each.variant for each in chosen}
        won = [result for result in fixing if taken[result.case.agent] in result.winners]
        assert (int(fixed[1]), int(fixed[2])) == (len(won), len(fixing)) if fixed else not won
    passing = re.search(r"(\d+) of (\d+) trials? pass(?:es)?, was (\d+) of (\d+)", said)
    assert passing
    cells = [
        (cell, current)
        for each in chosen
        for result in found.cases
        if result.case.agent == each.agent
        and (cell := result.cell(each.variant or ""))
        and (current := result.cell("current"))
    ]
    counts = [(cell.passes, len(cell.trials) + cell.missing) for pair in cells for cell in pair]
    sums = [sum(each[place] for each in counts[side::2]) for side in (0, 1) for place in (0, 1)]
    assert list(map(int, passing.groups())) == sums


def _check_exit_code(found: SuiteResult) -> None:
    made = page.render(found)
    word = re.search(r'<p class="eyebrow is-(\w+)">.*?<span>(.*?)</span>', made)
    assert word
    if found.gate is not None:
        assert word.groups() == (("pass", "Gate passes") if found.gate.passes else ("fail", "Gate fails"))
        assert f"The gate {'passes' if found.gate.passes else 'FAILS'}" in made
        return
    verdicts = [_verdict(result, "current") for result in found.cases]
    assert (word[2] == "Current fails") is (Verdict.FAIL in verdicts)
    assert (word[2] == "Current passes") is (set(verdicts) == {Verdict.PASS})


def _verdict(result: CaseResult, variant: str) -> Verdict | None:
    cell = result.cell(variant)
    return None if cell is None else cell.verdict
