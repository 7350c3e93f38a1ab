"""Finds the rubrics of a case that a person can label: those where a judge alone decides an expectation."""

from dataclasses import dataclass
from typing import Any

from refork.records import Answer, Case

from refork_evals.digests import digest
from refork_evals.scorers.builtin.base import NothingThereError
from refork_evals.scorers.builtin.judge import JUDGED, Judge
from refork_evals.scorers.builtin.trajectory import Final
from refork_evals.scorers.evidence import is_object
from refork_evals.scorers.expectations import parse_expectation


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """A rubric that can be labelled. ``place`` is that of its expectation, from 0; with ``final`` it judges the
    result without tool calls.
    """

    place: int
    judge: Judge
    final: bool = False

    @property
    def text(self) -> str:
        return self.judge.rubric

    @property
    def kind(self) -> str:
        """The name of the scorer whose score is the judge's."""
        return Final.kind if self.final else Judge.kind

    @property
    def digest(self) -> str:
        """A digest of the rubric's words and of the part of an answer that it is about."""
        source = self.judge.source
        part = None if source is None else source.model_dump()
        return digest({"rubric": self.text, "from": part, "final": self.final})

    def material(self, answer: Answer) -> str | None:
        """Return what the judge is shown of an answer, cut to the judge's limit; None if there is nothing to judge."""
        shown = Answer(text=answer.text, structured=answer.structured) if self.final else answer
        try:
            return self.judge.judged(shown)[:JUDGED]
        except NothingThereError:
            return None


def rubrics(case: Case) -> tuple[Rubric, ...]:
    """Return the rubrics of a case in the order of ``expect``, without judges inside ``all``, ``any`` or ``not``.

    Raises BadFileError for a judge that is not written as it must be.
    """
    found = (_rubric(case, place, entry) for place, entry in enumerate(case.expect))
    return tuple(rubric for rubric in found if rubric is not None)


def _rubric(case: Case, place: int, entry: Any) -> Rubric | None:
    if not _names_judge(entry):
        return None
    scorer = parse_expectation(case, place)
    if isinstance(scorer, Final):
        assert isinstance(scorer.scorer, Judge), "nothing else is named so"
        return Rubric(place=place, judge=scorer.scorer, final=True)
    assert isinstance(scorer, Judge), "nothing else is named so"
    return Rubric(place=place, judge=scorer)


def _names_judge(entry: Any) -> bool:
    """Return whether an expectation is a judge, or a judge of the final result. Ignores the project's own scorers."""
    if not is_object(entry) or len(entry) != 1:
        return False
    name, inside = next(iter(entry.items()))
    return name == Judge.kind or (name == Final.kind and is_object(inside) and list(inside) == [Judge.kind])
