"""The headline of a report: what failed, and which prompt to take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from refork.records.variant import CURRENT
from refork.text import numbers as humanize
from refork_evals.results import WORST_FIRST, CaseResult, Gate, SuiteResult, Verdict

from refork_reports.sentences import claims
from refork_reports.sentences import gate as gate_words

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
    """The result in a sentence or two, and in a ``word`` or two.

    ``verdict`` is the gate's, or else the worst verdict of ``current``, and determines the colour.
    """

    verdict: Verdict
    word: str
    text: str


def headline(evaluation: SuiteResult) -> Headline:
    """Return the headline: what decides the exit code, and which prompt to take."""
    if evaluation.gate is not None:
        found = _of_gate(evaluation.gate)
    elif evaluation.cases:
        found = _of_current(evaluation.cases)
    else:
        found = Headline(
            verdict=Verdict.INCONCLUSIVE, word=_WORDS[Verdict.INCONCLUSIVE], text="No case was run."
        )
    text = " ".join((found.text, *map(_sentence, claims.clauses(evaluation.recommendations))))
    return Headline(verdict=found.verdict, word=found.word, text=text)


def _of_gate(gate: Gate) -> Headline:
    return Headline(
        verdict=Verdict.PASS if gate.passes else Verdict.FAIL,
        word="Gate passes" if gate.passes else "Gate fails",
        text=_sentence(f"the {gate_words.verdict_line(gate)}"),
    )


def _of_current(results: Sequence[CaseResult]) -> Headline:
    found = [cell.verdict for result in results if (cell := result.cell(CURRENT))]
    counts = {verdict: found.count(verdict) for verdict in Verdict}
    worst = next((verdict for verdict in WORST_FIRST if counts[verdict]), Verdict.INCONCLUSIVE)
    said = "; ".join(_counted(counts, len(results))) or "the current prompts were not run"
    return Headline(verdict=worst, word=_WORDS[worst], text=_sentence(said))


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
