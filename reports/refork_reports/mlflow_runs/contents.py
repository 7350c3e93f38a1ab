"""What a run of MLflow holds of an evaluation: params, metrics, prompts and a table of trials, as plain values."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from refork.records.variant import prompt_folder
from refork.text.lines import one_line
from refork_evals.results import Cell, SuiteResult, Verdict
from refork_evals.results.totals import shown_cost, totals

from refork_reports.sentences.steps import call_line

_UNFIT: Final = re.compile(r"[^\w.\- ]")
"""What a part of a metric's name or of a path may not contain."""
_LONGEST_PART: Final = 80
_LONGEST_PARAM: Final = 500


def params(evaluation: SuiteResult) -> dict[str, str]:
    """Return the settings of the session, its commit and versions, and the variants that it ran."""
    session = evaluation.history[-1] if evaluation.history else None
    variants = dict.fromkeys(cell.variant for cell in evaluation.cells)
    models = dict.fromkeys(cell.request.model or "" for cell in evaluation.cells if cell.request)
    found = {
        **{f"settings.{_part(name)}": value for name, value in evaluation.settings.items()},
        "alpha": str(evaluation.alpha),
        "refork": evaluation.refork_version,
        "variants": ", ".join(variants),
        "models": ", ".join(filter(None, models)),
    }
    if session is not None:
        found |= {f"version.{_part(name)}": version for name, version in session.versions.items()}
        found |= {} if session.commit is None else {"commit": session.commit, "dirty": str(session.dirty)}
    return {name: one_line(value, _LONGEST_PARAM) for name, value in found.items() if value}


def metrics(evaluation: SuiteResult) -> dict[str, float]:
    """Return the figures of the session (``total/``), of each variant and of each case under a variant.

    Rates are between 0 and 1, cost is in US dollars, time in seconds. What is not known is left out.
    """
    found: dict[str, float] = {}
    for name, value in _figures(evaluation):
        if value is not None and math.isfinite(value):
            found[_free(name, found)] = float(value)
    return found


def _figures(evaluation: SuiteResult) -> Iterator[tuple[str, Any]]:
    summed = totals(evaluation)
    for name in ("cases", "trials", "passes", "failures", "errors", "missing", "seconds", "cost_usd"):
        yield f"total/{name}", getattr(summed, name)
    yield "total/tokens", summed.usage.total_tokens
    if summed.paid is not None:
        yield "total/paid_tokens", summed.paid.tokens
        yield "total/paid_cost_usd", summed.paid.cost_usd
    if evaluation.gate is not None:
        yield "total/gate_passes", evaluation.gate.passes
    for variant in dict.fromkeys(cell.variant for cell in evaluation.cells):
        yield from _variant_figures(variant, [each for each in evaluation.cells if each.variant == variant])
    for cell in evaluation.cells:
        place = f"case/{_part(cell.case)}/{_part(cell.variant)}"
        yield f"{place}/pass_rate", cell.pass_rate
        yield f"{place}/tokens", cell.usage.total_tokens
        yield f"{place}/cost_usd", shown_cost(cell)


def _variant_figures(variant: str, cells: list[Cell]) -> Iterator[tuple[str, Any]]:
    place, measured = f"variant/{_part(variant)}", sum(cell.measured for cell in cells)
    yield f"{place}/pass_rate", sum(cell.passes for cell in cells) / measured if measured else None
    yield f"{place}/tokens", sum(cell.usage.total_tokens for cell in cells)
    costs = [cell.cost_usd for cell in cells if cell.usage.total_tokens]
    known = [cost for cost in costs if cost is not None]
    yield f"{place}/cost_usd", sum(known) if known and len(known) == len(costs) else None
    yield f"{place}/fixes", sum(cell.fixes for cell in cells)
    for verdict in Verdict:
        yield f"{place}/verdict_{verdict.value}", sum(cell.verdict is verdict for cell in cells)


def prompts(evaluation: SuiteResult) -> dict[str, str]:
    """Return the prompts that were sent, by path: ``<agent>/<variant>.md``, and one for each case where they differ."""
    sent: dict[tuple[str, str], dict[str, str]] = {}
    for result in evaluation.cases:
        for cell in result.cells:
            if cell.request is not None and cell.request.prompt is not None:
                key = (_part(prompt_folder(result.case.agent or "")), _part(cell.variant))
                sent.setdefault(key, {})[result.case.name] = cell.request.prompt
    found: dict[str, str] = {}
    for (agent, variant), texts in sent.items():
        if len(set(texts.values())) == 1:
            found[_free(f"{agent}/{variant}.md", found)] = next(iter(texts.values()))
            continue
        for case, text in texts.items():
            found[_free(f"{agent}/{variant}/{_part(case)}.md", found)] = text
    return found


def table(evaluation: SuiteResult) -> dict[str, list[Any]]:
    """Return the trials as columns of equal length, a trial a row."""
    rows = list(_rows(evaluation))
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def _rows(evaluation: SuiteResult) -> Iterator[Mapping[str, Any]]:
    for result in evaluation.cases:
        for cell in result.cells:
            for scored in cell.trials:
                trial = scored.trial
                answer, usage = trial.answer, trial.usage
                yield {
                    "case": result.case.name,
                    "variant": cell.variant,
                    "trial": trial.number,
                    "passed": scored.passed,
                    "output": "" if answer is None else answer.text,
                    "tool_calls": "" if answer is None else "\n".join(map(call_line, answer.tool_calls)),
                    "error": "" if trial.error is None else f"{trial.error.type}: {trial.error.message}",
                    "reasons": "\n".join(scored.reasons),
                    "model": trial.model or "",
                    "input_tokens": None if usage is None else usage.input_tokens,
                    "output_tokens": None if usage is None else usage.output_tokens,
                    "cost_usd": None if scored.cost_usd is None else float(scored.cost_usd),
                    "seconds": trial.seconds,
                    "reused": trial.reused,
                }


def _part(name: str) -> str:
    """Return a name as one part of a metric's name or a path: nothing in it leads elsewhere."""
    return _UNFIT.sub("_", name)[:_LONGEST_PART].strip(". ") or "_"


def _free(name: str, taken: Iterable[str]) -> str:
    """Return the name, or with a number behind it if another name became the same."""
    free, number = name, 1
    while free in taken:
        number += 1
        head, dot, suffix = name.rpartition(".md")
        free = f"{head}_{number}{dot}{suffix}" if dot else f"{name}_{number}"
    return free
