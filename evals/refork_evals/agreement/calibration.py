"""Compares a session's judged outputs with a person's labels, one rubric at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from refork.errors import BadFileError

from refork_evals.agreement.kappa import LabelledOutput, agreement
from refork_evals.agreement.labels import Key, Label, load_labels
from refork_evals.agreement.rubrics import Rubric, rubrics
from refork_evals.digests import output_digest
from refork_evals.results import CaseResult, Score, ScoredTrial
from refork_evals.results.agreement import Calibration


def calibrated(result: CaseResult) -> tuple[Calibration, ...]:
    """Compare the judges of a case with the labels in its folder, unless the result says what came of that."""
    if result.judges is not None:
        return result.judges
    try:
        if not rubrics(result.case):
            return ()
    except BadFileError:  # the session has said so: no trial of this case was scored
        return ()
    try:
        labels = load_labels(result.case.folder)
    except BadFileError as error:
        return tuple(replace(found, problem=str(error)) for found in calibrations(result, {}))
    return calibrations(result, labels)


def calibrations(result: CaseResult, labels: Mapping[Key, Label]) -> tuple[Calibration, ...]:
    """Return a calibration for each rubric of the case that can be labelled. Raises BadFileError as :func:`rubrics`
    does.
    """
    return tuple(_calibration(rubric, result, labels) for rubric in rubrics(result.case))


def _calibration(rubric: Rubric, result: CaseResult, labels: Mapping[Key, Label]) -> Calibration:
    known = {output: label for (digest, output), label in labels.items() if digest == rubric.digest}
    scored = list(_scored(rubric, result))
    said: dict[str, list[bool]] = {}
    for trial, score in scored:
        if trial.trial.answer is not None and score.passed is not None:
            said.setdefault(output_digest(trial.trial.answer), []).append(score.passed)
    pairs = [
        LabelledOutput(person=known[output].passes, judge=each[0])
        for output, each in said.items()
        if output in known
    ]
    judged = [score.judged for _, score in scored if score.judged is not None]
    return Calibration(
        place=rubric.place,
        text=rubric.text,
        labels=len(known),
        agreement=agreement(pairs),
        contradicted=sum(len(set(each)) > 1 for each in said.values()),
        asked=_counted(each.asked for each in judged),
        answered=_counted(model for each in judged for model in each.answered),
    )


def _counted(models: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(models).items()))


def _scored(rubric: Rubric, result: CaseResult) -> Iterable[tuple[ScoredTrial, Score]]:
    """Yield the recorded answer and the trials of all variants that the rubric's judge scored."""
    recorded = () if result.recorded is None else (result.recorded,)
    for trial in (*recorded, *(trial for cell in result.cells for trial in cell.trials)):
        answer = trial.trial.answer
        if answer is None or len(trial.scores) <= rubric.place or rubric.material(answer) is None:
            continue
        score = trial.scores[rubric.place]
        if score.scorer == rubric.kind:
            yield trial, score
