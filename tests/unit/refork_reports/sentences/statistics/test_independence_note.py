"""One line says why trials may not be independent, and what follows."""

from dataclasses import replace

from refork_evals.results import Cell, Verdict
from refork_reports.formats import html, markdown
from refork_reports.formats.terminal import summary
from refork_reports.sentences.statistics.independence import dependence_note, dependence_notes
from support.report_evaluations import FELL, cell, evaluation, guard, passed, request

THEN = "the trials are not independent, and the interval is too narrow"


def odd(**settings: object) -> Cell:
    trials = [passed("current", number, FELL) for number in range(1, 11)]
    return cell("odd", "current", Verdict.PASS, trials, request=request("Hi.", settings=settings))


def test_identical_answers_are_said_with_the_temperature() -> None:
    said = dependence_note(odd(temperature=0.7))
    assert said == f"all 10 answers are identical though temperature is 0.7: a cache or a seed? Then {THEN}"


def test_a_seed_is_said_with_what_to_do() -> None:
    said = dependence_note(odd(seed=7))
    assert said.startswith(
        f"the request has the seed 7: if the model keeps to it, {THEN}; leave the seed out"
    )


def test_nothing_is_said_without_a_sign() -> None:
    assert dependence_note(odd()) == ""


def test_a_note_that_several_cells_share_is_said_once() -> None:
    one = odd(temperature=0.7)
    made = evaluation(
        replace(guard(), cells=(one, replace(one, variant="careful"), replace(one, variant="terse")))
    )
    (note,) = dependence_notes(made)
    assert note.startswith("odd (current) and 2 more cells: all 10 answers are identical")


def test_terminal_page_and_summary_say_it() -> None:
    made = evaluation(replace(guard(), cells=(odd(temperature=0.7),)))
    terminal = " ".join(segment.text for line in summary(made, width=200) for segment in line)
    assert "(current): all 10 answers are identical" in terminal
    assert "all 10 answers are identical" in markdown.render(made)
    assert "all 10 answers are identical" in html.render(made)
