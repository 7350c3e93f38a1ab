"""Recognises steps that call a model without a framework, by their source or by their names."""

from collections.abc import Sequence
from dataclasses import replace

from refork.frameworks.protocol import StepCall
from refork.recognition import asks_model
from refork.records import Answer, Run, Step, StepKind
from refork.records.workflow_result import answer_of
from refork.tool_policy import DBOS_PREFIX, Action, Rule, ToolPolicy
from refork.values import PLACEHOLDERS, TAG, decoded


def is_model_step(step: StepCall, models: Sequence[str]) -> bool:
    """Return whether ``models``, names or patterns of ``[tool.refork]``, include a step, or its code calls a
    model.
    """
    return is_named(step.name, models) or asks_model(step.function)


def is_named(name: str, models: Sequence[str]) -> bool:
    return any(Rule(pattern=pattern, action=Action.LIVE).fits(name) for pattern in models)


def denies(policy: ToolPolicy, name: str) -> bool:
    """Return whether a rule forbids a model step to run. A rule for every name is about tools."""
    rule = policy.rule_for(name)
    return rule.action is Action.DENY and rule.pattern != "*"


def with_named(run: Run, models: Sequence[str]) -> Run:
    """Return the run, with the steps that ``models`` name as model steps."""
    if not models:
        return run
    return replace(
        run, steps=tuple(_marked(step) if _is_named_so(step, models) else step for step in run.steps)
    )


def _is_named_so(step: Step, models: Sequence[str]) -> bool:
    is_own = not step.name.startswith(DBOS_PREFIX) and step.child_run is None
    return is_own and step.kind is StepKind.OTHER and is_named(step.name, models)


def _marked(step: Step) -> Step:
    return replace(step, kind=StepKind.MODEL, answer=step.answer or recorded_answer(step))


def recorded_answer(step: Step) -> Answer | None:
    """Return the recorded result of a step in the form of an answer of its rerun."""
    cached = step.output
    if step.error is not None or (isinstance(cached, dict) and cached.get(TAG) in PLACEHOLDERS):
        return None
    return answer_of(decoded(step.output))
