"""The results of a pytest-xdist worker, sent to the controller as JSON."""

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from pydantic import TypeAdapter
from refork.records.outcome import Outcome
from refork_evals.agreement.judge_answers import JudgeAnswer
from refork_evals.evaluation.kept_answers.answer_writer import Unscored
from refork_evals.results import CaseResult
from refork_evals.verdicts.verdict import with_cells

from pytest_refork.reporting.gate import Selection

_HANDED: Final = "refork_handed"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """The results of a worker at its end: the order of all collected items, and what it measured."""

    order: tuple[str, ...]
    selection: Selection
    results: tuple[CaseResult, ...]
    judged: tuple[JudgeAnswer, ...] = ()
    unscored: tuple[Unscored, ...] = ()


def worker_id(config: pytest.Config) -> str:
    """Return the worker's id, such as ``gw0``; empty if this process is not a worker."""
    return str(_worker_input(config).get("workerid", ""))


def worker_count(config: pytest.Config) -> int:
    return int(_worker_input(config).get("workercount", 1))


def hand_over(config: pytest.Config, handed: Handed) -> None:
    """Send the results to the controller."""
    output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]
    text = json.dumps(_adapter().dump_python(handed, mode="json"), ensure_ascii=False)
    # What a model wrote may hold lone surrogates, which neither pydantic nor the wire takes.
    output[_HANDED] = text.encode("utf-8", "replace").decode()


def received(output: dict[str, Any]) -> Handed | None:
    """Return the results of a finished worker; None if it crashed."""
    text = output.get(_HANDED)
    return None if text is None else _adapter().validate_json(text)


def merged(results: Iterable[CaseResult], order: Iterable[str]) -> tuple[CaseResult, ...]:
    """Merge results into one per case, because several workers may each have measured some of its variants."""
    by_name: dict[str, CaseResult] = {}
    for result in results:
        known = by_name.get(result.case.name)
        by_name[result.case.name] = result if known is None else _joined(known, result)
    rank = {name: position for position, name in enumerate(order)}
    return tuple(sorted(by_name.values(), key=lambda result: rank.get(result.case.name, len(rank))))


def _joined(one: CaseResult, other: CaseResult) -> CaseResult:
    known = {cell.variant for cell in one.cells}
    cells = (*one.cells, *(cell for cell in other.cells if cell.variant not in known))
    outcome = _joined_outcome(one.outcome, other.outcome)
    joined = dataclasses.replace(one, outcome=outcome, recorded=one.recorded or other.recorded)
    return with_cells(joined, cells)


def _joined_outcome(one: Outcome | None, other: Outcome | None) -> Outcome | None:
    if one is None or other is None:
        return one or other
    return dataclasses.replace(
        one,
        requests={**other.requests, **one.requests},
        trials=(*one.trials, *other.trials),
        seconds=max(one.seconds, other.seconds),
    )


@cache
def _adapter() -> TypeAdapter[Handed]:
    return TypeAdapter(Handed)


def _worker_input(config: pytest.Config) -> dict[str, Any]:
    return getattr(config, "workerinput", {})
