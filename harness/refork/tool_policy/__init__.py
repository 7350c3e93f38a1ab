"""Decides what tools, steps and side effects of a workflow may do in a rerun. Pure functions: nothing here acts.

``rules`` says what is allowed, ``recorded_calls`` what the recorded run can answer, and ``decisions`` what happens
to a call.
"""

from refork.tool_policy.rules import (
    DBOS_PREFIX,
    RECEIVE,
    TIGHTENING,
    Action,
    OnMiss,
    Rule,
    ToolPolicy,
    case_policy,
    last_part,
    merged,
    tightened,
)

__all__ = [
    "DBOS_PREFIX",
    "RECEIVE",
    "TIGHTENING",
    "Action",
    "OnMiss",
    "Rule",
    "ToolPolicy",
    "case_policy",
    "last_part",
    "merged",
    "tightened",
]
