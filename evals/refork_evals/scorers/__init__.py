"""The built-in scorers, by their names in ``case.yaml``."""

from typing import Final

from refork_evals.scorers.base import BuiltIn
from refork_evals.scorers.json_path import JsonPath
from refork_evals.scorers.json_schema import JsonSchema
from refork_evals.scorers.judge import Judge
from refork_evals.scorers.limits import MaxCost, MaxSeconds, MaxTokens
from refork_evals.scorers.logic import AllOf, AnyOf, Not
from refork_evals.scorers.number import Number
from refork_evals.scorers.sql import Sql
from refork_evals.scorers.text import Contains, Equals, NotContains, Regex
from refork_evals.scorers.tools import ToolCalled, ToolNotCalled
from refork_evals.scorers.trajectory import Final as FinalResult
from refork_evals.scorers.trajectory import Steps, Trajectory

_TEXT: Final = (Contains, NotContains, Equals, Regex, Number)
_PARSED: Final = (JsonSchema, JsonPath, Sql)
_CALLS: Final = (ToolCalled, ToolNotCalled)
_TAIL: Final = (Trajectory, Steps, FinalResult)
_LIMITS: Final = (MaxTokens, MaxSeconds, MaxCost)
_OTHERS: Final = (Judge, AllOf, AnyOf, Not)

BUILT_IN: Final[dict[str, type[BuiltIn]]] = {
    model.kind: model for model in (*_TEXT, *_PARSED, *_CALLS, *_TAIL, *_LIMITS, *_OTHERS)
}
