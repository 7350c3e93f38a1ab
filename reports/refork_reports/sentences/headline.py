"""The headline of a report: what failed, and which prompt to take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import WORST_FIRST, CaseResult, Gate, Recommendation, SuiteResult, Verdict
from refork_evals.results.scoreboard import TrialCounts
from refork_evals.verdicts.scoreboard import scoreboards

from refork_reports.sentences import claims, scoreboard
from refork_reports.sentences import gate as gate_words

_NAMED: Final = 3
"""So many prompts to take are named in the headline; of more, only the number is given."""
_WORDS: Final = {
    Verdict.PASS: "Current passes",
    Verdict.FAIL: "Current fails",
    Verdict.HELD: "Current has not dropped",
    Verdict.DROPPED: "Current dropped",
    Verdict.INCONCLUSIVE: "Undecided",
    Verdict.ERROR: "Not measured",
    Verdict.STALE: "Stale",
}


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The result in one sentence, ``text``, and in a ``word`` or two.

    ``verdict`` is the gate's, or else the worst verdict of ``current``, and determines the colour. ``more`` are the
    sentences that belong below: what ``current`` comes to, and a sentence for each agent that the first one does not
    say. ``brief`` are those of them that a scoreboard below does not show.
    """

    verdict: Verdict
    word: str
    text: str
    more: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """All sentences."""
        return " ".join((self.text, *self.more))


def headline(evaluation: SuiteResult) -> Headline:
    """Return the headline: what decides the exit code, and which prompt to take."""
    found = evaluation.recommendations
    said = {each.agent: _sentence(clause) for each, clause in zip(found, claims.clauses(found), strict=True)}
    if evaluation.gate is not None:
        return replace(_of_gate(evaluation.gate), more=tuple(said.values()), brief=tuple(said.values()))
    if not evaluation.cases:
        return Headline(
            verdict=Verdict.INCONCLUSIVE, word=_WORDS[Verdict.INCONCLUSIVE], text="No case was run."
        )
    current = _of_current(evaluation.cases)
    taken = [each for each in found if each.recommended is not None]
    without = tuple(said[each.agent] for each in found if each.recommended is None)
    if not taken:
        return _take_none(evaluation, current, without)
    brief = (current.text, *without)
    if len(taken) == 1:
        return replace(current, text=_take_one(evaluation, taken[0]), more=brief, brief=brief)
    more = (current.text, *said.values())
    return replace(current, text=_take_several(evaluation, taken), more=more, brief=brief)


def _take_none(evaluation: SuiteResult, current: Headline, reasons: tuple[str, ...]) -> Headline:
    """Keep the sentence about ``current``, with why there is no prompt to take or with its trials."""
    found = evaluation.recommendations
    if found and current.verdict.is_bad:
        failing = _counted(*_verdicts(evaluation.cases))[0]
        more = (current.text, *reasons)
        return replace(current, text=_sentence(f"{failing}, and {claims.none(found)}"), more=more, brief=more)
    if not current.verdict.is_good:
        return replace(current, more=reasons, brief=reasons)
    rows = [row for board in scoreboards(evaluation) if (row := board.row(CURRENT))]
    trials = scoreboard.passing([row.trials for row in rows])
    return replace(current, text=f"{current.text[:-1]}; {trials}.", more=reasons, brief=reasons)


def _take_one(evaluation: SuiteResult, found: Recommendation) -> str:
    is_named = len(evaluation.recommendations) > 1
    clause = claims.clause(found, is_named=is_named)
    return _sentence("; ".join(filter(None, (clause, _trials(evaluation, [found])))))


def _take_several(evaluation: SuiteResult, taken: Sequence[Recommendation]) -> str:
    """Name the prompts to take, with the sums of what they fix and break."""
    effects = [each.recommended for each in taken if each.recommended is not None]
    named = [claims.choice(each) for each in taken]
    listed = humanize.listed(named) if len(named) <= _NAMED else f"the prompts of {len(named)} agents"
    said = f"take {listed}: together they {claims.together(effects)}"
    return _sentence("; ".join(filter(None, (said, _trials(evaluation, taken)))))


def _trials(evaluation: SuiteResult, taken: Sequence[Recommendation]) -> str:
    boards = {board.agent: board for board in scoreboards(evaluation)}
    rows = [
        row
        for each in taken
        if (board := boards.get(each.agent)) and each.variant and (row := board.row(each.variant))
    ]
    return scoreboard.beside(
        sum((row.trials for row in rows), TrialCounts()), sum((row.current for row in rows), TrialCounts())
    )


def _of_gate(gate: Gate) -> Headline:
    return Headline(
        verdict=Verdict.PASS if gate.passes else Verdict.FAIL,
        word="Gate passes" if gate.passes else "Gate fails",
        text=_sentence(f"the {gate_words.verdict_line(gate)}"),
    )


def _of_current(results: Sequence[CaseResult]) -> Headline:
    counts, total = _verdicts(results)
    worst = next((verdict for verdict in WORST_FIRST if counts[verdict]), Verdict.INCONCLUSIVE)
    said = "; ".join(_counted(counts, total)) or "the current prompts were not run"
    return Headline(verdict=worst, word=_WORDS[worst], text=_sentence(said))


def _verdicts(results: Sequence[CaseResult]) -> tuple[Mapping[Verdict, int], int]:
    """Count the verdicts of ``current``, and all cases."""
    found = [cell.verdict for result in results if (cell := result.cell(CURRENT))]
    return {verdict: found.count(verdict) for verdict in Verdict}, len(results)


def _counted(counts: Mapping[Verdict, int], total: int) -> list[str]:
    failing, passing = counts[Verdict.FAIL], counts[Verdict.PASS]
    held, dropped = counts[Verdict.HELD], counts[Verdict.DROPPED]
    words = [
        (counts[Verdict.INCONCLUSIVE], "is undecided", "are undecided"),
        (counts[Verdict.ERROR], "could not be measured", "could not be measured"),
        (counts[Verdict.STALE], "is stale", "are stale"),
    ]
    first: list[str] = []
    if failing:
        first = [f"the current prompts fail {_of(failing, total)}"]
        words.insert(0, (passing, "passes", "pass"))
    elif passing:
        first = [f"the current prompts pass {_of(passing, total)}"]
    first += [f"the current prompts dropped in {_of(dropped, total)}"] * bool(dropped)
    first += [
        f"they held in {held:,}" if dropped else f"the current prompts held in {_of(held, total)}"
    ] * bool(held)
    rest = humanize.listed(
        [f"{count} {one if count == 1 else several}" for count, one, several in words if count]
    )
    return [*first, rest] if rest else first


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def _of(count: int, total: int) -> str:
    if count == total:
        return {1: "the one case", 2: "both cases"}.get(total, f"all {total:,} cases")
    return f"{count:,} of {total:,} cases"
