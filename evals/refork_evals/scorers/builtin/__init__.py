"""The built-in scorers, by their names in ``case.yaml``."""

from typing import Final

from refork_evals.scorers.builtin.base import BuiltIn
from refork_evals.scorers.builtin.json_path import JsonPath
from refork_evals.scorers.builtin.json_schema import JsonSchema
from refork_evals.scorers.builtin.judge import Judge
from refork_evals.scorers.builtin.limits import MaxCost, MaxSeconds, MaxTokens
from refork_evals.scorers.builtin.logic import AllOf, AnyOf, Not
from refork_evals.scorers.builtin.number import Number
from refork_evals.scorers.builtin.sql import Sql
from refork_evals.scorers.builtin.text import Contains, Equals, NotContains, Regex
from refork_evals.scorers.builtin.tools import ToolCalled, ToolNotCalled
from refork_evals.scorers.builtin.trajectory import Final as FinalResult
from refork_evals.scorers.builtin.trajectory import Steps, Trajectory

_TEXT: Final = (Contains, NotContains, Equals, Regex, Number)
_PARSED: Final = (JsonSchema, JsonPath, Sql)
_CALLS: Final = (ToolCalled, ToolNotCalled)
_TAIL: Final = (Trajectory, Steps, FinalResult)
_LIMITS: Final = (MaxTokens, MaxSeconds, MaxCost)
_OTHERS: Final = (Judge, AllOf, AnyOf, Not)

BUILT_IN: Final[dict[str, type[BuiltIn]]] = {
    model.kind: model for model in (*_TEXT, *_PARSED, *_CALLS, *_TAIL, *_LIMITS, *_OTHERS)
}
