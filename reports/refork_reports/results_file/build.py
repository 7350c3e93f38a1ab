"""An evaluation in the shape of ``results.json``."""

import math
from dataclasses import asdict
from typing import Any

from refork.records import Answer, Request, Run, Step
from refork.records.usage import Savings, Usage
from refork_evals.portable import portable
from refork_evals.results import CaseResult, Cell, Evaluation, Score, ScoredTrial
from refork_evals.verdicts.estimates import ScorerRate, at_k, scorer_rates

from refork_reports.results_file.judge_entries import judge_entries
from refork_reports.results_file.schema import VERSION, Results
from refork_reports.sentences import phrases
from refork_reports.sentences.gate import gate_entry
from refork_reports.views.timeline import output_line, state
from refork_reports.views.totals import shown_cost, totals


def results(evaluation: Evaluation) -> Results:
    """An evaluation in the shape of the file."""
    return Results.model_validate(
        portable(
            {
                "version": VERSION,
                "refork": evaluation.refork_version,
                "started_at": evaluation.started_at,
                "alpha": evaluation.alpha,
                "headline": phrases.headline(evaluation).text,
                "settings": {key: str(value) for key, value in sorted(evaluation.settings.items())},
                "totals": _totals(evaluation),
                "cases": [_case(result) for result in evaluation.cases],
                "comparisons": [asdict(found) for found in evaluation.comparisons],
                "gate": gate_entry(evaluation.gate),
            }
        )
    )


def _case(result: CaseResult) -> dict[str, Any]:
    case, outcome = result.case, result.outcome
    return {
        "name": case.name,
        "description": case.description,
        "agent": case.agent,
        "scope": case.scope,
        "guard": case.guard,
        "step": case.step,
        "expect": [dict(entry) for entry in case.expect],
        "not_red": result.not_red,
        "winners": list(result.winners),
        "run": _run(case.run)
        | {"steps": [_step(step) | {"state": state(case, step)} for step in case.run.steps]},
        "fork": outcome
        and {
            "status": outcome.status.value,
            "reason": outcome.reason,
            "run_id": outcome.run_id,
            "seconds": outcome.seconds,
        },
        "recorded": result.recorded and _trial(result.recorded) | {"number": 0},
        "cells": [_cell(cell) | {"fixes": phrases.is_fix(result, cell)} for cell in result.cells],
        "judges": judge_entries(result),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "workflow": run.workflow,
        "status": run.status,
        "framework": run.framework,
        "created_at": run.created_at,
        "seconds": run.seconds,
        "usage": _usage(run.usage),
        "error": run.error and {"type": run.error.type, "message": run.error.message},
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "kind": step.kind.value,
        "agent": step.agent,
        "tool": step.tool,
        "model": step.model,
        "started_at": step.started_at,
        "seconds": step.seconds,
        "usage": step.usage and _usage(step.usage),
        "output": output_line(step),
        "answer": step.answer and _answer(step.answer),
        "error": step.error and {"type": step.error.type, "message": step.error.message},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "variant": cell.variant,
        "verdict": cell.verdict.value,
        "reason": cell.reason,
        "min_pass_rate": cell.min_pass_rate,
        "passes": cell.passes,
        "failures": cell.failures,
        "errors": cell.errors,
        "missing": cell.missing,
        "pass_rate": cell.pass_rate,
        "interval": cell.interval and {"low": cell.interval.low, "high": cell.interval.high},
        "p_value": _finite(cell.p_value),
        "method": cell.method.value,
        "comparison": cell.comparison and asdict(cell.comparison),
        "rounds": cell.rounds,
        "beside": cell.beside and cell.beside.value,
        "usage": _usage(cell.usage),
        "cost_usd": shown_cost(cell),
        "seconds": cell.seconds,
        "savings": cell.savings and _savings(cell.savings),
        "request": cell.request and _request(cell.request),
        "at_k": [
            {"k": each.k, "pass_at_k": each.any_passes, "pass_hat_k": each.all_pass} for each in at_k(cell)
        ],
        "scorers": [_scorer(rate) for rate in scorer_rates(cell.trials)],
        "trials": [_trial(scored) for scored in cell.trials],
    }


def _scorer(rate: ScorerRate) -> dict[str, Any]:
    return {
        **vars(rate),
        "interval": rate.interval and vars(rate.interval),
        "mean": rate.mean and vars(rate.mean),
    }


def _trial(scored: ScoredTrial) -> dict[str, Any]:
    trial = scored.trial
    return {
        "number": trial.number,
        "passed": scored.passed,
        "reused": trial.reused,
        "answered_at": trial.answered_at,
        "resumed": trial.resumed,
        "model": trial.model,
        "seconds": trial.seconds,
        "usage": trial.usage and _usage(trial.usage),
        "cost_usd": scored.cost_usd,
        "answer": trial.answer and _answer(trial.answer),
        "error": trial.error and {"type": trial.error.type, "message": trial.error.message},
        "scores": [_score(score) for score in scored.scores],
        "trajectory": [_moment(step) for step in trial.trajectory],
    }


def _moment(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "kind": step.kind.value,
        "name": step.label or step.name,
        "arguments": step.arguments,
        "said": output_line(step),
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "scorer": score.scorer,
        "passed": score.passed,
        "reason": score.reason,
        "value": _finite(score.value),
        "error": score.error,
        "judge": score.judged and {**vars(score.judged), "answered": list(score.judged.answered)},
    }


def _answer(answer: Answer) -> dict[str, Any]:
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {
        "text": answer.text,
        "tool_calls": calls,
        "structured": answer.structured,
        "ending": answer.ending and answer.ending.value,
    }


def _request(request: Request) -> dict[str, Any]:
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
        for tool in request.tools
    ]
    return {**vars(request), "tools": tools}


def _usage(usage: Usage) -> dict[str, Any]:
    return dict(vars(usage))


def _savings(savings: Savings) -> dict[str, Any]:
    return dict(vars(savings))


def _totals(evaluation: Evaluation) -> dict[str, Any]:
    summed = totals(evaluation)
    savings = summed.savings and _savings(summed.savings)
    reused = evaluation.reused and asdict(evaluation.reused)
    return {**vars(summed), "usage": _usage(summed.usage), "savings": savings, "reused": reused}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
