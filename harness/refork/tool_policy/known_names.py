"""Checks the rules of a tool policy: names that do not exist, and actions that are impossible for a name."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from refork.records import Run, Step, StepKind
from refork.text.lines import one_line
from refork.tool_policy.rules import DBOS_PREFIX, RECEIVE, Action, Rule, last_part

_SHOWN: Final = 8


@dataclass(frozen=True, kw_only=True)
class KnownNames:
    """The names in a recorded run and in the imported application.

    ``steps`` act, ``offered`` are tools that a model was offered or requested, ``models`` are steps that call a
    model, ``children`` are workflows that the run started, ``workflows`` are all others, ``operations`` are DBOS's
    own, such as ``DBOS.send``.
    """

    steps: frozenset[str] = field(default_factory=frozenset[str])
    offered: frozenset[str] = field(default_factory=frozenset[str])
    models: frozenset[str] = field(default_factory=frozenset[str])
    children: frozenset[str] = field(default_factory=frozenset[str])
    workflows: frozenset[str] = field(default_factory=frozenset[str])
    operations: frozenset[str] = field(default_factory=frozenset[str])

    def holds(self, rule: Rule) -> bool:
        """Return whether the rule matches any name."""
        every = (self.steps, self.offered, self.models, self.children, self.workflows, self.operations)
        return any(_fits(rule, names) for names in every)

    def cannot_hold(self, rule: Rule) -> str:
        """Explain why no call of this name can do what the rule says, and what to do; empty if one can."""
        if rule.is_glob or _fits(rule, self.steps):
            return ""
        if rule.action is Action.LIVE:
            return self._not_live(rule)
        if rule.user and rule.pattern != RECEIVE and not _fits(rule, self.offered):
            is_other = _fits(rule, self.models | self.children | self.workflows)
            return _NO_USER.format(name=rule.pattern) if is_other else ""
        return self._no_stub(rule) if rule.action is Action.STUB else ""

    def _not_live(self, rule: Rule) -> str:
        called = _fits(rule, self.offered) or _fits(rule, self.models)
        is_child = _fits(rule, self.children) or (_fits(rule, self.workflows) and not called)
        return _NO_CHILD.format(name=rule.pattern, what="'live'") if is_child else ""

    def _no_stub(self, rule: Rule) -> str:
        if _fits(rule, self.offered):
            return ""  # the model's call is answered, whatever the tool would have started
        if _fits(rule, self.models):
            return _NO_STUB_OF_A_MODEL.format(name=rule.pattern)
        # An application whose models are offered tools may have one that is a workflow.
        is_child = _fits(rule, self.children) or (_fits(rule, self.workflows) and not self.offered)
        return _NO_CHILD.format(name=rule.pattern, what="a stub") if is_child else ""

    def nearest(self, name: str) -> str:
        """Return ``; did you mean 'refund'?``, or otherwise ``; known: ...``."""
        operation = f"{DBOS_PREFIX}{name}"
        if operation in self.operations:
            return f"; did you mean {operation!r}?"
        called = {last_part(each) for each in self.steps | self.offered | self.models}
        names = sorted(self.operations if name.startswith(DBOS_PREFIX) else called)
        close = _closest(name, names)
        if close:
            return f"; did you mean {close!r}?"
        more = ", ..." if len(names) > _SHOWN else ""
        return f"; known: {', '.join(one_line(each, 60) for each in names[:_SHOWN])}{more}" if names else ""


_NO_CHILD: Final = (
    "has {what} for {name!r}, which is a workflow: a rerun starts no child workflow, but answers with the recorded "
    "child or denies it; take the rule out, or say replay or deny, and grant the tools and steps of the child in "
    "a case of its own run"
)
_NO_USER: Final = (
    "has 'user' for {name!r}, which is a workflow, or asks a model: the user's turns come by a step, by a tool that is "
    "one, or by DBOS.recv, which needs no rule for that; name the step in which the workflow asks the user"
)
_NO_STUB_OF_A_MODEL: Final = (
    "has a stub for {name!r}, which is a step that asks a model: a tail asks it again, and no stub stands for it; "
    "take the rule out, or say deny"
)


def names_of_run(run: Run) -> KnownNames:
    """Return the names in a recorded run: its steps, and the tools that its model was offered or requested."""
    offered: set[str] = set()
    for step in run.steps:
        offered.update(() if step.tool is None else (step.tool,))
        offered.update(() if step.answer is None else (call.name for call in step.answer.tool_calls))
        offered.update(() if step.request is None else (tool.name for tool in step.request.tools))
    names = {kind: frozenset(step.name for step in run.steps if _kind(step) == kind) for kind in _Kind}
    return KnownNames(
        steps=names[_Kind.STEP],
        offered=frozenset(offered),
        models=names[_Kind.MODEL],
        children=names[_Kind.CHILD],
        workflows=frozenset({run.workflow}),
        operations=names[_Kind.OPERATION],
    )


class _Kind(Enum):
    STEP = auto()
    MODEL = auto()
    CHILD = auto()
    OPERATION = auto()


def _kind(step: Step) -> _Kind:
    if step.name.startswith(DBOS_PREFIX):
        return _Kind.OPERATION
    if step.child_run is not None:
        return _Kind.CHILD
    return _Kind.MODEL if step.kind is StepKind.MODEL else _Kind.STEP


def as_pattern(name: str) -> str:
    """Return a pattern that matches only this name."""
    return f"{name[:-1]}[{name[-1]}]"


def _fits(rule: Rule, names: Iterable[str]) -> bool:
    return any(rule.fits(name) for name in names)


def _closest(name: str, names: Iterable[str]) -> str:
    folded = {each.casefold(): each for each in names}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return folded[close[0]] if close else ""
