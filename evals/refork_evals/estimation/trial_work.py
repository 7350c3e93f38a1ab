"""Estimates what one trial takes, from the recorded calls that it repeats."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from refork.errors import ReforkError
from refork.prompts.candidates import render
from refork.prompts.offered_tools import offered_names
from refork.records import Answer, Case, Request, Step, StepKind
from refork.records.usage import Usage, cost
from refork.records.variant import Variant
from refork.tool_policy import Action, Rule

from refork_evals.estimation.estimate import Work, WorkRange

CHARACTERS: Final = 4
"""Characters of a token, where no tokens are on record: a rough figure for English text and JSON."""


@dataclass(frozen=True, kw_only=True)
class TrialWork:
    """The estimate of one trial. ``is_rough`` says that tokens were counted by characters."""

    work: WorkRange = field(default_factory=WorkRange)
    is_rough: bool = False
    models: frozenset[str] = frozenset()
    unpriced: frozenset[str] = frozenset()

    def __add__(self, other: "TrialWork") -> "TrialWork":
        return TrialWork(
            work=self.work + other.work,
            is_rough=self.is_rough or other.is_rough,
            models=self.models | other.models,
            unpriced=self.unpriced | other.unpriced,
        )


def trial_work(case: Case, variant: Variant, models: Sequence[str] = ()) -> TrialWork:
    """Estimate a trial from the call at the fork point, or, of a tail, from all recorded calls from there on.

    ``models`` are the steps that the project names as model calls.
    """
    total = TrialWork()
    for step in _calls(case, models):
        is_changed = case.agent is None or step.agent in (None, case.agent)
        total += _call_work(step, variant if is_changed else None)
    return total


def expected_request(case: Case, variant: Variant) -> Request | None:
    """Return the request at the fork point if today's code still sends what was recorded; None if none was."""
    request = case.fork_point.request
    return None if request is None else _changed(request, variant)


def rough_tokens(*texts: str) -> int:
    """Count the tokens of texts by their characters."""
    return -(-sum(map(len, texts)) // CHARACTERS)


def priced(usage: Usage, model: str | None, *, seconds: float | None = 0.0) -> TrialWork:
    """Price calls. At the least the provider's own cache answers as much as on record, at the most nothing."""
    uncached = replace(usage, cached_tokens=0)
    price = cost(uncached, model)
    work = Work(
        calls=usage.calls,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=price,
        seconds=seconds,
    )
    least = replace(work, cost_usd=cost(usage, model))
    models = frozenset() if model is None else frozenset({model})
    unpriced = models if price is None else frozenset[str]()
    return TrialWork(work=WorkRange(least=least, most=work), models=models, unpriced=unpriced)


def _calls(case: Case, models: Sequence[str]) -> list[Step]:
    last = case.step if case.scope == "step" else None
    rules = [Rule(pattern=pattern, action=Action.LIVE) for pattern in models]
    return [
        step
        for step in case.run.steps
        if step.number >= case.step
        and (last is None or step.number <= last)
        and (step.kind is StepKind.MODEL or any(rule.fits(step.name) for rule in rules))
    ]


def _call_work(step: Step, variant: Variant | None) -> TrialWork:
    request = step.request
    changed = request if request is None or variant is None else _changed(request, variant)
    model = (variant and variant.model) or step.model or (request and request.model) or None
    is_replaced = variant is not None and variant.template is not None
    usage = step.usage
    if usage is None:
        counted = _by_characters(changed or request, step.answer)
        if counted is None:
            unknown = Work(
                calls=1, input_tokens=None, output_tokens=None, cost_usd=None, seconds=step.seconds
            )
            return TrialWork(work=WorkRange(least=unknown, most=unknown))
        return replace(priced(counted, model, seconds=step.seconds), is_rough=True)
    usage = replace(usage, calls=max(1, usage.calls))
    if not is_replaced:
        return priced(usage, model, seconds=step.seconds)
    tokens = max(0, usage.input_tokens + _difference(request, changed))
    return replace(
        priced(replace(usage, input_tokens=tokens, cached_tokens=0), model, seconds=step.seconds),
        is_rough=True,
    )


def _difference(request: Request | None, changed: Request | None) -> int:
    """Return by how many tokens the prompt of a request has become longer."""
    if request is None or changed is None:
        return 0
    return rough_tokens(changed.prompt or "") - rough_tokens(request.prompt or "")


def _by_characters(request: Request | None, answer: Answer | None) -> Usage | None:
    if request is None or answer is None:
        return None
    tools = [(tool.name, tool.description, tool.parameters) for tool in request.tools]
    sent = rough_tokens(request.prompt or "", *map(_text, (request.input, tools, request.output_schema)))
    called = [(call.name, call.arguments) for call in answer.tool_calls]
    answered = rough_tokens(answer.text, _text(called) if called else "")
    return Usage(calls=1, input_tokens=sent, output_tokens=answered)


def _text(value: Any) -> str:
    if not value:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _changed(request: Request, variant: Variant) -> Request | None:
    """The request under a variant; None if its template fails, which the evaluation itself reports."""
    try:
        prompt = request.prompt
        if variant.template is not None:
            prompt = render(variant, baseline=request.prompt, request=request)
        names = offered_names(variant, [tool.name for tool in request.tools])
    except ReforkError:
        return None
    return replace(
        request,
        prompt=prompt,
        model=variant.model or request.model,
        settings={**request.settings, **variant.settings},
        tools=tuple(tool for tool in request.tools if tool.name in names),
    )
