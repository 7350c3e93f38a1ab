"""The questions to a person about a case's outputs, in random order, and the answers so far."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from refork.records import Answer, Case
from refork_evals.agreement.labels import Key, Label
from refork_evals.agreement.rubrics import Rubric
from refork_evals.digests import output_digest
from refork_evals.recorded import recorded_trial

from refork_reports.results_file.schema import CaseEntry

SEED: Final = "refork label"


@dataclass(frozen=True, kw_only=True)
class Question:
    """The question whether an output meets a rubric. ``material`` is what the judge is shown of the output."""

    rubric: Rubric
    output: str
    material: str

    @property
    def key(self) -> Key:
        return (self.rubric.digest, self.output)


def questions(case: Case, rubrics: Sequence[Rubric], measured: CaseEntry | None) -> tuple[Question, ...]:
    """Return a question for each distinct output and rubric, of all variants and of the recorded run, in a mixed
    order.

    The order hangs on what the outputs say, and neither on who gave them nor on how many there are.
    """
    outputs = {output_digest(answer): answer for answer in _answers(case, measured)}
    asked = [
        Question(rubric=rubric, output=output, material=material)
        for output, answer in sorted(outputs.items(), key=lambda each: _mixed(each[0]))
        for rubric in rubrics
        if (material := rubric.material(answer)) is not None
    ]
    return tuple({question.key: question for question in asked}.values())


def _mixed(output: str) -> str:
    return hashlib.sha256(f"{SEED} {output}".encode()).hexdigest()


def _answers(case: Case, measured: CaseEntry | None) -> Iterable[Answer]:
    recorded = recorded_trial(case).answer
    if recorded is not None:
        yield recorded
    if measured is not None:
        trials = [trial for cell in measured.cells for trial in cell.trials]
        yield from (trial.answer for trial in trials if trial.answer is not None)


@dataclass(kw_only=True)
class Sitting:
    """A person's answers to a list of questions. Each label is saved before the next question is shown."""

    questions: Sequence[Question]
    labels: dict[Key, Label]
    save: Callable[[Iterable[Label]], None]
    again: bool = False
    _open: list[Question] = field(init=False)
    _given: list[Label | None] = field(init=False, default_factory=list["Label | None"])
    _before: list[Label | None] = field(init=False, default_factory=list["Label | None"])

    def __post_init__(self) -> None:
        self._open = [each for each in self.questions if self.again or each.key not in self.labels]

    @property
    def question(self) -> Question | None:
        """The current question; None after the last one."""
        return self._open[self.position - 1] if self.position <= self.count else None

    @property
    def position(self) -> int:
        """The number of the current question, from 1."""
        return len(self._given) + 1

    @property
    def count(self) -> int:
        return len(self._open)

    @property
    def given(self) -> tuple[Label, ...]:
        """The labels of this sitting."""
        return tuple(label for label in self._given if label is not None)

    @property
    def left(self) -> int:
        """The number of questions that have no label, including skipped ones."""
        return sum(question.key not in self.labels for question in self.questions)

    def label(self, passes: bool) -> None:
        question = self._open[self.position - 1]
        rubric, output = question.key
        label = Label(rubric=rubric, output=output, passes=passes, begins=question.material)
        self._before.append(self.labels.get(question.key))
        self.labels[question.key] = label
        self.save(self.labels.values())
        self._given.append(label)

    def skip(self) -> None:
        self._before.append(self.labels.get(self._open[self.position - 1].key))
        self._given.append(None)

    def undo(self) -> bool:
        """Undo the last answer of this sitting. Returns False if there is none."""
        if not self._given:
            return False
        label, before = self._given.pop(), self._before.pop()
        if label is not None:
            self._restore(label.key, before)
        return True

    def _restore(self, key: Key, before: Label | None) -> None:
        if before is None:
            del self.labels[key]
        else:
            self.labels[key] = before
        self.save(self.labels.values())


def sitting(
    asked: Sequence[Question],
    labels: Mapping[Key, Label],
    save: Callable[[Iterable[Label]], None],
    *,
    again: bool,
) -> Sitting:
    return Sitting(questions=asked, labels=dict(labels), save=save, again=again)
