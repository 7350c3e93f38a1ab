"""Decides what happens to one call in a rerun: it is replayed, made, answered by a stub, or denied. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from refork.records import RecordedError
from refork.tool_policy import DBOS_PREFIX, Action, OnMiss, ToolPolicy
from refork.tool_policy.canonical_arguments import canonical, shown
from refork.tool_policy.recorded_calls import RecordedCalls
from refork.tool_policy.stubs import stub_for

_SHOWN: Final = 160


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Answer with the result of recorded step ``number``: an encoded ``output``, an ``error``, or a child's run id."""

    output: Any
    error: RecordedError | None
    number: int
    child_run: str | None = None


@dataclass(frozen=True, kw_only=True)
class Live:
    """Make the call."""


@dataclass(frozen=True, kw_only=True)
class Stub:
    """Call ``function`` with the arguments by name instead; it may be async."""

    function: Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Deny:
    """Make no call. ``message`` is one line; with ``tell`` it is the model's answer, otherwise the trial ends."""

    message: str
    tell: bool = False


Decision: TypeAlias = Replay | Live | Stub | Deny


def decide(
    policy: ToolPolicy,
    calls: RecordedCalls,
    stubs: Mapping[str, Callable[..., Any]],
    name: str,
    arguments: Any,
) -> Decision:
    """Return what ``policy`` does with the call of ``name``: a tool, a step, a child workflow, or a ``DBOS.``
    operation.

    ``arguments`` is JSON as :func:`refork.values.encode` writes it, or a model's text. A replayed call is taken
    from ``calls``. Only a miss can be answered with a message to the model, and never that of DBOS's own
    operation, which no model requested.
    """
    rule = policy.rule_for(name)
    if rule.action is Action.LIVE:
        return Live()
    if rule.action is Action.STUB:
        function = stub_for(rule, name, stubs)
        return Stub(function=function) if function is not None else _no_stub(name, arguments, rule.stub)
    if rule.action is Action.REPLAY:
        recorded = calls.take(name, arguments)
        if recorded is not None:
            return Replay(
                output=recorded.output,
                error=recorded.error,
                number=recorded.number,
                child_run=recorded.child_run,
            )
    return _denied(policy, calls, name, arguments, rule.action)


def _denied(policy: ToolPolicy, calls: RecordedCalls, name: str, arguments: Any, action: Action) -> Deny:
    missed = action is Action.REPLAY
    why = "was not recorded" if missed else "is denied"
    return Deny(
        message=f"{_call(name, arguments)} {why}; {calls.nearest(name, arguments)}; {_remedy(policy, name)}",
        tell=missed and policy.on_miss is OnMiss.TELL and not name.startswith(DBOS_PREFIX),
    )


def _remedy(policy: ToolPolicy, name: str) -> str:
    granted = ToolPolicy(rules=policy.rules).action_for(name)
    if granted in (Action.LIVE, Action.STUB):
        return f"pyproject.toml grants {granted}, which the case takes away under tools"
    return "grant live in [tool.refork.tools], or register a stub"


def _no_stub(name: str, arguments: Any, wanted: str | None) -> Deny:
    return Deny(
        message=f"{_call(name, arguments)} has no stub: register {(wanted or name)!r} in conftest.py "
        "with refork.tool_policy.stubs.stub, or take it out of [tool.refork.tools]"
    )


def _call(name: str, arguments: Any) -> str:
    return f"{name}({shown(canonical(arguments), limit=_SHOWN)})"
