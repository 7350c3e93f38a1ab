"""Folds the steps of a run to those that say something: no plumbing of DBOS's, and no call twice that repeats."""

import json
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from refork.records import Run, Step
from refork.tool_policy import DBOS_PREFIX
from refork.tool_policy.canonical_arguments import canonical
from refork.tool_policy.conversation import is_users
from refork.tool_policy.recorded_arguments import arguments_of

_PLUMBING: Final = frozenset(
    f"{DBOS_PREFIX}{name}"
    for name in (
        "recv",
        "sleep",
        "waitFirst",
        "asyncio_wait",
        "setEvent",
        "getEvent",
        "writeStream",
        "closeStream",
        "readStream",
        "readStreamOffset",
        "getStatus",
        "now",
        "randomUUID",
    )
)
_LONGEST: Final = 6
"""Steps of the longest round that is looked for, such as a model step and the tools that it called at once."""
_LEAST_ROUNDS: Final = 3


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Steps in one row: DBOS's plumbing, or all rounds but the first of a call that repeats.

    ``rounds`` is how often the steps before the fold come again; 0 for plumbing.
    """

    kind: Literal["plumbing", "repeated"]
    steps: tuple[Step, ...]
    rounds: int = 0


StepRow: TypeAlias = Step | Fold


def step_rows(run: Run, *, shown: Collection[int] = ()) -> tuple[StepRow, ...]:
    """Return the steps of ``run`` in order, folded. Steps whose numbers are in ``shown`` are never folded."""
    plumbing = {step.number for step in run.steps if _is_plumbing(step) and step.number not in shown}
    keys = _keys(run)
    visible = [step for step in run.steps if step.number not in plumbing]
    repeated = {fold.steps[0].number: fold for fold in _repetitions(visible, keys, shown)}
    return tuple(_in_order(run.steps, plumbing, repeated))


def _is_plumbing(step: Step) -> bool:
    return step.name in _PLUMBING and step.error is None and not is_users(step)


def _in_order(steps: Sequence[Step], plumbing: set[int], repeated: dict[int, Fold]) -> Iterator[StepRow]:
    """Yield rows in order. Plumbing between two steps that are folded goes into their fold."""
    at = 0
    while at < len(steps):
        step = steps[at]
        fold = repeated.get(step.number)
        if fold is not None:
            last = next(place for place in range(at, len(steps)) if steps[place] is fold.steps[-1])
            yield Fold(kind=fold.kind, steps=tuple(steps[at : last + 1]), rounds=fold.rounds)
            at = last + 1
        elif step.number in plumbing:
            end = next((n for n in range(at, len(steps)) if steps[n].number not in plumbing), len(steps))
            yield Fold(kind="plumbing", steps=tuple(steps[at:end]))
            at = end
        else:
            yield step
            at += 1


def _repetitions(steps: Sequence[Step], keys: dict[int, Hashable], shown: Collection[int]) -> Iterator[Fold]:
    found = [(keys[step.number], step.number in shown) for step in steps]
    at = 0
    while at < len(steps):
        length, rounds = max(
            ((length, _rounds(found, at, length)) for length in range(1, _LONGEST + 1)),
            key=lambda each: (each[0] * each[1] if each[1] >= _LEAST_ROUNDS else 0, -each[0]),
        )
        if rounds < _LEAST_ROUNDS:
            at += 1
            continue
        end = at + length * rounds
        yield Fold(kind="repeated", steps=tuple(steps[at + length : end]), rounds=rounds - 1)
        at = end


def _rounds(found: Sequence[tuple[Hashable, bool]], at: int, length: int) -> int:
    """Return how many times the ``length`` steps at ``at`` come in a row."""
    first = [key for key, _ in found[at : at + length]]
    rounds = 1
    while True:
        start = at + rounds * length
        following = found[start : start + length]
        if [key for key, _ in following] != first or any(is_shown for _, is_shown in following):
            return rounds
        rounds += 1


def _keys(run: Run) -> dict[int, Hashable]:
    """Return what makes two steps the same call: names and arguments, or the output where arguments are unknown."""
    arguments = arguments_of(run)
    return {step.number: _key(step, arguments.get(step.number)) for step in run.steps}


def _key(step: Step, arguments: tuple[object, ...] | None) -> Hashable:
    failed = None if step.error is None else (step.error.type, step.error.message)
    if step.answer is not None:
        calls = tuple((call.name, canonical(call.arguments)) for call in step.answer.tool_calls)
        return (step.kind, step.label, failed, calls or step.answer.text)
    if arguments is not None:
        return (step.kind, step.name, step.label, failed, *map(canonical, arguments))
    output = json.dumps(step.output, sort_keys=True, ensure_ascii=False, default=str)
    return (step.kind, step.name, step.label, failed, step.child_run, output)
